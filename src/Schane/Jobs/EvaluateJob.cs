using Schane.Data;
using Schane.Data.Feeding;
using Schane.Data.Sets;
using Schane.Data.Transforms;
using Schane.Distributed;
using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Episodes;
using Schane.Evaluation.Statistics;
using Schane.Inference;
using Schane.Jobs.Folds;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Jobs;

/// <summary>Measures a trained run: what <c>schane evaluate</c> does, and <see cref="TrainJob"/> at its end.</summary>
public static class EvaluateJob
{
    /// <summary>Views in test-time averaging of drawings.</summary>
    private const int AveragedViews = 8;

    /// <summary>Measures a finished run again, on its own test part or on other data of the same classes.</summary>
    /// <param name="folder">Run folder; it is not written to.</param>
    /// <param name="data">A folder whose classes are among the run's; null for the run's own test part.</param>
    /// <param name="dataRoot">Folder of the named data sets.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <exception cref="SchaneException">No such run, it did not finish, or the data do not fit it.</exception>
    public static RunResults Run(string folder, string? data = null, string? dataRoot = null, string device = "cpu",
        CancellationToken cancellationToken = default) =>
        Again(folder, new EmbeddingSource { Data = data, DataRoot = dataRoot, Device = device }, cancellationToken).Results;

    /// <summary>The same on the images of a source, which also says how they are read, with the answer to each image.</summary>
    internal static Measured Again(string folder, EmbeddingSource source, CancellationToken stop)
    {
        var (data, dataRoot, device) = (source.Data, source.DataRoot, source.Device);
        Devices.Find(device);
        var run = RunFolder.Open(folder);
        var recipe = SavedRun.RecipeOf(run) with { Device = device };
        if (recipe.MultiLabel == true && source.Reading.MultiLabel is null)
            source = source with { Reading = source.Reading with { MultiLabel = true } };
        var before = RunResults.Load(run.Results);
        if (data is null && before.Folds is not null)                     // the model has learnt from every image
            return new(before, PredictedItem.Load(run.Predictions), null);
        using var model = RunModel.Load(run.Model, device);
        if (data is null)
            return Measure(recipe, DataSetup.Open(recipe, dataRoot, SavedRun.SplitsOf(run)), model, before.Steps,
                before.Seconds, stop: stop);
        var other = source.OpenData(minClasses: 1, several: true);
        var setup = DataSetup.ForTest(new ClassesOf(other, model.Classes));
        return Measure(recipe with { Data = data }, setup, model, before.Steps, before.Seconds, stop: stop);
    }

    /// <summary>Embeddings of images as they look without augmentation.</summary>
    internal static EmbeddedImages Embed(RunModel model, IImageDataset images, string part, Recipe recipe,
        CancellationToken stop, ICollective? ranks = null)
    {
        using var outputs = ModelOutputs.Of(model.Classifier, images,
            TransformPreset.Find(model.Augmentation).Evaluation(model.Input), device(recipe.Device),
            new LoaderOptions { OnBadImage = recipe.OnBadImage }, cancel: stop, ranks: ranks);
        return EmbeddedImages.Of(outputs, images, part);
    }

    /// <summary>Measures what the data hold for it; ranks share the images out and all get the whole.</summary>
    internal static Measured Measure(Recipe recipe, DataSetup data, RunModel model, long steps, double seconds, ICollective? ranks = null,
        CancellationToken stop = default)
    {
        var (part, images) = data.OneShot is not null ? (data.OneShotPart, null) : data.Test is not null ? ("test", data.Test)
            : data.Validation is not null ? ("val", data.Validation) : ("train", data.Train);
        var results = Unmeasured(recipe, model, steps, seconds, part);
        return images is null
            ? OneShot(results, data, model, recipe, ranks, stop) : Classify(results, images, data, model, recipe, ranks, stop);
    }

