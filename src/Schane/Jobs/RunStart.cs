using System.Globalization;
using Schane.Data.Feeding;
using Schane.Distributed;
using Schane.Inference;
using Schane.Losses;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using static TorchSharp.torch;

namespace Schane.Jobs;

/// <summary>What a run is, for the first line of its journal.</summary>
internal static class RunStart
{
    internal static StartEvent Of(
        Recipe recipe, DataSetup data, RunModel model, InitialWeights weights, LoadingReport? loaded, ISampler sampler, ICollective ranks,
        bool frozen)
    {
        var objective = recipe.Objective();
        var numbers = objective.At(0);
        var batch = sampler.Batches(0)[0].Length;
        var rows = batch * recipe.Views;
        var pass = Math.Min(recipe.MicroBatch ?? rows, (rows + ranks.Size - 1) / ranks.Size);
        return new()
        {
            Time = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
            Schane = RunFolder.Version,
            Data = RunPaths.Shareable(recipe.Data),
            Model = recipe.Model,
            Weights = weights.Reference,
            WeightsRevision = weights.Revision,
            WeightsFiles = weights.Files,
            Loading = loaded is null ? null : new(loaded.Used.Count, loaded.Resized, loaded.Reinitialised, loaded.Ignored),
            Loss = recipe.Loss.Name,
            Lambda = objective.Lambda,
            Temperature = numbers.Temperature,
            Beta = numbers.Beta,
            Seed = recipe.Seed,
            Parameters = Parameters(model.Classifier, all: true),
            Trained = model.Classifier.Adapters is null ? null : Parameters(model.Classifier, all: false),
            Classes = data.Train.Classes.Count,
            TrainImages = data.Train.Count,
            ValImages = data.Validation?.Count ?? 0,
            TestImages = data.Test?.Count ?? 0,
            Steps = recipe.Steps,
            StepsPerEpoch = sampler.BatchesPerEpoch,
            Epochs = (double)recipe.Steps!.Value / sampler.BatchesPerEpoch,
            Batch = batch,
            Views = recipe.Views,
            MicroBatch = pass,
            Negatives = recipe.Accumulate && pass < rows
                ? $"of a micro-batch of {pass}: accumulation adds none" : $"of the whole batch of {rows}",
            Trunk = frozen ? "frozen: each image passed it once, and its embedding was kept" : null,
            BatchStatistics = frozen || !model.Classifier.Backbone.HasBatchStatistics ? null
                : recipe.SyncBatchnorm ? $"of the whole batch of {rows}"
                : $"of {pass} images (the ghost batch); running statistics move in one pass a step",
            Device = recipe.Device,
            Threads = get_num_threads(),
            Ranks = ranks.Size,
            Engine = ranks.Engine,
            Mixing = recipe is { Mixup: 0, Cutmix: 0 } ? "none"
                : objective.Mixed == MixedPairs.Clean && objective.Contrasts ? "clean: the unmixed images pass too, about twice the compute"
                : objective.Mixed.ToString().ToLowerInvariant(),
            Precision = recipe.Precision.ToString().ToLowerInvariant(),
            Kernel = recipe.Kernel.ToString().ToLowerInvariant(),
        };
    }

    /// <summary>What is said of adapters before training.</summary>
    internal static string Sentence(Adapters adapters, ImageClassifier model)
    {
        var (trained, all) = (Parameters(model, all: false), Parameters(model, all: true));
        return string.Create(CultureInfo.InvariantCulture, $"LoRA of rank {adapters.Rank} at {adapters.In(model.Backbone).Count} linear " +
            $"layers: {trained:N0} of {all:N0} parameters are trained ({100.0 * trained / all:0.0#} %).");
    }

    private static long Parameters(ImageClassifier model, bool all) =>
        model.NamedParameters().Where(p => all || p.Parameter.requires_grad).Sum(p => p.Parameter.numel());
}
