using static TorchSharp.torch;

namespace Schane.Losses.Pairs;

/// <summary><see cref="PairFormula"/> as an op graph: the reference for the kernels, and the path for GPU and float64.</summary>
internal static class PairGraph
{
    // Stands for the log of nothing: exp gives 0, yet differences of two of them are not NaN.
    private static readonly TorchSharp.Scalar Empty = -1e30;              // kept, as KeptScalar says

    /// <summary>The part of the mean loss that some anchors contribute: their weighted sum over the total weight of all rows.</summary>
    /// <param name="units">[N, D], unit rows.</param>
    /// <param name="pairs">Of the same rows.</param>
    /// <param name="formula">What to compute.</param>
    /// <param name="first">First anchor.</param>
    /// <param name="count">Number of anchors, M.</param>
    /// <param name="watch">Is handed what the rows saw, without gradient, before the tensors are let go.</param>
    public static Tensor Share(Tensor units, PairWeights pairs, PairFormula formula, long first, long count, Action<Tile>? watch = null)
    {
        using var scope = NewDisposeScope();
        var dtype = units.dtype;
        var (positive, negative) = pairs.Tile(first, count, dtype);                                  // [M, N] each
        var positives = pairs.Positives.narrow(0, first, count).to_type(dtype);                     // [M]
        var negatives = pairs.Negatives.narrow(0, first, count).to_type(dtype);                     // [M]
        var weights = pairs.Weights.narrow(0, first, count).to_type(dtype);                         // [M]

        var s = units.narrow(0, first, count).matmul(units.t()) / formula.Temperature;              // [M, N]
        var a = formula.Plain && formula.Placement == Placement.Outside ? null : Only(s, positive).logsumexp(1);
        var denominator = formula.Plain
            ? Others(s, first, count).logsumexp(1)
            : logaddexp(a!, LogNegatives(s, negative, positives, negatives, a!, formula));          // [M]
        var attraction = formula.Placement == Placement.Inside
            ? a! - positives.clamp_min(1e-30).log()
            : (s * positive).sum(1) / positives.clamp_min(1e-30);                                   // [M]
        var loss = where(weights > 0, denominator - attraction, zeros_like(weights));               // [M]
        watch?.Invoke(new(s, positive, negative, loss, first));
        return ((loss * weights).sum() / pairs.TotalWeight).MoveToOuterDisposeScope();
    }

    /// <summary>What a row saw: similarities over τ, p, n [M, N], losses [M].</summary>
    public readonly record struct Tile(Tensor S, Tensor Positive, Tensor Negative, Tensor Loss, long First);

    // log W'(i), [M].
    private static Tensor LogNegatives(Tensor s, Tensor negative, Tensor positives, Tensor negatives, Tensor a, PairFormula formula)
    {
        var some = negatives > 0;
        var count = where(some, negatives, ones_like(negatives)).log();
        var norm = formula.Beta == 0 ? count : Only(s * formula.Beta, negative).logsumexp(1);
        var log = formula.DetachWeights
            ? Only(s + (s * formula.Beta - norm.unsqueeze(1)).detach(), negative).logsumexp(1) + count
            : Only(s * (1 + formula.Beta), negative).logsumexp(1) - norm + count;
        if (formula.TauPlus > 0)
        {
            // log((W − c) / (1 − τ⁺)) in the log domain; the clamp takes over before the difference reaches zero.
            var c = Math.Log(formula.TauPlus) + count + a - positives.clamp_min(1e-30).log();
            var floor = count - 1 / formula.Temperature;
            var above = (log - c) > 1e-12;
            var difference = log + (-(where(above, c - log, -ones_like(c)).exp())).log1p() - Math.Log(1 - formula.TauPlus);
            log = where(above & (difference > floor), difference, floor);
        }
        return where(some, log, full_like(log, Empty));
    }

    private static Tensor Only(Tensor s, Tensor weight) =>
        weight.dtype == ScalarType.Bool ? s.masked_fill(~weight, Empty) : s + weight.log().clamp_min(Empty);

    private static Tensor Others(Tensor s, long first, long count)
    {
        var self = arange(first, first + count, device: s.device).unsqueeze(1) == arange(s.shape[1], device: s.device).unsqueeze(0);
        return s.masked_fill(self, Empty);
    }
}
