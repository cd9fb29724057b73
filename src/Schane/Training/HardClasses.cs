using System.Runtime.InteropServices;
using Schane.Data;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>
/// Counts which classes an epoch's steps take for each other, by the logits before each update, and tells the sampler at its end. Counts of this epoch and of the last
/// are in every checkpoint, so a run that goes on draws the batches that it would have drawn.
/// </summary>
internal sealed class HardClasses : IDisposable
{
    private readonly BalancedSampler sampler;
    private readonly int classes;
    private readonly Tensor now, last;                                    // [C, C], int64, row = true class

    public HardClasses(BalancedSampler sampler, int classes)
    {
        (this.sampler, this.classes) = (sampler, classes);
        using var scope = NewDisposeScope();
        (now, last) = (zeros(classes, classes, int64).DetachFromDisposeScope(), zeros(classes, classes, int64).DetachFromDisposeScope());
    }

    /// <summary>What a checkpoint holds; <see cref="Tell"/> after it was read.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> State => [("now", now), ("last", last)];

    /// <summary>Counts the rows of a step.</summary>
    /// <param name="labels">[N], int64.</param>
    /// <param name="predicted">[N], int64: the class of the largest logit.</param>
    public void Count(Tensor labels, Tensor predicted)
    {
        using var scope = NewDisposeScope();
        var (truth, taken) = (labels.cpu().data<long>().ToArray(), predicted.cpu().data<long>().ToArray());
        var counts = MemoryMarshal.Cast<byte, long>(now.bytes);
        for (var i = 0; i < truth.Length; i++)
            if (truth[i] != taken[i])
                counts[(int)(truth[i] * classes + taken[i])]++;
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
