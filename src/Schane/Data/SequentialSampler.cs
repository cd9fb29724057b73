using Schane.Tensors;

namespace Schane.Data;

/// <summary>All images in their own order, every epoch alike; the last batch is as small as it comes. For evaluation.</summary>
public sealed class SequentialSampler(int count, int batchSize) : ISampler
{
    private readonly int count = Require.AtLeast(count, 0, nameof(count));
    private readonly int batchSize = Require.AtLeast(batchSize, 1, nameof(batchSize));

    /// <inheritdoc/>
    public int BatchesPerEpoch => (count + batchSize - 1) / batchSize;

    /// <inheritdoc/>
    public IReadOnlyList<int[]> Batches(int epoch) => [.. Enumerable.Range(0, count).Chunk(batchSize)];
}
