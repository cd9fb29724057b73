using Schane.Checkpoints.Hub;
using Schane.Data.Feeding;
using Schane.Data.Transforms;
using Schane.Distributed;
using Schane.Losses;
using Schane.Losses.Tiled;
using Schane.Models;
using Schane.Models.Convolutional;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tensors;
using Schane.Training;
using static TorchSharp.torch;

namespace Schane.Planning;

/// <summary>From what a recipe says to what a run does: every choice that is left to the data, the model, the budget
/// or the machine, made.</summary>
internal static class ResolvedRecipe
{
    /// <summary>What training would make of a recipe: every choice that is left to the data, the model, the budget
    /// or the machine, made.</summary>
    internal static Recipe Of(Recipe recipe, string? dataRoot, HubOptions? hub)
    {
        Devices.Find(recipe.Device);
        var data = DataSetup.Open(recipe, dataRoot);
        recipe = Started(recipe, data, hub, progress: null, CancellationToken.None);
        return Resolve(recipe, data, WeightsOf(recipe, data, hub, progress: null, CancellationToken.None),
            progress: null, new SingleProcess());
    }

    /// <summary>
    /// The recipe with what it starts from where it names no model: the model of the run whose weights it names, what suits its data, or
    /// what is at hand.
    /// </summary>
    internal static Recipe Started(
        Recipe recipe, DataSetup data, HubOptions? hub, IProgress<TrainingProgress>? progress, CancellationToken stop)
    {
        if (recipe.Model is null && recipe.Weights is { } folder && Directory.Exists(folder))
            return recipe with { Model = SavedRun.RecipeOf(RunFolder.Open(folder)).Model };
        if (recipe.Model is not null || recipe.Weights is not null || !data.ChoosesStart)
            return recipe;
        var start = StartingPoint.Choose(
            hub, recipe.Steps is null && recipe.Epochs is null ? (recipe.Budget, data.Train.Count) : null, progress, stop);
        progress?.Report(new TrainingProgress("plan", 0, 0, 0, null, 0, null, start.Why));
        return recipe with { Model = start.Model, Weights = start.Weights };
    }

    /// <summary>
    /// Sides that a budget may choose from, smallest first: a net without positions gives good features of smaller images too.
    /// </summary>
    private static int[] InputSizes(Recipe recipe, BackboneInfo info) => recipe.InputSize is { } given ? [given]
        : info.InputSize == 64 ? [64, 96, 128]
        : info.InputSize == 224 && ModelRegistry.ShapeOf(info.Name) is ResNetShape ? [96, 128, 160, 224]
        : [info.InputSize];

