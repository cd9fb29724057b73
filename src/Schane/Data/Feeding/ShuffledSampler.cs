using Schane.Tensors;

namespace Schane.Data.Feeding;

/// <summary>All images in random order, another one each epoch. A last batch smaller than half a batch is dropped.</summary>
/// <remarks>
/// It guarantees no positives: with few images a class in a batch a contrastive loss has nothing to pull together.
/// <see cref="BalancedSampler"/> does.
/// </remarks>
internal sealed class ShuffledSampler : ISampler
{
    private readonly int count, batchSize;
    private readonly long seed;

    /// <summary>Batches of <paramref name="batchSize"/> out of <paramref name="count"/> images.</summary>
    public ShuffledSampler(int count, int batchSize, long seed)
    {
        (this.count, this.batchSize, this.seed) = (Require.AtLeast(count, 1, nameof(count)),
            Require.AtLeast(batchSize, 1, nameof(batchSize)), seed);
        var (full, rest) = Math.DivRem(count, batchSize);
        // A set smaller than half a batch still makes one batch.
        BatchesPerEpoch = Math.Max(1, full + (2 * rest >= batchSize ? 1 : 0));
    }

    /// <inheritdoc/>
    public int BatchesPerEpoch { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int[]> Batches(int epoch)
    {
        var order = Enumerable.Range(0, count).ToArray();
        new SampleRandom(seed, epoch).Shuffle<int>(order);
        return [.. order.Chunk(batchSize).Take(BatchesPerEpoch)];
    }
}
