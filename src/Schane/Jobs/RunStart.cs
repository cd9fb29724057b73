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
    internal static (string, object?)[] Of(Recipe recipe, DataSetup data, RunModel model, InitialWeights weights, LoadingReport? loaded, ISampler sampler, ICollective ranks)
    {
        var objective = recipe.Objective();
        var numbers = objective.At(0);
        return
        [
            ("time", TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'")), ("schane", RunFolder.Version), ("data", RunPaths.Shareable(recipe.Data)), ("model", recipe.Model),
            ("weights", weights.Reference), ("weights_revision", weights.Revision), ("weights_files", weights.Files.Select(f => new { name = f.Name, bytes = f.Bytes, sha256 = f.Sha256 })),
            ("loading", loaded is null ? null : new { used = loaded.Used.Count, resized = loaded.Resized, reinitialised = loaded.Reinitialised, ignored = loaded.Ignored }), ("loss", recipe.Loss.Name), ("lambda", objective.Lambda), ("temperature", numbers.Temperature),
            ("beta", numbers.Beta), ("seed", recipe.Seed), ("parameters", model.Classifier.NamedParameters().Sum(p => p.Parameter.numel())),
            ("classes", data.Train.Classes.Count), ("train_images", data.Train.Count), ("val_images", data.Validation?.Count ?? 0), ("test_images", data.Test?.Count ?? 0),
            ("steps", recipe.Steps), ("steps_per_epoch", sampler.BatchesPerEpoch), ("epochs", (double)recipe.Steps!.Value / sampler.BatchesPerEpoch),
            ("batch", sampler.Batches(0)[0].Length), ("views", recipe.Views), .. Passes(recipe, model, sampler.Batches(0)[0].Length * recipe.Views, ranks.Size), ("device", recipe.Device), ("threads", get_num_threads()), ("ranks", ranks.Size), ("engine", ranks.Engine),
            ("mixing", recipe.Mixup == 0 && recipe.Cutmix == 0 ? "none" : objective.Mixed == MixedPairs.Clean && objective.Contrasts ? "clean: the unmixed images pass too, about twice the compute" : objective.Mixed.ToString().ToLowerInvariant()),
            ("precision", recipe.Precision.ToString().ToLowerInvariant()), ("kernel", recipe.Kernel.ToString().ToLowerInvariant()),
        ];
    }

    /// <summary>How a batch goes through the model: what the contrastive term and what batch statistics see of it.</summary>
    private static IEnumerable<(string, object?)> Passes(Recipe recipe, RunModel model, int rows, int ranks)
    {
        var pass = Math.Min(recipe.MicroBatch ?? rows, (rows + ranks - 1) / ranks);
        yield return ("micro_batch", pass);
        yield return ("negatives", recipe.Accumulate && pass < rows ? $"of a micro-batch of {pass}: accumulation adds none" : $"of the whole batch of {rows}");
        if (FrozenTrunk.Suits(recipe, model.Classifier))
            yield return ("trunk", "frozen: each image passed it once, and its embedding was kept");
        else if (model.Classifier.Backbone.HasBatchStatistics)
            yield return ("batch_statistics", recipe.SyncBatchnorm ? $"of the whole batch of {rows}" : $"of {pass} images (the ghost batch); running statistics move in one pass a step");
    }
}
