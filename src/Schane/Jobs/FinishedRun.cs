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
internal static class FinishedRun
{
    /// <summary>Measures the model, whose passes the ranks share; rank 0 writes what was found. Where a time is <paramref name="left"/> to
    /// the run, it ends with that.</summary>
    internal static RunResults Finish(Recipe recipe, DataSetup data, RunModel model, TrainedFor trained, ProbeResults? probe,
        FrozenTrunk? frozen, RunFolder run, RunLeaves leaves, OutOfFold? folds, ICollective ranks, CancellationToken stop,
        Func<TimeSpan>? left = null)
    {
        using var scope = NewDisposeScope();
        var adapters = model.Classifier.Adapters is null ? null
            : model.Classifier.Changing().ToDictionary(t => t.Key, t => t.Value.detach().clone());
        model.Classifier.Merge();                                         // what is measured is what is saved, to the bit
        var (confidence, thresholds, validation) = folds is not null ? (folds.Confidence(), folds.Thresholds(), null)
            : Validation(recipe, data, model, frozen, ranks, stop);
        model = model with { Confidence = confidence, Thresholds = thresholds };
        ranks.OnFirst(() =>
        {
            model.Save(run.Model);
            if (adapters is not null)
                model.SaveAdapters(run.Adapter, adapters);
        });
        var measured = folds is not null ? EvaluateJob.OutOfFold(recipe, folds, model, trained.Steps, trained.Seconds)
            : EvaluateJob.Measure(recipe, data, model, trained.Steps, trained.Seconds, ranks, stop);
        using var kept = frozen?.Outputs("train");
        var train = leaves == RunLeaves.Results || measured.Results.Part == "train" ? null : kept is not null
            ? EmbeddedImages.Of(kept, data.Train, "train") : EvaluateJob.Embed(model, data.Train, "train", recipe, stop, ranks);
        var results = measured.Results with
        {
            Probe = folds is not null ? probe is null ? null : folds.Probe! with { Lambda = probe.Lambda, Seconds = probe.Seconds }
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
            if (leaves == RunLeaves.Results)
            {
                results.Save(run.Results);
                return;
            }
            PredictedItem.Save(run.Predictions, measured.Items);
            var embedded = EmbeddedImages.Join([.. ((EmbeddedImages?[])[train, measured.Results.Part == "val" ? null : validation,
                measured.Embedded]).OfType<EmbeddedImages>()]);
            if (recipe.MultiLabel != true || leaves == RunLeaves.Data)    // the file holds one class an image; of a fold, no class is read
                embedded.Save(run.Embeddings);
            if (embedded.Part("train") is { } known && (validation is not null ? [new(known.Embeddings, validation.Embeddings)]
                : folds is not null ? FoldEmbeddings.Of(run, results, embedded) : []) is { Count: > 0 } held)
                KnownImages.Of(known.Embeddings, held).Save(run);
            results.Save(run.Results);
            if (leaves == RunLeaves.Page)
                RunReport.Write(run.Root, run.Report,
                    recipe.NoThumbnails == true ? null : new ImageKeeper(data, run, new(model), device(recipe.Device), embedded, stop,
                        left is null ? null : () => left().TotalSeconds > WorkAfter.Page));
        });
        return RunResults.Parse(ranks.BroadcastText(results.Text));
    }

    /// <summary>Images that pass the model for <see cref="Finish"/>, and before it to judge a linear probe.</summary>
    internal static int Passes(DataSetup data, bool probes, bool frozen, RunLeaves leaves)
    {
        var (train, validation) = frozen ? (0, 0) : (data.Train.Count, data.Validation?.Count ?? 0);
        var measured = data.OneShot is { } runs ? EvaluateJob.PassesOf(runs) : data.Test?.Count ?? validation;
        return validation + measured + (leaves == RunLeaves.Results ? 0 : train)
            + (leaves == RunLeaves.Page ? RunImages.Shown : 0) + (probes ? validation + measured : 0);
    }

    /// <summary>Thumbnails that <see cref="Finish"/> makes.</summary>
    internal static int ThumbnailsOf(Recipe recipe, DataSetup data, RunLeaves leaves) =>
        leaves != RunLeaves.Page || recipe.NoThumbnails == true ? 0 : Math.Min(Thumbnails.MostOfPart, data.Train.Count)
            + Math.Min(Thumbnails.MostOfPart, (data.Test ?? data.Validation)?.Count ?? 0);

    /// <summary>What the validation images say of the model's confidence, or of the thresholds of several classes, and where they
    /// lie.</summary>
    private static (CalibratedConfidence?, ClassThresholds?, EmbeddedImages?) Validation(Recipe recipe, DataSetup data, RunModel model,
        FrozenTrunk? frozen, ICollective ranks, CancellationToken stop)
    {
        if (data.Validation is null)
            return (null, recipe.MultiLabel == true ? ClassThresholds.Half(model.Classes.Count) : null, null);
        using var outputs = frozen?.Outputs("val") ?? ModelOutputs.Of(model.Classifier, data.Validation,
            TransformPreset.Find(model.Augmentation).Evaluation(model.Input), device(recipe.Device),
            new LoaderOptions { OnBadImage = recipe.OnBadImage }, cancel: stop, ranks: ranks);
        var embedded = EmbeddedImages.Of(outputs, data.Validation, "val");
        return recipe.MultiLabel == true
            ? (null, ClassThresholds.Fit(Copy.Doubles(outputs.Logits), LabelSetScores.TruthOf(data.Validation, outputs.Indices),
                model.Classes.Count), embedded)
            : (CalibratedConfidence.Fit(outputs.Logits, outputs.Labels), null, embedded);
    }
}
