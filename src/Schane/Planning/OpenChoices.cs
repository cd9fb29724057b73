using Schane.Data.Transforms;
using Schane.Losses;
using Schane.Losses.Tiled;
using Schane.Models;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tensors;
using Schane.Training;
using static TorchSharp.torch;

namespace Schane.Planning;

/// <summary>What a recipe leaves open and its data, weights and device decide without a measurement.</summary>
internal static class OpenChoices
{
    private static readonly TimeSpan OwnBudget = TimeSpan.FromMinutes(5);

    /// <summary>Time of a whole run.</summary>
    public static TimeSpan BudgetOf(Recipe recipe) => recipe.Budget ?? OwnBudget;

    /// <summary>Time that a run ends with; null where its steps are known.</summary>
    public static TimeSpan? LimitOf(Recipe recipe, DataSetup data) =>
        recipe.ByTime || (recipe.Steps is null && EpochsOf(recipe, data) is null) ? BudgetOf(recipe) : null;

    /// <summary>Epochs to train; null where steps say it, or a budget of time.</summary>
    public static int? EpochsOf(Recipe recipe, DataSetup data) =>
        recipe.Epochs ?? (recipe is { Steps: null, Budget: null } ? data.Epochs : null);

    /// <summary>
    /// The recipe with what it starts from where it names no model: the model of the run whose weights it names, what suits its data, or
    /// what is at hand.
    /// </summary>
    public static Recipe Started(Recipe recipe, DataSetup data, PlanOptions options, CancellationToken stop)
    {
        if (recipe.Model is null && recipe.Weights is { } folder && Directory.Exists(folder))
            return recipe with { Model = SavedRun.RecipeOf(RunFolder.Open(folder)).Model };
        if (recipe.Model is not null || recipe.Weights is not null || !data.ChoosesStart)
            return recipe;
        var start = StartingPoint.Choose(options.Hub,
            recipe.Steps is null && recipe.Epochs is null ? (BudgetOf(recipe), data.Train.Count) : null, options.Progress, stop);
        options.Progress?.Report(TrainingProgress.Note(start.Why));
        return recipe with { Model = start.Model, Weights = start.Weights };
    }

    /// <summary>The weights a new run starts from; the embedded ones are of look-alikes, so these are not trained from them.</summary>
    public static InitialWeights WeightsOf(Recipe recipe, DataSetup data, PlanOptions options, CancellationToken stop) =>
        InitialWeights.Find(recipe.Weights ?? (recipe.Data == "lookalikes:base" ? InitialWeights.None : null),
            recipe.Model ?? data.Model, options.Hub, options.Progress, stop);

    /// <summary>A recipe whose batches are some times as large: more classes in a balanced batch, more images of each where there
    /// are no more classes.</summary>
    public static Recipe Enlarged(Recipe recipe, DataSetup data, int times)
    {
        if (Require.AtLeast(times, 1) == 1)
            return recipe;
        var few = Math.Min(recipe.ClassesPerBatch ?? 16, data.Train.Classes.Count);
        var classes = Math.Min(few * times, data.Train.Classes.Count);
        var rows = few * recipe.ImagesPerClass * times;
        return recipe with { ClassesPerBatch = classes, ImagesPerClass = (rows + classes - 1) / classes, Batch = recipe.Batch * times };
    }

    /// <summary>Model, adapters, objective, augmentation, shape of the batches, epochs, probe, rate of the trunk and kernel.</summary>
    public static Recipe Settled(Recipe recipe, DataSetup data, InitialWeights weights)
    {
        if (recipe.Lora is not null && !weights.Exist)
            throw new SchaneException($"lora leaves the trunk as it is, and the weights of {recipe.Model ?? data.Model} are random; name " +
                "weights, --weights default for instance, or leave out --lora.");
        recipe = recipe.WithTerm(scratch: !weights.Exist);
        recipe = recipe with
        {
            Model = recipe.Model ?? data.Model,
            Weights = weights.Reference,
            LoraAlpha = recipe.LoraAlpha ?? recipe.Lora,
            LoraLayers = recipe.LoraLayers ?? (recipe.Lora is null ? null : Adapters.Usual),
            Augmentation = recipe.Augmentation ?? data.Augmentation,
            Lambda = recipe.Objective().Lambda,
            ClassesPerBatch = BatchShape.ClassesPerBatch(recipe, data.Train.Classes.Count),
            Epochs = EpochsOf(recipe, data),
            Budget = BudgetOf(recipe),
        };
        TransformPreset.Find(recipe.Augmentation!);
        recipe = recipe with { NoProbe = ProbeChoice.LeavesOut(recipe, data, weights, ModelRegistry.InfoOf(recipe.Model!)) };
        var usual = recipe.NoProbe == true || recipe.Lora is not null ? 1 : ProbeChoice.TrunkRate;
        recipe = recipe with { TrunkRate = recipe.TrunkRate ?? usual };
        if (recipe.Kernel == LossKernel.Auto)
        {
            using var like = zeros(1, 1, device: device(recipe.Device));
            recipe = recipe with { Kernel = TiledPairs.Takes(like) ? LossKernel.Tiled : LossKernel.OpGraph };
        }
        var images = Samplers.For(recipe, data).Batches(0)[0].Length;
        BatchShape.Check(recipe, images);
        return recipe.Accumulate && recipe.MicroBatch >= images * recipe.Views
            ? recipe with { Accumulate = false } : recipe;                     // one micro-batch is the batch
    }
}
