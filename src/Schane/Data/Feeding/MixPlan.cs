using static TorchSharp.torch;

namespace Schane.Data.Feeding;

/// <summary>What <see cref="BatchMixer"/> will do to a batch, group by group. No more than the groups that are asked for is mixed, so a
/// large batch can wait as bytes.</summary>
/// <param name="Batch">The batch; it stays as it is.</param>
/// <param name="Groups">All rows in order, in groups with what each draws.</param>
/// <param name="Mixture">[R, C], float32: each row's shares of the classes.</param>
internal sealed record MixPlan(Batch Batch, IReadOnlyList<(int First, int Count, MixDraw? Draw)> Groups, Tensor Mixture)
{
    /// <summary>Rows <paramref name="at"/> to <paramref name="at"/> + <paramref name="count"/> − 1, normalised and mixed, on the CPU or on
    /// <paramref name="device"/>: [count, channels, H, W].</summary>
    public Tensor Images(long at, long count, Device? device = null)
    {
        using var scope = NewDisposeScope();
        Tensor? images = null;
        foreach (var (first, length, draw) in Groups)
        {
            var (from, to) = (Math.Max(at, first), Math.Min(at + count, first + length));
            if (from >= to)
                continue;
            using var one = NewDisposeScope();
            var group = Batch.Normalised(first, length, device);
            if (draw is { } drawn)
            {
                group = Batch.Scale is null ? group.clone() : group;      // a view of the batch's own images must not be written to
                BatchMixer.MixImages(group, drawn);
            }
            images ??= group.new_empty([count, .. group.shape[1..]]).MoveToOuterDisposeScope();
            images.narrow(0, from - at, to - from).copy_(group.narrow(0, from - first, to - from));
        }
        return images!.MoveToOuterDisposeScope();
    }
}
