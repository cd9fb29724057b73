using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Losses.Pairs;

/// <summary>Which rows are positives of which: from one label a row, or from a mixture of classes a row. Everything
/// but the tiles is O(N).</summary>
internal sealed class PairWeights : IDisposable
{
    private readonly Tensor? mixture;
    private readonly Tensor? labels;

    private PairWeights(Tensor? labels, Tensor? mixture, Tensor positives)
    {
        (this.labels, this.mixture) = (labels, mixture);
        using var scope = NewDisposeScope();
        Positives = positives.DetachFromDisposeScope();
        Negatives = (Rows - 1 - positives).clamp_min(0).DetachFromDisposeScope();
        Weights = positives.clamp_max(1).DetachFromDisposeScope();
        TotalWeight = Weights.sum().item<double>();
    }

    /// <summary>|P(i)|, [N] float64.</summary>
    public Tensor Positives { get; }

    /// <summary>|Nn(i)|, [N] float64.</summary>
    public Tensor Negatives { get; }

    /// <summary>min(1, |P(i)|), [N] float64: what an anchor weighs in the mean.</summary>
    public Tensor Weights { get; }

    /// <summary>The sum of <see cref="Weights"/> over all rows.</summary>
    public double TotalWeight { get; }

    public long Rows => Positives.shape[0];

    /// <param name="labels">[N], int64. Not copied.</param>
    public static PairWeights From(Tensor labels)
    {
        using var scope = NewDisposeScope();
        var (_, inverse, counts) = labels.unique(sorted: true, return_inverse: true, return_counts: true);
        return new(labels, null, (counts!.index(inverse!) - 1).to_type(ScalarType.Float64));
    }

    /// <param name="mixture">[N, C], rows with sum 1. Not copied.</param>
    public static PairWeights FromMixture(Tensor mixture)
    {
        using var scope = NewDisposeScope();
        var shares = mixture.to_type(ScalarType.Float64);
        var with = (shares * shares.sum(dim: 0)).sum(1) - (shares * shares).sum(1);            // Σ over j ≠ i of ⟨y(i), y(j)⟩
        return new(null, mixture, with.clamp(0, shares.shape[0] - 1));
    }

    /// <summary>p and n of some anchors against all rows, [count, N]: masks for labels, weights for mixtures.</summary>
    public (Tensor Positive, Tensor Negative) Tile(long first, long count, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var device = Positives.device;
        var self = arange(first, first + count, device: device).unsqueeze(1) == arange(Rows, device: device).unsqueeze(0);
        if (labels is not null)
        {
            var same = labels.narrow(0, first, count).unsqueeze(1) == labels.unsqueeze(0);
            return ((same & ~self).MoveToOuterDisposeScope(), (~same).MoveToOuterDisposeScope());
        }
        var shared = mixture!.narrow(0, first, count).to_type(dtype).matmul(mixture.to_type(dtype).t()).clamp(0, 1);
        return (shared.masked_fill(self, KeptScalar.Zero).MoveToOuterDisposeScope(),
            (1 - shared).masked_fill(self, KeptScalar.Zero).MoveToOuterDisposeScope());
    }

    public void Dispose()
    {
        Positives.Dispose();
        Negatives.Dispose();
        Weights.Dispose();
    }
}