    /// <summary>What the folds found, in place of a part that was kept aside.</summary>
    internal static Measured OutOfFold(Recipe recipe, OutOfFold found, RunModel model, long steps, double seconds)
    {
        if (found.Truth is { } truth)
        {
            var (several, items) = LabelSetResults.Of(Unmeasured(recipe, model, steps, seconds, "folds"), found.Logits, truth,
                found.Answers(), found.Images, model.Classes, model.Thresholds!);
            return new(several with { Folds = found.Count, FoldsWanted = found.Wanted }, items, null);
        }
        using var scope = NewDisposeScope();
        Tensor Rows(double[] logits) => tensor(logits).view(found.Labels.Length, -1);
        var logits = Rows(found.Calibrated());
        var results = Classified(Unmeasured(recipe, model, steps, seconds, "folds"), logits, Rows(found.Logits), tensor(found.Labels),
            model, data: null);
        results = results with
        {
            Folds = found.Count,
            FoldsWanted = found.Wanted,
            Metrics = new Dictionary<string, double>(results.Metrics)
            { ["top1_low"] = found.Top1.Low!.Value, ["top1_high"] = found.Top1.High!.Value },
        };
        return new(results, Answers(logits, found.Labels, found.Images, model.Classes), null);
    }

    private static RunResults Unmeasured(Recipe recipe, RunModel model, long steps, double seconds, string part) => new()
    {
        Schane = RunFolder.Version,
        Data = RunPaths.Shareable(recipe.Data),
        Model = model.Classifier.Backbone.Info.Name,
        Loss = recipe.Loss.Name,
        Seed = recipe.Seed,
        Steps = steps,
        Seconds = seconds,
        Part = part,
        Images = 0,
        Metrics = new Dictionary<string, double>(),
    };

    private static Measured Classify(RunResults results, IImageDataset images, DataSetup data, RunModel model, Recipe recipe,
        ICollective? ranks, CancellationToken stop)
    {
        using var outputs = ModelOutputs.Of(model.Classifier, images,
            TransformPreset.Find(model.Augmentation).Evaluation(model.Input), device(recipe.Device),
            new LoaderOptions { OnBadImage = recipe.OnBadImage }, cancel: stop, ranks: ranks);
        if (model.Thresholds is { } thresholds)
        {
            var (raw, truth) = (Copy.Doubles(outputs.Logits), LabelSetScores.TruthOf(images, outputs.Indices));
            var (several, items) = LabelSetResults.Of(results, raw, truth, LabelSetScores.Answers(raw, thresholds.Values),
                [.. outputs.Indices.Select(images.NameOf)], model.Classes, thresholds);
            return new(several, items, EmbeddedImages.Of(outputs, images, results.Part));
        }
        if (images.IsMultiLabel)
            throw new SchaneException($"{Printable.Escape(images.Name)} has images of several classes, but the model names one; measure " +
                "it on images of one class each.");
        using var scope = NewDisposeScope();
        var logits = model.Confidence is { } confidence ? outputs.Logits / confidence.Temperature : outputs.Logits;   // as predict has them
        return new(Classified(results, logits, outputs.Logits, outputs.Labels, model, data),
            Answers(logits, Copy.Longs(outputs.Labels), [.. outputs.Indices.Select(images.NameOf)], model.Classes),
            EmbeddedImages.Of(outputs, images, results.Part));
    }

    private static RunResults Classified(RunResults results, Tensor logits, Tensor uncalibrated, Tensor labels, RunModel model,
        DataSetup? data)
    {
        var found = Classification.Of(logits, labels);
        var metrics = found.Named();
        if (model.Confidence is not null && Classification.Of(uncalibrated, labels) is var raw)
            (metrics["ece_raw"], metrics["nll_raw"]) = (raw.Calibration.Error, raw.Nll);
        if (data?.TwinGroupOf is { } groupOf && found.ErrorsInsideGroups(groupOf) is var share && double.IsFinite(share))
            metrics["errors_inside_twin_groups"] = share;
        return results with
        {
            Images = found.Count,
            Metrics = metrics,
            Classes = model.Classes,
            PerClass = [
                .. found.Classes.Select((c, label) => new ClassResult(model.Classes[label], c.Count, c.Recall, c.Precision, c.Recall))],
            Confusion = found.Confusion,
            Reliability = [
                .. found.Calibration.Bins.Select(b => new ReliabilityBin(b.Low, b.High, b.Count, b.Confidence ?? 0, b.Accuracy ?? 0))],
        };
    }

