using Schane.Data.Feeding;
using Schane.Data.Transforms;
using Schane.Distributed;
using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Inference;
using Schane.Jobs.Folds;
using Schane.Planning;
using Schane.Recipes;
using Schane.Reporting;
using Schane.Runs;
using Schane.Tensors;
using Schane.Training;
using static TorchSharp.torch;

namespace Schane.Jobs;

/// <summary>What came before a model was finished.</summary>
/// <param name="Steps">Optimiser steps, of all runs that it is made of.</param>
/// <param name="Seconds">Wall time of these.</param>
internal sealed record TrainedFor(long Steps, double Seconds)
{
    public double ImagesPerSecond { get; init; }

    public long StepsSkipped { get; init; }

    public double? ArithmeticError { get; init; }

    public string? Average { get; init; }

    public IReadOnlyList<string>? AverageOf { get; init; }

    public int? AverageViews { get; init; }
}

/// <summary>What a trained model leaves in its run: the model with its calibration, results, predictions, embeddings,
/// images and the report.</summary>
/// <param name="recipe">Resolved.</param>
/// <param name="data">The run's parts.</param>
/// <param name="run">Where it is kept.</param>
/// <param name="ranks">They share the passes; rank 0 writes.</param>
internal sealed class FinishedRun(Recipe recipe, DataSetup data, RunFolder run, ICollective ranks)
{
    /// <summary>How much of it.</summary>
    public RunLeaves Leaves { get; init; } = RunLeaves.Page;

    /// <summary>What folds found in place of a measurement; null without folds.</summary>
    public OutOfFold? Folds { get; init; }

    /// <summary>Embeddings that need no further pass; null where the trunk was trained.</summary>
    public FrozenTrunk? Frozen { get; init; }

    /// <summary>Time left to the run, with which it ends; null where there is no end.</summary>
    public Func<TimeSpan>? Left { get; init; }

    /// <summary>Thumbnails that <see cref="Finish"/> makes.</summary>
    public int ThumbnailCount => Leaves != RunLeaves.Page || recipe.NoThumbnails == true ? 0
        : Math.Min(Thumbnails.MostOfPart, data.Train.Count) + Math.Min(Thumbnails.MostOfPart, (data.Test ?? data.Validation)?.Count ?? 0);

    /// <summary>Images that pass the model for <see cref="Finish"/>, and before it to judge a linear probe.</summary>
    /// <param name="probes">Whether there is one.</param>
    public int Passes(bool probes)
    {
        var (train, validation) = Frozen is not null ? (0, 0) : (data.Train.Count, data.Validation?.Count ?? 0);
        var measured = data.OneShot is { } runs ? EvaluateJob.PassesOf(runs) : data.Test?.Count ?? validation;
        return validation + measured + (Leaves == RunLeaves.Results ? 0 : train)
            + (Leaves == RunLeaves.Page ? RunImages.Shown : 0) + (probes ? 2 * validation + measured : 0);
    }

