using Schane.Evaluation.Statistics;

namespace Schane.Reporting;

/// <summary>What a comparison says about a difference: Holm-adjusted paired-t p below 0.05 and its sign, else no evidence.</summary>
internal enum Verdict
{
    /// <summary>No evidence of a difference.</summary>
    NoEvidence,

    /// <summary>The first objective is better.</summary>
    Helped,

    /// <summary>The first objective is worse.</summary>
    Hurt,
}

/// <summary>One objective over its seeds.</summary>
/// <param name="Objective">Which.</param>
/// <param name="Seeds">In ascending order.</param>
/// <param name="Values">The metric of each seed.</param>
/// <param name="Mean">Their mean with its Student-t interval.</param>
internal sealed record ObjectiveRow(ComparedObjective Objective, IReadOnlyList<int> Seeds, IReadOnlyList<double> Values, Interval Mean);

/// <summary>Two objectives over the seeds that both have.</summary>
/// <param name="First">The one that is compared.</param>
/// <param name="Second">The one it is compared with.</param>
/// <param name="Seeds">In ascending order.</param>
/// <param name="Differences">First − second of each seed.</param>
/// <param name="Paired">Intervals and p-values.</param>
/// <param name="HolmP">The paired-t p adjusted for all differences of the table (Holm 1979); null for one seed.</param>
/// <param name="Verdict">In one word.</param>
internal sealed record DifferenceRow(
    ComparedObjective First, ComparedObjective Second, IReadOnlyList<int> Seeds, IReadOnlyList<double> Differences, PairedComparison Paired,
    double? HolmP, Verdict Verdict);

/// <summary>The statistics of a comparison: each objective by itself, and each against all before it, or all against the one that
/// the comparison names.</summary>
/// <param name="Metric">The metric's name.</param>
/// <param name="Objectives">In the comparison's order; one without runs is left out.</param>
/// <param name="Differences">The pairs of <see cref="Comparison.Against"/>, else all, the later objective first; a pair without
/// common seeds is left out.</param>
internal sealed record ComparisonTable(string Metric, IReadOnlyList<ObjectiveRow> Objectives, IReadOnlyList<DifferenceRow> Differences)
{
    /// <summary>Below this Holm-adjusted p a difference counts.</summary>
    public const double Significance = 0.05;

    /// <summary>Computes the table of one metric.</summary>
    /// <param name="comparison">The runs.</param>
    /// <param name="metric">Which metric; the comparison's own if null.</param>
    /// <exception cref="SchaneException">Runs of an objective that is not listed, two runs of one seed, a run without the metric or one
    /// that is not finite, or no runs.</exception>
    public static ComparisonTable Of(Comparison comparison, string? metric = null)
    {
        metric ??= comparison.Metric;
        var values = Values(comparison, metric);
        var (least, most) = Reporting.Metric.Of(metric).Share ? (0.0, 1.0) : (double.NegativeInfinity, double.PositiveInfinity);
        ObjectiveRow[] rows =
        [
            .. from objective in comparison.Objectives
               let own = values.Where(run => run.Key.Objective == objective.Name).OrderBy(run => run.Key.Seed).ToArray()
               where own.Length > 0
               select new ObjectiveRow(objective, [.. own.Select(run => run.Key.Seed)], [.. own.Select(run => run.Value)],
                   Interval.StudentT([.. own.Select(run => run.Value)]).Within(least, most)),
        ];
        if (rows.Length == 0)
            throw new SchaneException("The comparison holds no runs; make them with schane compare.");
        var pairs = new List<DifferenceRow>();
        foreach (var (first, second) in Pairs(comparison))
            if (Array.Find(rows, row => row.Objective.Name == first.Name) is { } a && Array.Find(rows,
                row => row.Objective.Name == second.Name) is { } b && Pair(a, b, comparison.TestPerTrain ?? 0) is { } pair)
                pairs.Add(pair);
        return new(metric, rows, Judged(pairs, Reporting.Metric.Of(metric).HigherIsBetter));
    }

    /// <summary>Which objectives are compared, each with which.</summary>
    /// <exception cref="SchaneException">There is no objective of the name that all are to be compared with.</exception>
    internal static IEnumerable<(ComparedObjective First, ComparedObjective Second)> Pairs(Comparison comparison)
    {
        var all = comparison.Objectives;
        if (comparison.Against is not { } name)
            return Enumerable.Range(1, Math.Max(0, all.Count - 1))
                .SelectMany(later => Enumerable.Range(0, later).Select(earlier => (all[later], all[earlier])));
        var against = all.FirstOrDefault(objective => objective.Name == name)
            ?? throw new SchaneException($"There is no arm '{Printable.Escape(name)}' to compare the others " +
                $"with{Nearest.Hint(name, all.Select(objective => objective.Name))}; the arms are " +
                $"{string.Join(", ", all.Select(objective => Printable.Escape(objective.Name)))}.");
        return all.Where(objective => objective != against).Select(objective => (objective, against));
    }

    private static Dictionary<(string Objective, int Seed), double> Values(Comparison comparison, string metric)
    {
        var values = new Dictionary<(string, int), double>();
        foreach (var run in comparison.Runs)
        {
            if (comparison.Objectives.All(objective => objective.Name != run.Objective))
                throw new SchaneException($"The comparison holds a run of '{run.Objective}', which is not among its objectives " +
                    $"{string.Join(", ", comparison.Objectives.Select(objective => objective.Name))}.");
            if (!run.Metrics.TryGetValue(metric, out var value) || !double.IsFinite(value))
                throw new SchaneException($"The run of '{run.Objective}' with seed {run.Seed} has no finite '{metric}'; it may have " +
                    "stopped early. Make it again.");
            if (!values.TryAdd((run.Objective, run.Seed), value))
                throw new SchaneException($"The comparison holds two runs of '{run.Objective}' with seed {run.Seed}; a pair needs one.");
        }
        return values;
    }

    private static DifferenceRow? Pair(ObjectiveRow first, ObjectiveRow second, double testPerTrain)
    {
        int[] seeds = [.. first.Seeds.Intersect(second.Seeds)];
        if (seeds.Length == 0)
            return null;
        double[] of(ObjectiveRow row) => [.. seeds.Select(seed => row.Values[row.Seeds.ToList().IndexOf(seed)])];
        var (a, b) = (of(first), of(second));
        return new(first.Objective, second.Objective, seeds, [.. a.Zip(b, (x, y) => x - y)],
            PairedComparison.Of(a, b, testPerTrain: testPerTrain), null, Verdict.NoEvidence);
    }

    private static DifferenceRow[] Judged(List<DifferenceRow> pairs, bool higherIsBetter)
    {
        var tested = pairs.Where(pair => pair.Paired.PValue is not null).ToArray();
        var adjusted = PairedComparison.Holm([.. tested.Select(pair => pair.Paired.PValue!.Value)]);
        return
        [
            .. pairs.Select(pair => Array.IndexOf(tested, pair) is >= 0 and var place
                ? pair with
                {
                    HolmP = adjusted[place],
                    Verdict = adjusted[place] >= Significance
                        ? Verdict.NoEvidence : pair.Paired.Difference.Mean > 0 == higherIsBetter ? Verdict.Helped : Verdict.Hurt,
                }
                : pair),
        ];
    }
}
