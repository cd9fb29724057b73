using Schane.Data.Feeding;
using Schane.Recipes;

namespace Schane.Planning;

/// <summary>The batches that a recipe asks for.</summary>
internal static class Samplers
{
    /// <summary>The sampler of a recipe on its training images, or the program's own.</summary>
    /// <exception cref="SchaneException">The recipe's batches contradict each other or its loss, or a sampler of the program's own breaks
    /// its contract.</exception>
    public static ISampler For(Recipe recipe, DataSetup data)
    {
        var train = data.Train;
        if (data.OwnSampler is { } own)
            return Checked(own(train), train.Count);
        if (recipe.Sampler == SamplerKind.Hard && (!recipe.TrainsClassifier() || recipe.Mixup > 0 || recipe.Cutmix > 0))
            throw new SchaneException("sampler hard goes by what the classifier confuses, but " +
                $"{(recipe.TrainsClassifier() ? "mixed images are of no one class" : "lambda 1 trains no classifier")}; set " +
                $"{(recipe.TrainsClassifier() ? "mixup and cutmix to 0" : "lambda below 1")} or sampler to balanced.");
        int[] labels = [.. Enumerable.Range(0, train.Count).Select(train.LabelOf)];
        var classes = BatchShape.ClassesPerBatch(recipe, train.Classes.Count);
        var size = recipe.Batch ?? classes * recipe.ImagesPerClass;
        return recipe.Sampler switch
        {
            SamplerKind.Balanced or SamplerKind.Hard => new BalancedSampler(labels, classes, recipe.ImagesPerClass, recipe.Seed),
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
}
