namespace Schane.Training;

/// <summary>Whether the numbers of a batch multiply: P × K images, shared out to ranks, cut into micro-batches.</summary>
internal static class BatchShape
{
    /// <summary>P of a balanced or hard batch, at most as many as there are classes.</summary>
    /// <exception cref="SchaneException">Batch, classes-per-batch and images-per-class contradict each other, or the data have too few classes for the batch.</exception>
    public static int ClassesPerBatch(Recipe recipe, int classes)
    {
        const int Usual = 16;
        if (recipe.Batch is not { } batch || recipe.Sampler is not (SamplerKind.Balanced or SamplerKind.Hard))
            return Math.Min(recipe.ClassesPerBatch ?? Usual, classes);
        var wanted = recipe.ClassesPerBatch ?? batch / recipe.ImagesPerClass;
        if (wanted * recipe.ImagesPerClass != batch)
            throw new SchaneException(recipe.ClassesPerBatch is { } p
                ? $"batch {batch} is not classes-per-batch {p} × images-per-class {recipe.ImagesPerClass} = {p * recipe.ImagesPerClass}; leave one of the three out."
                : $"batch {batch} is not a whole number of classes with images-per-class {recipe.ImagesPerClass} each; change one of them, or take --sampler shuffled.");
        return wanted <= classes ? wanted
            : throw new SchaneException($"batch {batch} needs {wanted} classes with images-per-class {recipe.ImagesPerClass} each, but the data have {classes}; raise --images-per-class, lower --batch, or take --sampler shuffled.");
    }

    /// <summary>Checks that every rank and every micro-batch gets as much as the others.</summary>
    /// <param name="recipe">Its batch, views and micro-batch.</param>
    /// <param name="images">Images in a whole batch of all ranks, before views.</param>
    /// <param name="ranks">Processes that share it.</param>
    /// <exception cref="SchaneException">They don't multiply.</exception>
    public static void Check(Recipe recipe, int images, int ranks = 1)
    {
        if (images % ranks != 0)
            throw new SchaneException($"A batch of {images} images is not {ranks} ranks × a whole number; make it {Nearest(images, ranks)}, or use other ranks.");
        var rows = images / ranks * recipe.Views;
        if (recipe.MicroBatch is { } micro && micro < rows && rows % micro != 0)
            throw new SchaneException($"A batch of {images} images{(recipe.Views == 1 ? "" : $" × {recipe.Views} views")}{(ranks == 1 ? "" : $" / {ranks} ranks")} = {rows} is not micro-batch {micro} × a whole number; use --micro-batch {Divisor(rows, micro)}, or a batch that {micro} divides.");
        if (recipe.Accumulate && recipe.MicroBatch is null)
            throw new SchaneException("accumulate adds up the gradients of micro-batches, but micro-batch is not set; set --micro-batch, or leave out --accumulate.");
    }

    private static int Nearest(int images, int ranks) => Math.Max(1, (images + ranks / 2) / ranks) * ranks;

    /// <summary>The largest divisor that is no larger than what was asked for.</summary>
    private static int Divisor(int rows, int most) => Enumerable.Range(1, most).Last(n => rows % n == 0);
}
