using System.Runtime.InteropServices;
using Schane.Data.Feeding;
using Schane.Distributed;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>
/// Counts which classes an epoch's steps take for each other, by the logits before each update, and tells the sampler at its end. Every
/// rank counts the rows of all, so all draw the same batches. Counts of this epoch and of the last are in every checkpoint, so a run that
/// goes on draws the batches that it would have drawn.
/// </summary>
internal sealed class HardClasses : IDisposable
{
    private readonly BalancedSampler sampler;
    private readonly int classes;
    private readonly ICollective ranks;
    private readonly Tensor now, last;                                    // [C, C], int64, row = true class

    public HardClasses(BalancedSampler sampler, int classes, ICollective ranks)
    {
        (this.sampler, this.classes, this.ranks) = (sampler, classes, ranks);
        using var scope = NewDisposeScope();
        (now, last) = (zeros(classes, classes, int64).DetachFromDisposeScope(), zeros(classes, classes, int64).DetachFromDisposeScope());
    }

    /// <summary>What a checkpoint holds; <see cref="Tell"/> after it was read.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> State => [("now", now), ("last", last)];

    /// <summary>Counts the rows of a step, over all ranks.</summary>
    /// <param name="labels">[n], int64, of this rank's rows.</param>
    /// <param name="predicted">[n], int64: the class of the largest logit.</param>
    public void Count(Tensor labels, Tensor predicted)
    {
        using var scope = NewDisposeScope();
        var pairs = ranks.Gather(stack([labels, predicted], 1)).Rows.cpu().data<long>().ToArray();          // [N, 2]
        var counts = MemoryMarshal.Cast<byte, long>(now.bytes);
        for (var i = 0; i < pairs.Length; i += 2)
            if (pairs[i] != pairs[i + 1])
                counts[(int)(pairs[i] * classes + pairs[i + 1])]++;
    }

    /// <summary>Ends an epoch: its counts are the last ones, which the sampler goes by from here on.</summary>
    public void EndEpoch()
    {
        last.copy_(now);
        now.zero_();
        Tell();
    }

    /// <summary>Gives the sampler the counts of the last whole epoch; before there was one it goes by none.</summary>
    public void Tell()
    {
        var counts = last.data<long>().ToArray();
        sampler.Confusion = counts.All(c => c == 0) ? null : new(classes, counts);
    }

    public void Dispose()
    {
        now.Dispose();
        last.Dispose();
    }
}
