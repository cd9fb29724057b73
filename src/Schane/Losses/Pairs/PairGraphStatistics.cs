using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Losses.Pairs;

/// <summary>Collects <see cref="RowStatistics"/> from the tiles of <see cref="PairGraph"/>, some anchors at a time.</summary>
internal sealed class PairGraphStatistics(long first, long count, PairFormula formula)
{
    /// <summary>What was added.</summary>
    public RowStatistics Result { get; } = RowStatistics.Empty(first, count);

    public void Add(PairGraph.Tile tile)
    {
        using var scope = NewDisposeScope();
        using var free = no_grad();
        var s = tile.S.detach();
        var (p, n) = (tile.Positive.to_type(s.dtype), tile.Negative.to_type(s.dtype));
        var (pSum, nSum) = (p.sum(1), n.sum(1));                                                 // 0 makes the quotients NaN
        var cosine = s * formula.Temperature;
        var (most, index) = cosine.masked_fill(n <= 0.5, KeptScalar.NegativeInfinity).max(1);
        var some = most > double.NegativeInfinity;

        // Entropy of π(k) = n(k) exp(β s(k)) / Σ: log Σ − β Σ π s.
        var hard = s * formula.Beta;
        var log = (hard + n.log()).logsumexp(1, keepdim: true);
        var entropy = log.squeeze(1) - ((hard + n.log() - log).exp() * hard).sum(1);

        var at = (int)(tile.First - first);
        Write(tile.Loss, Result.Loss, at);
        Write(pSum, Result.Positives, at);
        Write(where(some, most, full_like(most, double.NaN)), Result.HardestNegativeSimilarity, at);
        Write(where(some, entropy.exp(), full_like(entropy, double.NaN)), Result.EffectiveNegatives, at);
        Write((cosine * p).sum(1) / pSum, Result.PositiveSimilarity, at);
        Write((cosine * n).sum(1) / nSum, Result.NegativeSimilarity, at);
        where(some, index, full_like(index, -1)).to_type(ScalarType.Int32).cpu().data<int>().CopyTo(Result.HardestNegative, at);
    }

    private static void Write(Tensor values, float[] target, int at)
    {
        using var scope = NewDisposeScope();
        values.detach().to_type(ScalarType.Float32).cpu().contiguous().data<float>().CopyTo(target, at);
    }
}
