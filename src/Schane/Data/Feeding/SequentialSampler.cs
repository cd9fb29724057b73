using Schane.Tensors;

namespace Schane.Data.Feeding;

/// <summary>All images in their own order, every epoch alike; the last batch is as small as it comes. For evaluation.</summary>
/// <param name="count">Number of images, 0 or more.</param>
/// <param name="batchSize">Images in a batch, 1 or more.</param>
/// <param name="first">Index of the first image, 0 by default.</param>
internal sealed class SequentialSampler(int count, int batchSize, int first = 0) : ISampler
{
    private readonly int first = Require.AtLeast(first, 0, nameof(first));
    private readonly int count = Require.AtLeast(count, 0, nameof(count));
    private readonly int batchSize = Require.AtLeast(batchSize, 1, nameof(batchSize));

    /// <inheritdoc/>
    public int BatchesPerEpoch => (count + batchSize - 1) / batchSize;

    /// <inheritdoc/>
    public IReadOnlyList<int[]> Batches(int epoch) => [.. Enumerable.Range(first, count).Chunk(batchSize)];
}
