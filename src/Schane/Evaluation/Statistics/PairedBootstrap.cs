using Schane.Tensors;

namespace Schane.Evaluation.Statistics;

/// <summary>Where a mean difference of two settings lies if other test items and other seeds had been drawn: a percentile bootstrap over
/// both (Efron and Tibshirani 1993; Owen 2007 for crossed factors).</summary>
/// <remarks>Seeds and groups of items are drawn with replacement, independently of each other; the settings always share the draw, so that
/// the pairs stay together.</remarks>
internal static class PairedBootstrap
{
    /// <summary>Draws unless said otherwise.</summary>
    public const int DefaultDraws = 10_000;

    /// <summary>The interval of mean(first) − mean(second).</summary>
    /// <param name="first">[seeds][items] outcomes, for instance 1 where the answer is right.</param>
    /// <param name="second">The same seeds and items of the other setting.</param>
    /// <param name="groups">Group of each item; those of one group are drawn together.</param>
    /// <param name="level">Coverage, 0.95 by default.</param>
    /// <param name="draws">Resamples, at least 100.</param>
    /// <param name="seed">Of the draws.</param>
    /// <returns>The lower and upper end.</returns>
    /// <exception cref="ArgumentException">No seeds or items, or the two differ in their number.</exception>
    public static (double Low, double High) Of(
        IReadOnlyList<double[]> first, IReadOnlyList<double[]> second, IReadOnlyList<int> groups, double level = 0.95,
        int draws = DefaultDraws, long seed = 0)
    {
        Require.AtLeast(draws, 100, nameof(draws));
        if (first.Count == 0 || second.Count != first.Count || groups.Count == 0
            || first.Concat(second).Any(outcomes => outcomes.Length != groups.Count))
            throw new ArgumentException($"second must hold {first.Count} seeds, and each seed {groups.Count} outcomes, one for each item.",
                nameof(second));
        var places = groups.Distinct().Select((group, place) => (group, place)).ToDictionary(g => g.group, g => g.place);
        var (seeds, many) = (first.Count, places.Count);
        var sums = new double[seeds, many];                              // differences summed over the items of a group
        var sizes = new double[many];
        for (var item = 0; item < groups.Count; item++)
        {
            var place = places[groups[item]];
            sizes[place]++;
            for (var s = 0; s < seeds; s++)
                sums[s, place] += first[s][item] - second[s][item];
        }

        var means = new double[draws];
        Parallel.For(0, draws, draw =>
        {
            var random = new SampleRandom(seed, draw);
            Span<int> times = stackalloc int[seeds];
            for (var s = 0; s < seeds; s++)
                times[random.Below(seeds)]++;
            var (sum, items) = (0.0, 0.0);
            for (var g = 0; g < many; g++)
            {
                var place = random.Below(many);
                items += sizes[place];
                for (var s = 0; s < seeds; s++)
                    sum += times[s] * sums[s, place];
            }
            means[draw] = sum / (items * seeds);
        });
        Array.Sort(means);
        return (Quantile(means, (1 - level) / 2), Quantile(means, (1 + level) / 2));
    }

    /// <summary>The same where each seed has test items of its own: seeds are drawn, then items within each drawn seed.</summary>
    /// <param name="first">For each seed the outcomes of its items.</param>
    /// <param name="second">The same seeds and items of the other setting.</param>
    /// <param name="level">Coverage, 0.95 by default.</param>
    /// <param name="draws">Resamples, at least 100.</param>
    /// <param name="seed">Of the draws.</param>
    /// <returns>The lower and upper end of the mean over seeds.</returns>
    /// <exception cref="ArgumentException">No seeds or items, or the two differ in their number.</exception>
    public static (double Low, double High) WithinSeeds(IReadOnlyList<double[]> first, IReadOnlyList<double[]> second, double level = 0.95,
        int draws = DefaultDraws, long seed = 0)
    {
        Require.AtLeast(draws, 100, nameof(draws));
        if (first.Count == 0 || second.Count != first.Count
            || first.Where((outcomes, s) => outcomes.Length == 0 || outcomes.Length != second[s].Length).Any())
            throw new ArgumentException($"second must hold {first.Count} seeds, each with as many outcomes as the first, and at least one.",
                nameof(second));
        double[][] differences = [.. first.Select((outcomes, s) => outcomes.Select((outcome, i) => outcome - second[s][i]).ToArray())];
        var means = new double[draws];
        Parallel.For(0, draws, draw =>
        {
            var random = new SampleRandom(seed, draw);
            var total = 0.0;
            for (var s = 0; s < differences.Length; s++)
            {
                var items = differences[random.Below(differences.Length)];
                var sum = 0.0;
                for (var i = 0; i < items.Length; i++)
                    sum += items[random.Below(items.Length)];
                total += sum / items.Length;
            }
            means[draw] = total / differences.Length;
        });
        Array.Sort(means);
        return (Quantile(means, (1 - level) / 2), Quantile(means, (1 + level) / 2));
    }

    private static double Quantile(double[] sorted, double share)
    {
        var at = share * (sorted.Length - 1);
        var below = (int)at;
        return below + 1 == sorted.Length ? sorted[below] : sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]);
    }
}
