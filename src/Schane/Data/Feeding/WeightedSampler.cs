using Schane.Tensors;

namespace Schane.Data.Feeding;

/// <summary>
/// Draws every image of an epoch independently by its weight, with replacement (PyTorch's <c>WeightedRandomSampler</c>): rare classes are
/// seen more often, common ones less. An epoch has as many draws as there are images, as far as they fill batches.
/// </summary>
/// <remarks>It guarantees no positives, and a batch may hold an image twice, each time augmented anew.</remarks>
internal sealed class WeightedSampler : ISampler
{
    private readonly double[] cumulative;
    private readonly int batchSize;
    private readonly long seed;

    /// <summary>Batches of <paramref name="batchSize"/> drawn by weight.</summary>
    /// <param name="weights">One an image, finite, 0 or more, not all 0; they need not sum to 1.</param>
    /// <param name="batchSize">Images in a batch, at least 1.</param>
    /// <param name="seed">Same seed, same batches.</param>
    /// <exception cref="ArgumentException">No weights, one that is negative or not finite, or nothing but zeros.</exception>
    public WeightedSampler(IReadOnlyList<double> weights, int batchSize, long seed)
    {
        (this.batchSize, this.seed, cumulative) = (Require.AtLeast(batchSize, 1, nameof(batchSize)), seed, new double[weights.Count]);
        var sum = 0.0;
        for (var i = 0; i < weights.Count; i++)
            cumulative[i] = sum += double.IsFinite(weights[i]) && weights[i] >= 0 ? weights[i]
                : throw new ArgumentException($"weights must be finite and 0 or more but the weight of image {i} is {weights[i]}.",
                    nameof(weights));
        if (!(sum > 0))
            throw new ArgumentException("weights must have one above 0.", nameof(weights));
        var (full, rest) = Math.DivRem(weights.Count, batchSize);
        BatchesPerEpoch = Math.Max(1, full + (2 * rest >= batchSize ? 1 : 0));
    }

    /// <summary>
    /// Classes drawn in proportion to (images of the class) to the <paramref name="power"/>: 1 is the natural share, 0.5 the square root
    /// (Mahajan et al. 2018, arXiv:1805.00932), 0 every class alike.
    /// </summary>
    /// <param name="labels">Label of each image.</param>
    /// <param name="power">0 to 1.</param>
    /// <param name="batchSize">Images in a batch, at least 1.</param>
    /// <param name="seed">Same seed, same batches.</param>
    public static WeightedSampler ByClass(IReadOnlyList<int> labels, double power, int batchSize, long seed)
    {
        Require.InRange(power, 0, 1, nameof(power));
        var counts = labels.CountBy(label => label).ToDictionary();
        return new([.. labels.Select(label => Math.Pow(counts[label], power - 1))], batchSize, seed);
    }

    /// <inheritdoc/>
    public int BatchesPerEpoch { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int[]> Batches(int epoch)
    {
        var random = new SampleRandom(seed, epoch);
        var batches = new int[BatchesPerEpoch][];
        for (var b = 0; b < batches.Length; b++)
        {
            batches[b] = new int[Math.Min(batchSize, cumulative.Length - b * batchSize)];
            for (var i = 0; i < batches[b].Length; i++)
                batches[b][i] = At(random.NextDouble() * cumulative[^1]);
        }
        return batches;
    }

    /// <summary>The first image whose cumulative weight is above <paramref name="mass"/>, so that one of weight 0 is never drawn.</summary>
    private int At(double mass)
    {
        var (low, high) = (0, cumulative.Length - 1);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (cumulative[middle] > mass)
                high = middle;
            else
                low = middle + 1;
        }
        return low;
    }
}