    /// <summary>Fills in what the recipe leaves open, measuring the rate where the budget decides, and reports the plan.
    /// <paramref name="sharers"/>: ranks on this one's processors.</summary>
    internal static Recipe Resolve(Recipe recipe, DataSetup data, InitialWeights weights, IProgress<TrainingProgress>? progress,
        ICollective ranks, int sharers = 1)
    {
        recipe = recipe.WithTerm(scratch: !weights.Exist);
        var objective = recipe.Objective();
        recipe = recipe with
        {
            Model = recipe.Model ?? data.Model,
            Weights = weights.Reference,
            Augmentation = recipe.Augmentation ?? data.Augmentation,
            Lambda = objective.Lambda,
            ClassesPerBatch = BatchShape.ClassesPerBatch(recipe, data.Train.Classes.Count),
            Epochs = recipe.Steps is null ? recipe.Epochs ?? data.Epochs : recipe.Epochs,
        };
        TransformPreset.Find(recipe.Augmentation!);
        var info = ModelRegistry.InfoOf(recipe.Model!);
        recipe = recipe with { NoProbe = ProbeChoice.LeavesOut(recipe, data, weights, info) };
        recipe = recipe with { TrunkRate = recipe.TrunkRate ?? (recipe.NoProbe == true ? 1 : ProbeChoice.TrunkRate) };
        if (recipe.Kernel == LossKernel.Auto)
        {
            using var like = zeros(1, 1, device: device(recipe.Device));
            recipe = recipe with { Kernel = TiledPairs.Takes(like) ? LossKernel.Tiled : LossKernel.OpGraph };
        }
        var sampler = SamplerOf(recipe, data);
        BatchShape.Check(recipe, sampler.Batches(0)[0].Length);
        if (recipe.Accumulate && recipe.MicroBatch >= sampler.Batches(0)[0].Length * recipe.Views)
            recipe = recipe with { Accumulate = false };                   // one micro-batch is the batch
        set_num_threads(ComputeThreads.For(recipe.Threads, sharers).Count);
        if (recipe.Precision == Precision.Auto)
        {
            var (precision, why) = PrecisionFor(recipe, data, info, sampler, ranks);
            recipe = recipe with { Precision = precision };
            progress?.Report(new TrainingProgress("plan", 0, recipe.Steps ?? 0, 0, null, 0, null,
                $"Precision {precision.ToString().ToLowerInvariant()}: {why}."));
        }

        string how;
        if (recipe.Steps is null && recipe.Epochs is null)
        {
            var sizes = InputSizes(recipe, info);
            var rows = sampler.Batches(0)[0].Length * recipe.Views;                                // of all ranks, which share them out
            var passes = recipe.NoProbe == true ? 0 : ProbeChoice.PassesInSteps(data, rows);
            var plan = RunPlan.Fit(recipe.Budget, sampler.BatchesPerEpoch, sizes,
                size => RunPlan.Measure(side => NewClassifier(recipe, data, side), size, Math.Max(1, rows / ranks.Size),
                    objective, device(recipe.Device)), passes, passes > 0 ? ProbeChoice.EnoughEpochs : RunPlan.EnoughEpochs);
            if (passes > 0 && plan.Epochs < ProbeChoice.LeastEpochs)
                plan = plan with { Steps = 0, InputSize = ProbeChoice.LargestInput(recipe.Budget, sizes, plan, passes) };
            recipe = recipe with { InputSize = plan.InputSize, Steps = plan.Steps };
            how = plan.Steps == 0 ? $"for a budget of {Spoken(recipe.Budget)} is too short for {ProbeChoice.LeastEpochs} epochs after " +
                "the linear probe, which is the run's model then"
                : $"about {Spoken(plan.Estimate)} at a measured {rows / plan.SecondsPerStep:F0} images/s";
        }
        else
        {
            recipe = recipe with
            { InputSize = recipe.InputSize ?? info.InputSize, Steps = recipe.Steps ?? recipe.Epochs * sampler.BatchesPerEpoch };
            how = "as the recipe says";
        }
        progress?.Report(new TrainingProgress("plan", 0, recipe.Steps!.Value, 0, null, 0, null,
            $"{recipe.Model} at {recipe.InputSize} px, {data.Train.Classes.Count} classes, {data.Train.Count} training images; " +
            $"{recipe.Steps} steps ({(double)recipe.Steps!.Value / sampler.BatchesPerEpoch:0.#} epochs), {how}."));
        if (data.OwnSampler is not null)
            progress?.Report(new TrainingProgress("plan", 0, recipe.Steps!.Value, 0, null, 0, null,
                $"The batches are those of {sampler.GetType().Name}, not of the recipe's sampler."));
        if (LossSettings.Unused(recipe) is { } unused)
            progress?.Report(new TrainingProgress("plan", 0, recipe.Steps!.Value, 0, null, 0, null, unused));
        foreach (var warning in data.Warnings)
            progress?.Report(new TrainingProgress("plan", 0, recipe.Steps!.Value, 0, null, 0, null, warning));
        if (recipe.Weights == InitialWeights.None && info.Weights is { } published)
            progress?.Report(new TrainingProgress("plan", 0, recipe.Steps!.Value, 0, null, 0, null,
                $"Training starts from random weights; --weights {InitialWeights.Published} takes {published} (licence " +
                $"{info.WeightsLicense})."));
        if (sampler is BalancedSampler { ClassesWithOneImage: > 0 } balanced)
            progress?.Report(new TrainingProgress("plan", 0, recipe.Steps!.Value, 0, null, 0, null,
                $"{balanced.ClassesWithOneImage} {(balanced.ClassesWithOneImage == 1 ? "class has" : "classes have")} one image: other " +
                "augmentations of it are its only positives."));
        return recipe;
    }

    /// <summary>A recipe whose batches are some times as large: more classes in a balanced batch, more images of each where there
    /// are no more classes.</summary>
    internal static Recipe Enlarged(Recipe recipe, DataSetup data, int times)
    {
        if (Require.AtLeast(times, 1) == 1)
            return recipe;
        var few = Math.Min(recipe.ClassesPerBatch ?? 16, data.Train.Classes.Count);
        var classes = Math.Min(few * times, data.Train.Classes.Count);
        var rows = few * recipe.ImagesPerClass * times;
        return recipe with { ClassesPerBatch = classes, ImagesPerClass = (rows + classes - 1) / classes, Batch = recipe.Batch * times };
    }

