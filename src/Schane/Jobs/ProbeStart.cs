using System.Diagnostics;
using System.Text.Json;
using Schane.Checkpoints;
using Schane.Data;
using Schane.Data.Feeding;
using Schane.Data.Transforms;
using Schane.Distributed;
using Schane.Evaluation;
using Schane.Inference;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Training;
using static TorchSharp.torch;

namespace Schane.Jobs;

/// <summary>
/// The linear probe that a run on a pre-trained trunk begins with: training and validation images pass the trunk once, as they are
/// evaluated, and a classifier is fitted on the embeddings. It is told at once, becomes the head that fine-tuning begins from (Kumar et al.
/// 2022, arXiv:2202.10054), and stays the run's model where fine-tuning does not do better on the validation part.
/// </summary>
internal sealed class ProbeStart
{
    private const string Found = "probe";

    private readonly string file, metric;

    private ProbeStart(RunFolder run, string metric, ProbeEvent found) =>
        (file, this.metric, Event) = (FileOf(run), metric, found);

    /// <summary>What it found, as the journal holds it.</summary>
    public ProbeEvent Event { get; }

    /// <summary>Fits it, or takes the one that the run has, and gives the model its head.</summary>
    /// <param name="recipe">Resolved.</param>
    /// <param name="data">With a validation part.</param>
    /// <param name="model">With its initial weights, on the recipe's device.</param>
    /// <param name="run">Keeps model and measurements, for the end of the run and for a resumed one.</param>
    /// <param name="ranks">They share the images out; rank 0 fits.</param>
    /// <param name="progress">Told what was found.</param>
    /// <param name="stop">Stops between batches.</param>
    public static ProbeStart Begin(Recipe recipe, DataSetup data, RunModel model, RunFolder run, ICollective ranks,
        IProgress<TrainingProgress>? progress, CancellationToken stop)
    {
        var file = FileOf(run);
        var state = model.Classifier.StateDict();
        ranks.BroadcastAll(state.Values);                                 // rank 0's trunk, which all embed with
        ProbeEvent? found = null;
        if (ranks.Any(ranks.Rank == 0 && File.Exists(file)))
            ranks.OnFirst(() => found = Read(file, state));
        else
        {
            var watch = Stopwatch.StartNew();
            model.Classifier.eval();
            using var train = Outputs(recipe, model, data.Train, ranks, stop);
            using var validation = Outputs(recipe, model, data.Validation!, ranks, stop);
            ranks.OnFirst(() =>
            {
                found = Fit(model, train, validation, state) with { Seconds = watch.Elapsed.TotalSeconds };
                Safetensors.Write(file + ".tmp", state, new Dictionary<string, string> { [Found] = JsonSerializer.Serialize(found) });
                AtomicFile.Move(file + ".tmp", file);
            });
            progress?.Report(new TrainingProgress(Found, 0, recipe.Steps!.Value, 0, null, 0, null, found!.Sentence(recipe.Steps == 0)));
        }
        ranks.BroadcastAll(state.Values);
        found = JsonSerializer.Deserialize<ProbeEvent>(ranks.BroadcastText(JsonSerializer.Serialize(found)));
        var metric = recipe.BestMetric.StartsWith(Evaluations.AveragePrefix, StringComparison.Ordinal)
            ? recipe.BestMetric[Evaluations.AveragePrefix.Length..] : recipe.BestMetric;
        return new(run, ValidationAccuracy.Names.Contains(metric) ? metric : ValidationAccuracy.Names[0], found!);
    }

