using Schane.Evaluation.Statistics;

namespace Schane.Reporting;

/// <summary>What a comparison could see, what it would take to see more, and what to do next.</summary>
internal static class Outlook
{
    /// <summary>Seeds beyond which no number is named.</summary>
    private const int MostSeeds = 100;

    /// <summary>Before the first run: what differences the comparison will be able to tell from none.</summary>
    /// <param name="seeds">Seeds, or folds, of each arm.</param>
    /// <param name="comparisons">Differences that will be judged together.</param>
    /// <param name="items">Test items.</param>
    /// <param name="testPerTrain">As in <see cref="Comparison.TestPerTrain"/>.</param>
    public static string Foretold(int seeds, int comparisons, int items, double? testPerTrain)
    {
        var units = testPerTrain is null ? "seed" : "fold";
        var count = Quantity.Of(seeds, units, units + "s");
        if (seeds < 2)
            return $"{count}: no difference can be told from chance; take two or more, better eight.";
        var deviation = PairedPower.ExpectedDeviation(items);
        var least = PairedPower.LeastDifference(deviation, seeds, comparisons, testPerTrain ?? 0);
        return $"{count}, {Quantity.Of(items, "test image", "test images")} and {Quantity.Of(comparisons, "difference", "differences")} " +
            $"judged together: about ±{100 * least:0.#} points and more can be told from chance (4 times in 5), if paired " +
            $"differences scatter by {100 * deviation:0.#} points from {units} to {units}, as is usual.";
    }

    /// <summary>After the runs: what could have been seen where there is no evidence, which arm has the best mean, what to do.</summary>
    public static IReadOnlyList<string> Of(ComparisonTable table, double? testPerTrain)
    {
        var metric = Metric.Of(table.Metric);
        var best = metric.HigherIsBetter
            ? table.Objectives.MaxBy(row => row.Mean.Mean)! : table.Objectives.MinBy(row => row.Mean.Mean)!;
        var open = table.Differences.Where(row => row.Verdict == Verdict.NoEvidence && row.Seeds.Count > 1).ToList();
        return
        [
            $"{best.Objective.Label} has the {(metric.HigherIsBetter ? "highest" : "lowest")} mean.",
            .. open.Select(row => Seen(row, metric, table.Differences.Count, testPerTrain)),
            Next(table, best.Objective, open, testPerTrain is null ? "--seeds" : "--repeats"),
        ];
    }

    private static string Seen(DifferenceRow row, Metric metric, int comparisons, double? testPerTrain)
    {
        var (found, seeds, units) = (row.Paired.Difference.Mean, row.Seeds.Count, testPerTrain is null ? "seeds" : "folds");
        var mean = row.Differences.Average();
        var deviation = Math.Sqrt(row.Differences.Sum(d => (d - mean) * (d - mean)) / (seeds - 1));
        var overlap = testPerTrain ?? 0;
        var least = PairedPower.LeastDifference(deviation, seeds, comparisons, overlap);
        var needed = found == 0 ? null : PairedPower.SeedsFor(found, deviation, comparisons, overlap, MostSeeds);
        var points = metric.Share ? " points" : "";
        var seen = metric.Share && least >= 1 ? "no difference could be seen"
            : $"only differences above ±{Effect.Size(metric, least)}{points} could be seen";
        return $"{row.First.Label} against {row.Second.Label}: with {seeds} {units} {seen}" + (needed is { } n && n > seeds
                ? $"; {n} would see one of {Effect.Size(metric, found)}{points}, as was found."
                : needed is null && found != 0
                    ? $"; one of {Effect.Size(metric, found)}{points}, as was found, would take more than {MostSeeds}." : ".");
    }

    private static string Next(ComparisonTable table, ComparedObjective best, List<DifferenceRow> open, string flag)
    {
        var about = table.Differences.Where(row => row.First == best || row.Second == best).ToList();
        return about.Count > 0 && about.All(row => row.Verdict != Verdict.NoEvidence)
            ? $"Train with {best.Label}: it is ahead of all it was compared with."
            : open.Any(row => row.First == best || row.Second == best)
                ? $"The best guess, not a finding, is {best.Label}: the same command with a greater {flag} keeps these runs and adds " +
                    "to them."
                : "One seed can't decide. The same command with more seeds keeps these runs and adds to them.";
    }
}