    private static PredictedItem[] Answers(Tensor logits, long[] labels, IReadOnlyList<string> images, IReadOnlyList<string> classes)
    {
        using var scope = NewDisposeScope();
        var (best, answers) = logits.softmax(1).max(1);
        var (confidence, predicted) = (Copy.Doubles(best), Copy.Longs(answers));
        return [.. labels.Select((label, row) => new PredictedItem
        {
            Image = images[row],
            Group = row,
            Label = classes[(int)label],
            Predicted = classes[(int)predicted[row]],
            Confidence = confidence[row],
            Right = predicted[row] == label,
        })];
    }

    private static Measured OneShot(RunResults results, DataSetup data, RunModel model, Recipe recipe,
        ICollective? ranks, CancellationToken stop)
    {
        var runs = data.OneShot!;
        var images = ImagesOf(runs);
        EmbeddingSet Embed(IImageTransform transform, int views)
        {
            using var outputs = ModelOutputs.Of(model.Classifier, images, transform, device(recipe.Device),
                new LoaderOptions { Views = views, Seed = recipe.Seed }, cancel: stop, ranks: ranks);
            return EmbeddingSet.Of(outputs.Embeddings, outputs.Labels);
        }
        var embeddings = Embed(TransformPreset.Find(model.Augmentation).Evaluation(model.Input), 1);
        var plain = OneShotRuns.Of(runs, embeddings);
        var averaged = OneShotRuns.Of(runs, Embed(TransformPreset.Find("omniglot-light").Training(model.Input), AveragedViews));
        var interval = Interval.Wilson(plain.Wrong, plain.Trials);
        results = results with
        {
            Images = plain.Trials,
            Metrics = new Dictionary<string, double>
            {
                ["error"] = plain.ErrorPercent / 100,
                ["error_low"] = interval.Low!.Value,
                ["error_high"] = interval.High!.Value,
                ["error_averaged_views"] = averaged.ErrorPercent / 100,
            },
        };
        return new(results, [.. plain.Answers.SelectMany((answers, run) => answers.Select((answer, trial) => new PredictedItem
        {
            Image = $"run {run + 1}, trial {trial + 1}",
            Group = run,
            Label = $"run {run + 1}, class {runs[run].Truth[trial] + 1}",
            Predicted = $"run {run + 1}, class {answer + 1}",
            Confidence = double.NaN,
            Right = answer == runs[run].Truth[trial],
        }))], Drawings(runs, model.Classes, results.Part, embeddings));
    }

    /// <summary>The drawings of one-shot runs by name.</summary>
    internal static int PassesOf(IReadOnlyList<OmniglotRun> runs) => ImagesOf(runs).Count * (1 + AveragedViews);

    internal static ImageList ImagesOf(IReadOnlyList<OmniglotRun> runs) => new("omniglot:runs", OneShotRuns.Images(runs),
        [.. runs.SelectMany((run, r) => run.Training.Select((_, c) => $"run {r + 1}, class {c + 1}")
            .Concat(run.Test.Select((_, t) => $"run {r + 1}, trial {t + 1}")))]);

    /// <summary>The drawings of one-shot runs, their classes behind those that were trained.</summary>
    private static EmbeddedImages Drawings(IReadOnlyList<OmniglotRun> runs, IReadOnlyList<string> trained,
        string part, EmbeddingSet embeddings)
    {
        List<string> classes = [.. trained];
        List<int> labels = [];
        foreach (var (run, r) in runs.Select((run, r) => (run, r)))
        {
            var first = classes.Count;
            labels.AddRange(Enumerable.Range(first, run.Training.Count).Concat(run.Truth.Select(truth => first + truth)));
            classes.AddRange(run.Training.Select((_, c) => $"run {r + 1}, class {c + 1}"));
        }
        var images = ImagesOf(runs);
        return new(new(embeddings.Values, embeddings.Width, [.. labels], classes),
            [.. Enumerable.Range(0, images.Count).Select(images.NameOf)], [.. labels.Select(_ => part)]);
    }
}

/// <summary>What a measurement found.</summary>
/// <param name="Results">Metrics.</param>
/// <param name="Items">Each item with its answer.</param>
/// <param name="Embedded">Embeddings of the items; null where several models embedded them.</param>
internal sealed record Measured(RunResults Results, IReadOnlyList<PredictedItem> Items, EmbeddedImages? Embedded);