    /// <summary>Puts the probe in the model's place where the trained model is worse on the validation part, and measures on the test part
    /// what is not kept, if it is the probe.</summary>
    /// <param name="recipe">Resolved.</param>
    /// <param name="data">The run's parts.</param>
    /// <param name="model">As training left it; as it is to be kept afterwards.</param>
    /// <param name="ranks">They share the images out.</param>
    /// <param name="progress">Told which is kept.</param>
    /// <param name="stop">Stops between batches.</param>
    public ProbeResults Finish(Recipe recipe, DataSetup data, RunModel model, ICollective ranks, IProgress<TrainingProgress>? progress,
        CancellationToken stop)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        model.Classifier.eval();
        var before = Event.Metrics;
        var after = recipe.Steps == 0 ? null : Validation(recipe, data, model, ranks, stop);
        var kept = after is null || (metric == "nll" ? after[metric] > before[metric] : after[metric] < before[metric]);
        if (after is not null)
            progress?.Report(new TrainingProgress(Found, recipe.Steps!.Value, recipe.Steps.Value, 0, null, 0, null,
                $"Validation {metric}: fine-tuned {after[metric]:G4}, linear probe {before[metric]:G4}; the " +
                $"{(kept ? "probe" : "fine-tuned model")} is kept."));
        var results = new ProbeResults
        { Validation = before, FineTuned = after, Images = Event.Images, Kept = kept, Lambda = Event.Lambda, Seconds = Event.Seconds };
        var state = model.Classifier.StateDict();
        var trained = state.ToDictionary(t => t.Key, t => kept ? t.Value : t.Value.clone());
        ranks.OnFirst(() => Read(file, state));
        ranks.BroadcastAll(state.Values);
        if (kept)
            return results;
        if (data.Test is not null)
            results = results with
            { Test = ProbeResults.Top1Of(EvaluateJob.Measure(recipe, data, model, steps: 0, seconds: 0, ranks, stop).Results.Metrics) };
        foreach (var (name, tensor) in trained)
            state[name].copy_(tensor);
        return results;
    }

    private static ProbeEvent Fit(RunModel model, ModelOutputs train, ModelOutputs validation, IReadOnlyDictionary<string, Tensor> state)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var head = ProbeHead.Fit(train.Embeddings, train.Labels, model.Classes.Count);
        var name = model.Classifier.Backbone.Info.HeadName;
        state[$"{name}.weight"].copy_(head.Weight.view_as(state[$"{name}.weight"]));
        state[$"{name}.bias"].copy_(head.Bias);
        var measured = Classification.Of(head.Logits(validation.Embeddings), validation.Labels);
        return new()
        {
            Images = measured.Count,
            Metrics = new Dictionary<string, double>
            {
                ["top1"] = measured.Top1,
                ["top1_low"] = measured.Top1Interval.Low!.Value,
                ["top1_high"] = measured.Top1Interval.High!.Value,
                ["mean_per_class"] = measured.MeanPerClass,
                ["nll"] = measured.Nll,
            },
            CrossValidated = head.Accuracy,
            Lambda = head.Lambda,
        };
    }

    private static IReadOnlyDictionary<string, double> Validation(Recipe recipe, DataSetup data, RunModel model, ICollective ranks,
        CancellationToken stop)
    {
        using var outputs = Outputs(recipe, model, data.Validation!, ranks, stop);
        return ValidationAccuracy.Of(outputs.Logits, outputs.Labels);
    }

    private static ModelOutputs Outputs(Recipe recipe, RunModel model, IImageDataset images, ICollective ranks, CancellationToken stop) =>
        ModelOutputs.Of(model.Classifier, images, TransformPreset.Find(recipe.Augmentation!).Evaluation(model.Input),
            device(recipe.Device), new LoaderOptions { OnBadImage = recipe.OnBadImage }, cancel: stop, ranks: ranks);

    private static ProbeEvent Read(string path, IReadOnlyDictionary<string, Tensor> state)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var file = Safetensors.Open(path);
        foreach (var (name, tensor) in state)
            tensor.copy_(file.Read(name));
        return JsonSerializer.Deserialize<ProbeEvent>(file.Metadata[Found])!;
    }

    private static string FileOf(RunFolder run) => Path.Combine(run.Checkpoints, "probe.safetensors");
}
