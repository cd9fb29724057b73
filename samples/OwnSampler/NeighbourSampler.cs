using Schane.Data;
using Schane.Data.Feeding;
using Schane.Tensors;

namespace OwnSampler;

/// <summary>Batches of classes that stand side by side in the list, as near twins do: hard negatives without looking for them.</summary>
/// <param name="images">What is trained on.</param>
/// <param name="classes">Neighbouring classes in a batch, at least 2.</param>
/// <param name="perClass">Images of each, at least 2: what the contrastive term pulls together.</param>
/// <param name="seed">Which images meet.</param>
public sealed class NeighbourSampler(IImageDataset images, int classes, int perClass, long seed) : ISampler
{
    private readonly int[][] members =
        [.. Enumerable.Range(0, images.Count).GroupBy(images.LabelOf).OrderBy(group => group.Key).Select(group => group.ToArray())];

    /// <inheritdoc/>
    public int BatchesPerEpoch => members.Length / classes;

    /// <inheritdoc/>
    public IReadOnlyList<int[]> Batches(int epoch)                         // of seed and epoch alone, so that a run can go on from any step
    {
        var random = new SampleRandom(seed, epoch);
        var batches = new List<int[]>();
        foreach (var group in members.Chunk(classes).Where(group => group.Length == classes))
        {
            var batch = new List<int>();
            foreach (var one in group)
                for (var i = 0; i < perClass; i++)
                    batch.Add(one[random.Below(one.Length)]);
            batches.Add([.. batch]);
        }
        var shuffled = batches.ToArray();
        random.Shuffle(shuffled.AsSpan());
        return shuffled;
    }
}