    private static (Precision, string) PrecisionFor(Recipe recipe, DataSetup data, BackboneInfo info, ISampler sampler, ICollective ranks)
    {
        var rows = Math.Max(1, sampler.Batches(0)[0].Length * recipe.Views / ranks.Size);
        var length = (recipe.Steps ?? recipe.Epochs * sampler.BatchesPerEpoch) is { } steps ? steps * rows : (double?)null;
        return PrecisionChoice.Decide(() => NewClassifier(recipe, data, recipe.InputSize ?? info.InputSize),
            Math.Min(recipe.MicroBatch ?? rows, rows), length, recipe.Budget, device(recipe.Device), Machine.Examine().Features);
    }

    internal static ImageClassifier NewClassifier(Recipe recipe, DataSetup data, int inputSize)
    {
        var backbone = ModelRegistry.Create(recipe.Model!, recipe.Seed, inputSize: inputSize, dropPath: recipe.DropPath);
        backbone.Recomputes = recipe.CheckpointActivations;
        return new(backbone, data.Train.Classes.Count,
            new ClassifierOptions { Seed = recipe.Seed, ProjectionWidth = recipe.Projection, HeadInitScale = recipe.HeadInitScale })
        {
            // auto: a run from before there was a choice
            Precision = recipe.Precision == Precision.Auto ? Precision.Float32 : recipe.Precision,
        };
    }

    /// <summary>The weights a new run starts from; the embedded ones are of look-alikes, so these are not trained from them.</summary>
    internal static InitialWeights WeightsOf(Recipe recipe, DataSetup data, HubOptions? hub,
        IProgress<TrainingProgress>? progress, CancellationToken stop) =>
        InitialWeights.Find(recipe.Weights ?? (recipe.Data == "lookalikes:base" ? InitialWeights.None : null),
            recipe.Model ?? data.Model, hub, progress, stop);

    internal static ISampler SamplerOf(Recipe recipe, DataSetup data)
    {
        var train = data.Train;
        if (data.OwnSampler is { } own)
            return Checked(own(train), train.Count);
        int[] labels = [.. Enumerable.Range(0, train.Count).Select(train.LabelOf)];
        var size = recipe.Batch ?? recipe.ClassesPerBatch!.Value * recipe.ImagesPerClass;
        if (recipe.Sampler == SamplerKind.Hard && (recipe.Lambda == 1 || recipe.Mixup > 0 || recipe.Cutmix > 0))
            throw new SchaneException("sampler hard goes by what the classifier confuses, but " +
                $"{(recipe.Lambda == 1 ? "lambda 1 trains no classifier" : "mixed images are of no one class")}; set " +
                $"{(recipe.Lambda == 1 ? "lambda below 1" : "mixup and cutmix to 0")} or sampler to balanced.");
        return recipe.Sampler switch
        {
            SamplerKind.Balanced or SamplerKind.Hard =>
                new BalancedSampler(labels, recipe.ClassesPerBatch!.Value, recipe.ImagesPerClass, recipe.Seed),
            SamplerKind.Shuffled => new ShuffledSampler(labels.Length, size, recipe.Seed),
            SamplerKind.Weighted => WeightedSampler.ByClass(labels, recipe.SamplingPower, size, recipe.Seed),
            _ => throw new ArgumentOutOfRangeException(nameof(recipe), recipe.Sampler, "No such sampler."),
        };
    }

    /// <summary>A program's own sampler whose first epoch keeps to the contract.</summary>
    private static ISampler Checked(ISampler sampler, int images)
    {
        var (name, batches) = (sampler.GetType().Name, sampler.Batches(0));
        if (batches.Count == 0 || batches.Count != sampler.BatchesPerEpoch || batches.Any(batch => batch.Length == 0))
            throw new SchaneException($"{name} must give as many batches as BatchesPerEpoch says, at least one and none empty, but says " +
                $"{sampler.BatchesPerEpoch} and gives {batches.Count}.");
        foreach (var index in batches.SelectMany(batch => batch))
            if (index < 0 || index >= images)
                throw new SchaneException(
                    $"{name} must give indices of the {images} training images, 0 to {images - 1}, but gives {index}.");
        return sampler;
    }

    internal static string Spoken(TimeSpan time) => time.TotalSeconds < 90 ? $"{time.TotalSeconds:F0} s" : $"{time.TotalMinutes:F0} min";
}