    /// <summary>Measures the model and writes what was found.</summary>
    /// <param name="model">As it is to be kept.</param>
    /// <param name="trained">What came before.</param>
    /// <param name="probe">The linear probe beside it; null where there was none.</param>
    /// <param name="stop">Stops between batches.</param>
    public RunResults Finish(RunModel model, TrainedFor trained, ProbeResults? probe, CancellationToken stop)
    {
        using var scope = NewDisposeScope();
        var adapters = model.Classifier.Adapters is null ? null
            : model.Classifier.Changing().ToDictionary(t => t.Key, t => t.Value.detach().clone());
        model.Classifier.Merge();                                         // what is measured is what is saved, to the bit
        var (confidence, thresholds, validation) = Folds is not null ? (Folds.Confidence(), Folds.Thresholds(), null)
            : Validation(model, stop);
        model = model with { Confidence = confidence, Thresholds = thresholds };
        ranks.OnFirst(() =>
        {
            model.Save(run.Model);
            if (adapters is not null)
                model.SaveAdapters(run.Adapter, adapters);
        });
        var measured = Folds is not null ? EvaluateJob.OutOfFold(recipe, Folds, model, trained.Steps, trained.Seconds)
            : EvaluateJob.Measure(recipe, data, model, trained.Steps, trained.Seconds, ranks, stop);
        using var kept = Frozen?.Outputs("train");
        var train = Leaves == RunLeaves.Results || measured.Results.Part == "train" ? null : kept is not null
            ? EmbeddedImages.Of(kept, data.Train, "train") : EvaluateJob.Embed(model, data.Train, "train", recipe, stop, ranks);
        var results = measured.Results with
        {
            Probe = Folds is not null ? probe is null ? null : Folds.Probe! with { Lambda = probe.Lambda, Seconds = probe.Seconds }
                : probe is { Kept: true } && measured.Results.Part == "test"
                ? probe with { Test = ProbeResults.Top1Of(measured.Results.Metrics) } : probe,
            ImagesPerSecond = trained.ImagesPerSecond,
            SkippedSteps = trained.StepsSkipped > 0 ? trained.StepsSkipped : null,
            ArithmeticError = trained.ArithmeticError,
            Average = trained.Average,
            AverageOf = trained.AverageOf,
            AverageViews = trained.AverageViews,
        };
        ranks.OnFirst(() =>
        {
            if (Leaves == RunLeaves.Results)
            {
                results.Save(run.Results);
                return;
            }
            PredictedItem.Save(run.Predictions, measured.Items);
            var embedded = EmbeddedImages.Join([.. ((EmbeddedImages?[])[train, measured.Results.Part == "val" ? null : validation,
                measured.Embedded]).OfType<EmbeddedImages>()]);
            if (recipe.MultiLabel != true || Leaves == RunLeaves.Data)    // the file holds one class an image; of a fold, no class is read
                embedded.Save(run.Embeddings);
            if (embedded.Part("train") is { } known && (validation is not null ? [new(known.Embeddings, validation.Embeddings)]
                : Folds is not null ? FoldEmbeddings.Of(run, results, embedded) : []) is { Count: > 0 } held)
                KnownImages.Of(known.Embeddings, held).Save(run);
            results.Save(run.Results);
            if (Leaves == RunLeaves.Page)
                RunReport.Write(run.Root, run.Report,
                    recipe.NoThumbnails == true ? null : new ImageKeeper(data, run, new(model), device(recipe.Device), embedded, stop,
                        Left is null ? null : () => Left().TotalSeconds > WorkAfter.Page));
        });
        return RunResults.Parse(ranks.BroadcastText(results.Text));
    }

    /// <summary>What the validation images say of the model's confidence, or of the thresholds of several classes, and where they
    /// lie.</summary>
    private (CalibratedConfidence?, ClassThresholds?, EmbeddedImages?) Validation(RunModel model, CancellationToken stop)
    {
        if (data.Validation is null)
            return (null, recipe.MultiLabel == true ? ClassThresholds.Half(model.Classes.Count) : null, null);
        using var outputs = Frozen?.Outputs("val") ?? ModelOutputs.Of(model.Classifier, data.Validation,
            TransformPreset.Find(model.Augmentation).Evaluation(model.Input), device(recipe.Device),
            new LoaderOptions { OnBadImage = recipe.OnBadImage }, cancel: stop, ranks: ranks);
        var embedded = EmbeddedImages.Of(outputs, data.Validation, "val");
        return recipe.MultiLabel == true
            ? (null, ClassThresholds.Fit(Copy.Doubles(outputs.Logits), LabelSetScores.TruthOf(data.Validation, outputs.Indices),
                model.Classes.Count), embedded)
            : (CalibratedConfidence.Fit(outputs.Logits, outputs.Labels), null, embedded);
    }
}
