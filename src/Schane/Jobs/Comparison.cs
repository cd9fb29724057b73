using Schane.Evaluation;

namespace Schane.Jobs;

/// <summary>Arms measured on the same seeds, each with its interval, and every pair of them compared.</summary>
/// <param name="Metric">What is compared: <c>top1</c> (greater is better) or <c>error</c> (less is better), shares of 1.</param>
/// <param name="Data">Data set.</param>
/// <param name="Seeds">The seeds.</param>
/// <param name="Arms">The arms in the order of the recipe.</param>
/// <param name="Pairs">Every later arm against every earlier one.</param>
public sealed record Comparison(string Metric, string Data, IReadOnlyList<int> Seeds, IReadOnlyList<ArmResult> Arms, IReadOnlyList<PairResult> Pairs)
{
    private const double Level = 0.05;

    internal static Comparison Of(IReadOnlyList<ArmRuns> arms)
    {
        var first = arms[0].Results[0];
        var metric = CompareJob.MetricOf(first);
        return Of(metric, first.Data, [.. arms[0].Results.Select(r => r.Seed)], [.. arms.Select(a => (a.Name, (IReadOnlyList<double>)[.. a.Results.Select(r => r.Metrics[metric])]))])
            with { Seconds = [.. arms.Select(a => a.Results.Average(r => r.Seconds))] };
    }

    internal static Comparison Of(string metric, string data, IReadOnlyList<int> seeds, IReadOnlyList<(string Name, IReadOnlyList<double> Values)> arms)
    {
        var better = metric == "error" ? -1 : 1;
        var compared = (from second in Enumerable.Range(0, arms.Count)
                        from first in Enumerable.Range(0, second)
                        select (first, second, Found: PairedComparison.Of(arms[second].Values, arms[first].Values))).ToList();
        var adjusted = PairedComparison.Holm([.. compared.Select(c => c.Found.PValue ?? 1)]);
        return new(metric, data, seeds,
            [.. arms.Select(a => Interval.StudentT(a.Values) is var i ? new ArmResult(a.Name, a.Values, i.Mean, i.Low, i.High) : null!)],
            [.. compared.Select((c, i) => new PairResult(arms[c.second].Name, arms[c.first].Name, c.Found.Difference.Mean, c.Found.Difference.Low, c.Found.Difference.High, c.Found.PValue, adjusted[i],
                c.Found.PValue is null || adjusted[i] >= Level ? "no evidence" : c.Found.Difference.Mean * better > 0 ? "helped" : "hurt"))]);
    }

    /// <summary>Mean wall time of a run of each arm, seconds.</summary>
    public IReadOnlyList<double> Seconds { get; init; } = [];
}

/// <summary>One arm.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Values">The metric for each seed.</param>
/// <param name="Mean">Their mean.</param>
/// <param name="Low">Lower end of the 95 % t interval over the seeds; null for one seed.</param>
/// <param name="High">Upper end.</param>
public sealed record ArmResult(string Name, IReadOnlyList<double> Values, double Mean, double? Low, double? High);

/// <summary>One arm against another on the same seeds.</summary>
/// <param name="Arm">The arm.</param>
/// <param name="Against">What it is compared with.</param>
/// <param name="Difference">Mean of arm − against.</param>
/// <param name="Low">Lower end of the 95 % t interval of the paired difference; null for one seed.</param>
/// <param name="High">Upper end.</param>
/// <param name="P">Paired t test; null for one seed.</param>
/// <param name="HolmP">Adjusted over all pairs (Holm 1979).</param>
/// <param name="Verdict"><c>helped</c> or <c>hurt</c> where HolmP is below 0.05, else <c>no evidence</c>.</param>
public sealed record PairResult(string Arm, string Against, double Difference, double? Low, double? High, double? P, double HolmP, string Verdict);
