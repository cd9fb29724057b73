using System.Numerics;
using Schane.Data.Feeding;

namespace Schane.Recipes;

/// <summary>Whether the numbers of a batch multiply: P × K images, shared out to ranks, cut into micro-batches.</summary>
internal static class BatchShape
{
    /// <summary>P of a balanced or hard batch, at most as many as there are classes.</summary>
    /// <exception cref="SchaneException">Batch, classes-per-batch and images-per-class contradict each other, or the data have too few
    /// classes for the batch.</exception>
    public static int ClassesPerBatch(Recipe recipe, int classes)
    {
        const int Usual = 16;
        if (recipe.Batch is not { } batch || recipe.Sampler is not (SamplerKind.Balanced or SamplerKind.Hard))
            return Math.Min(recipe.ClassesPerBatch ?? Usual, classes);
        var wanted = recipe.ClassesPerBatch ?? batch / recipe.ImagesPerClass;
        if (wanted * recipe.ImagesPerClass != batch)
            throw new SchaneException(recipe.ClassesPerBatch is { } p
                ? $"batch {batch} is not classes-per-batch {p} × images-per-class {recipe.ImagesPerClass} = {p * recipe.ImagesPerClass}; " +
                    "leave one of the three out."
                : $"batch {batch} is not a whole number of classes with images-per-class {recipe.ImagesPerClass} each; change one of " +
                    "them, or take --sampler shuffled.");
        return wanted <= classes ? wanted
            : throw new SchaneException($"batch {batch} needs {wanted} classes with images-per-class {recipe.ImagesPerClass} each, but " +
                $"the data have {classes}; raise --images-per-class, lower --batch, or take --sampler shuffled.");
    }

    /// <summary>Checks that every micro-batch gets as much as the others.</summary>
    /// <param name="recipe">Its batch, views and micro-batch.</param>
    /// <param name="images">Images in a whole batch of all ranks, before views.</param>
    /// <exception cref="SchaneException">They don't multiply.</exception>
    public static void Check(Recipe recipe, int images)
    {
        var rows = images * recipe.Views;
        if (recipe.MicroBatch is { } micro && micro < rows && rows % micro != 0)
            throw new SchaneException($"A batch of {images} images{(recipe.Views == 1 ? "" : $" × {recipe.Views} views")} = {rows} is " +
                $"not micro-batch {micro} × a whole number; use --micro-batch {Divisor(rows, micro)}, or a batch that {micro} divides.");
        if (recipe.Accumulate && recipe.MicroBatch is null)
            throw new SchaneException("accumulate adds up the gradients of micro-batches, but micro-batch is not set; set --micro-batch, " +
                "or leave out --accumulate.");
    }

    /// <summary>Consecutive images that no two ranks share: mixed with each other, or of one loss where
    /// gradients are accumulated.</summary>
    public static int ShareUnit(Recipe recipe, int classes)
    {
        var (mixed, accumulated) = (recipe.Mixer(classes)?.GroupSize ?? 1,
            recipe is { Accumulate: true, MicroBatch: { } micro } ? micro : 1);
        return mixed / (int)BigInteger.GreatestCommonDivisor(mixed, accumulated) * accumulated;
    }

    /// <summary>Checks that several ranks can share a batch out as the recipe asks.</summary>
    /// <param name="recipe">Resolved.</param>
    /// <param name="images">Images in a whole batch of all ranks, before views.</param>
    /// <param name="last">Images in the last batch of an epoch.</param>
    /// <param name="ranks">Processes that share it.</param>
    /// <param name="unit">Images that stay together.</param>
    /// <exception cref="SchaneException">A rank would have nothing to do, or what it does would not be the recipe's.</exception>
    public static void CheckRanks(Recipe recipe, int images, int last, int ranks, int unit)
    {
        if (ranks > 1 && recipe is { Accumulate: true, Views: > 1 })
            throw new SchaneException($"accumulate cuts the views of images into micro-batches, which {ranks} ranks would cut otherwise " +
                "than one; leave out --accumulate, so that every anchor sees the whole batch, or take one view.");
        if ((images + unit - 1) / unit < ranks)
            throw new SchaneException($"A batch of {images} " +
                $"images{(unit == 1 ? "" : $", {unit} of which stay together to be {(recipe.Accumulate ? "accumulated" : "mixed")},")} " +
                $"is too few for {ranks} ranks; make batches larger{(recipe.Accumulate ? ", micro-batches smaller" : "")}, or start " +
                "fewer ranks.");
        var rows = RankShare.Of(images, ranks - 1, ranks, unit).Count * recipe.Views;              // the last rank has the most
        if (recipe.SyncBatchnorm && recipe.MicroBatch < rows)
            throw new SchaneException($"sync-batchnorm normalises a batch as a whole, but micro-batch {recipe.MicroBatch} lets its " +
                $"{rows} images{(ranks == 1 ? "" : " a rank")} pass the model one part after the other; leave out one of the two, or " +
                "start more ranks.");
        if (recipe.SyncBatchnorm && (last + unit - 1) / unit < ranks)
            throw new SchaneException($"sync-batchnorm needs every rank in every batch, but the last of an epoch has {last} images, too " +
                $"few for {ranks} ranks; take --sampler balanced or another batch, or start fewer ranks.");
    }

    /// <summary>The largest divisor that is no larger than what was asked for.</summary>
    private static int Divisor(int rows, int most) => Enumerable.Range(1, most).Last(n => rows % n == 0);
}
