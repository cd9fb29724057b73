using static TorchSharp.torch;

namespace Schane.Data.Feeding;

/// <summary>Batches of embeddings that are computed already, in place of images; in the order of a sampler.</summary>
/// <param name="features">[n, D]; stay the caller's.</param>
/// <param name="labels">[n], int64.</param>
/// <param name="images">[n], int64: the image that each row is of. Images that have none are left out of their batches.</param>
/// <param name="sampler">Which images stand in which batch.</param>
/// <param name="rank">Which share of each batch is given.</param>
/// <param name="ranks">How many share it.</param>
/// <param name="unit">Images that stay together.</param>
internal sealed class FeatureBatches(Tensor features, Tensor labels, Tensor images, ISampler sampler, int rank,
    int ranks, int unit) : IBatchSource
{
    private readonly Dictionary<int, int> rows = images.data<long>().Select((image, row) => (image, row))
        .ToDictionary(p => (int)p.image, p => p.row);
    private long step;
    private (int Number, IReadOnlyList<int[]> Batches) epoch = (-1, []);

    public int BatchesPerEpoch => sampler.BatchesPerEpoch;

    public TimeSpan Waited => TimeSpan.Zero;

    public IReadOnlyList<BadImage> BadImages => [];

    public Batch Next(CancellationToken cancel = default)
    {
        cancel.ThrowIfCancellationRequested();
        var number = (int)(step / BatchesPerEpoch);
        if (epoch.Number != number)
            epoch = (number, sampler.Batches(number));
        var whole = epoch.Batches[(int)(step % BatchesPerEpoch)];
        var share = RankShare.Of(whole.Length, rank, ranks, unit);
        int[] positions = [.. Enumerable.Range(share.Start, share.Count).Where(i => rows.ContainsKey(whole[i]))];
        if (positions.Length == 0 && share.Count > 0)
            throw new SchaneException($"None of the {share.Count} images of batch {step} can be read.");
        int[] indices = [.. positions.Select(i => whole[i])];
        using var scope = NewDisposeScope();
        var wanted = tensor([.. indices.Select(i => (long)rows[i])], ScalarType.Int64);
        return new(step++, number, features.index_select(0, wanted.to(features.device)).DetachFromDisposeScope(),
            labels.index_select(0, wanted).DetachFromDisposeScope(),
            tensor([.. indices.Select(i => (long)i)], ScalarType.Int64).DetachFromDisposeScope(), indices, positions);
    }

    public void SeekTo(long to, ISampler? by = null) => (step, epoch, sampler) = (to, (-1, []), by ?? sampler);

    public void Dispose() { }
}
