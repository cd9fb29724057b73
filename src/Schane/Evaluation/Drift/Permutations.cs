using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Evaluation.Drift;

// N rows of two samples, R of the reference before those that came in; P columns.

/// <summary>The p-values of permutation tests: were all rows of one kind, each choice of which came in would be as likely as the
/// real one, so p is exact for any statistic (Pitman 1937).</summary>
internal static class Permutations
{
    /// <summary>Choices drawn beside the real one.</summary>
    public const int Drawn = 1999;

    /// <summary>The real value of a statistic, and the share of choices, the real one among them, under which it is at least as
    /// large.</summary>
    /// <param name="reference">R.</param>
    /// <param name="incoming">N − R.</param>
    /// <param name="seed">Which choices are drawn.</param>
    /// <param name="statistic">From [N, P], float64, 1 where a row came in and 0 where it is of the reference, to [P].</param>
    public static (double Value, double P) Of(int reference, int incoming, int seed, Func<Tensor, Tensor> statistic)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var rows = reference + incoming;
        var choices = new double[(Drawn + 1) * rows];
        for (var choice = 0; choice <= Drawn; choice++)
        {
            var own = choices.AsSpan(choice * rows, rows);
            own[reference..].Fill(1);
            if (choice > 0)
                new SampleRandom(seed, choice).Shuffle(own);
        }
        var values = Copy.Doubles(statistic(tensor(choices, [Drawn + 1, rows]).T.contiguous()));
        // sums of the same terms in another order are the same value
        var least = values[0] - 1e-9 * Math.Max(1e-3, Math.Abs(values[0]));
        return (values[0], (double)values.Count(value => value >= least) / values.Length);
    }

    /// <summary>How often a row that came in lies above one of the reference, 0 to 1: the area under the ROC curve, Mann and Whitney's U
    /// over all pairs.</summary>
    /// <param name="ranks">[N, 1] or [N, P], from 1, means where rows are equal.</param>
    /// <param name="cameIn">[N, P], as of <see cref="Of"/>.</param>
    public static Tensor Above(Tensor ranks, Tensor cameIn)
    {
        var (rows, incoming) = (cameIn.shape[0], cameIn.sum([0]));
        return ((ranks * cameIn).sum([0]) - incoming * (incoming + 1) / 2) / (incoming * (rows - incoming));
    }

    /// <summary>Ranks from 1, means where values are equal.</summary>
    public static double[] Ranks(IReadOnlyList<double> values)
    {
        var ranks = new double[values.Count];
        var before = 0;
        foreach (var equal in Enumerable.Range(0, values.Count).GroupBy(i => values[i]).OrderBy(group => group.Key))
        {
            var count = equal.Count();
            foreach (var i in equal)
                ranks[i] = before + (count + 1) / 2.0;
            before += count;
        }
        return ranks;
    }
}
