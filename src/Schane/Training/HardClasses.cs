using System.Runtime.InteropServices;
using Schane.Data.Feeding;
using Schane.Distributed;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>
/// Counts which classes an epoch's steps take for each other, by the logits before each update, for the batches of the next. Every
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

    /// <summary>What a checkpoint holds.</summary>
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

    /// <summary>Ends an epoch: its counts are the last ones.</summary>
    public void EndEpoch()
    {
        last.copy_(now);
        now.zero_();
    }

    /// <summary>The sampler by the counts of the last whole epoch; before there was one, by none.</summary>
    public BalancedSampler Sampler =>
        last.data<long>().ToArray() is var counts && counts.Any(c => c > 0) ? sampler.By(new(classes, counts)) : sampler;

    public void Dispose()
    {
        now.Dispose();
        last.Dispose();
    }
}
