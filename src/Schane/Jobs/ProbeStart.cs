using System.Diagnostics;
using System.Text.Json;
using Schane.Checkpoints;
using Schane.Data;
using Schane.Data.Feeding;
using Schane.Data.Transforms;
using Schane.Distributed;
using Schane.Evaluation;
using Schane.Inference;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Training;
using static TorchSharp.torch;

namespace Schane.Jobs;

/// <summary>
/// The linear probe that a run on a pre-trained trunk begins with: training and validation images pass the trunk once, as they are
/// evaluated, and a classifier is fitted on the embeddings. It is told at once, becomes the head that fine-tuning begins from (Kumar et al.
/// 2022, arXiv:2202.10054), and stays the run's model where neither fine-tuning nor the mean of both does better on the validation part.
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
    /// <param name="data">Without a validation part the probe is measured by the folds that choose its penalty.</param>
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
            using var validation = data.Validation is null ? null : Outputs(recipe, model, data.Validation, ranks, stop);
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
        return new(run, MetricOf(recipe.BestMetric), found!);
    }

    /// <summary>Which is kept, by images that none was trained on: the best, and among equals rather the fine-tuned model than the mean,
    /// and rather these than the probe.</summary>
    /// <param name="probe">Figures of the probe.</param>
    /// <param name="mean">Those of the mean of the probe's weights and the fine-tuned ones; null where that wasn't measured.</param>
    /// <param name="tuned">Those of the fine-tuned model; null where that wasn't measured.</param>
    /// <param name="images">How many images.</param>
    /// <param name="bestMetric">The recipe's.</param>
    public static ProbeResults Compare(IReadOnlyDictionary<string, double> probe, IReadOnlyDictionary<string, double>? mean,
        IReadOnlyDictionary<string, double>? tuned, int images, string bestMetric)
    {
        var metric = MetricOf(bestMetric);
        double Of(IReadOnlyDictionary<string, double>? figures) => figures is null || double.IsNaN(figures[metric])
            ? double.NegativeInfinity : metric == "nll" ? -figures[metric] : figures[metric];
        var kept = Math.Max(Of(mean), Of(tuned)) < Of(probe);
        return new()
        {
            Validation = probe,
            Mean = mean,
            FineTuned = tuned,
            Images = images,
            Kept = kept,
            MeanKept = !kept && Of(mean) > Of(tuned),
            Lambda = double.NaN,
            Seconds = 0,
        };
    }

    /// <summary>Gives a model the weights of the probe that a run began with; false where there was none.</summary>
    public static bool Restore(RunFolder run, RunModel model)
    {
        if (!File.Exists(FileOf(run)))
            return false;
        using var _ = no_grad();
        Read(FileOf(run), model.Classifier.StateDict());
        return true;
    }

    private static string MetricOf(string bestMetric)
    {
        var metric = bestMetric.StartsWith(Evaluations.AveragePrefix, StringComparison.Ordinal)
            ? bestMetric[Evaluations.AveragePrefix.Length..] : bestMetric;
        return ValidationAccuracy.Names.Contains(metric) ? metric : ValidationAccuracy.Names[0];
    }

    /// <summary>
    /// Gives the run the best on the validation part of the fine-tuned weights, the probe's, and the mean of both (Wortsman et al. 2022,
    /// arXiv:2109.01903, with their share of a half), which folds take without that choice. What the test part says of a probe that is not
    /// kept is measured too.
    /// </summary>
    /// <param name="recipe">Resolved.</param>
    /// <param name="data">The run's parts.</param>
    /// <param name="model">As training left it; as it is to be kept afterwards.</param>
    /// <param name="left">Time left to the run, in which a probe that isn't kept goes without its test; null where there is no end.</param>
    /// <param name="ranks">They share the images out.</param>
    /// <param name="progress">Told which is kept.</param>
    /// <param name="stop">Stops between batches.</param>
    public ProbeResults Finish(Recipe recipe, DataSetup data, RunModel model, Func<TimeSpan>? left, ICollective ranks,
        IProgress<TrainingProgress>? progress, CancellationToken stop)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        model.Classifier.eval();
        var state = model.Classifier.StateDict();
        var trained = state.ToDictionary(t => t.Key, t => t.Value.clone());
        void Put(Weights weights)
        {
            if (weights == Weights.FineTuned)
                foreach (var (name, tensor) in trained)
                    state[name].copy_(tensor);
            else
                ranks.OnFirst(() => Read(file, state));
            if (weights == Weights.Mean)
                foreach (var (name, tensor) in trained)
                    Halve(name, state[name], tensor);
            ranks.BroadcastAll(state.Values);
        }

        var (before, watch) = (Event.Metrics, Stopwatch.StartNew());
        IReadOnlyDictionary<string, double>? Figures(Weights weights)
        {
            if (recipe.Steps == 0 || data.Validation is null)
                return null;
            Put(weights);
            watch.Restart();
            return Validation(recipe, data, model, ranks, stop);
        }
        var (tuned, mean) = (Figures(Weights.FineTuned), Figures(Weights.Mean));
        var pass = data.Validation is { Count: > 0 and var looked } ? watch.Elapsed / looked : TimeSpan.Zero;
        var results = Compare(before, mean, tuned, Event.Images, metric) with { Lambda = Event.Lambda, Seconds = Event.Seconds };
        if (data.Validation is null && recipe.Steps > 0)
            results = results with { Kept = false, MeanKept = true };      // folds have compared the two
        if (tuned is not null)
            progress?.Report(new TrainingProgress(Found, recipe.Steps!.Value, recipe.Steps.Value, 0, null, 0, null,
                $"Validation {metric}: fine-tuned {tuned[metric]:G4}, linear probe {before[metric]:G4}, the mean of their weights " +
                $"{mean![metric]:G4}; the {results.KeptName} is kept{FewImages.Words(Event.Images)}."));
        Put(Weights.Probe);
        if (results.Kept)
            return results;
        // the kept model's own test, its training images and the page come first
        if (data.Test is not null && ranks.Any(ranks.Rank == 0 && !(left?.Invoke() < pass * (2 * data.Test.Count + data.Train.Count))))
            results = results with
            { Test = ProbeResults.Top1Of(EvaluateJob.Measure(recipe, data, model, steps: 0, seconds: 0, ranks, stop).Results.Metrics) };
        Put(results.MeanKept ? Weights.Mean : Weights.FineTuned);
        return results;
    }

    private enum Weights
    {
        Probe,
        Mean,
        FineTuned,
    }

    /// <summary>Makes of a tensor its mean with the trained one. Counts are the trained model's, and so is the one factor of an adapter,
    /// whose product is halved by the other, which begins at 0.</summary>
    private static void Halve(string name, Tensor tensor, Tensor trained)
    {
        if (tensor.is_floating_point() && !Adapters.IsDown(name))
            tensor.lerp_(trained, 0.5);
        else
            tensor.copy_(trained);
    }

    private static ProbeEvent Fit(RunModel model, ModelOutputs train, ModelOutputs? validation, IReadOnlyDictionary<string, Tensor> state)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var head = ProbeHead.Fit(train.Embeddings, train.Labels, model.Classes.Count);
        var name = model.Classifier.Backbone.Info.HeadName;
        state[$"{name}.weight"].copy_(head.Weight.view_as(state[$"{name}.weight"]));
        state[$"{name}.bias"].copy_(head.Bias);
        return new()
        {
            Images = validation?.Labels is { } labels ? (int)labels.shape[0] : 0,
            Metrics = validation is null ? new() { ["top1"] = head.Accuracy }
                : Figures(Classification.Of(head.Logits(validation.Embeddings), validation.Labels)),
            CrossValidated = head.Accuracy,
            Lambda = head.Lambda,
        };
    }

    /// <summary>What the probe and the fine-tuned model are compared by.</summary>
    internal static Dictionary<string, double> Figures(Classification measured) => new()
    {
        ["top1"] = measured.Top1,
        ["top1_low"] = measured.Top1Interval.Low!.Value,
        ["top1_high"] = measured.Top1Interval.High!.Value,
        ["mean_per_class"] = measured.MeanPerClass,
        ["nll"] = measured.Nll,
    };

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
