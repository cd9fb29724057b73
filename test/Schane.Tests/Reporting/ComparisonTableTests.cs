using Schane.Reporting;

namespace Schane.Tests.Reporting;

public sealed class ComparisonTableTests
{
    [Fact]
    public void Compares_each_objective_with_those_before_it_on_their_common_seeds()
    {
        // Differences of seeds 1 to 3: 0.01, 0.02, 0.03. Mean 0.02, s = 0.01, t(2, 0.975) = 4.30265, t = 3.4641, p = 0.07418.
        var table = ComparisonTable.Of(Of(("a", 1, 0.50), ("a", 2, 0.60), ("a", 3, 0.70), ("a", 9, 0.1), ("b", 3, 0.73),
            ("b", 2, 0.62), ("b", 1, 0.51)));
        var row = Assert.Single(table.Differences);
        Assert.Equal(("b", "a"), (row.First.Name, row.Second.Name));
        Assert.Equal([1, 2, 3], row.Seeds);
        Assert.Equal(0.02, row.Paired.Difference.Mean, 1e-12);
        Assert.Equal(0.02 - 4.30265 * 0.01 / Math.Sqrt(3), row.Paired.Difference.Low!.Value, 1e-6);
        Assert.Equal(0.07418, row.HolmP!.Value, 1e-5);
        Assert.Equal(Verdict.NoEvidence, row.Verdict);
        Assert.Equal(4, table.Objectives[0].Seeds.Count);
    }

    [Theory]
    [InlineData("top1", nameof(Verdict.Helped))]
    [InlineData("error", nameof(Verdict.Hurt))]
    public void Says_helped_where_the_later_one_is_better_by_its_metric(string metric, string expected)
    {
        var table = ComparisonTable.Of(Of(metric, ("a", 1, 0.50), ("a", 2, 0.60), ("a", 3, 0.70), ("b", 1, 0.60),
            ("b", 2, 0.7001), ("b", 3, 0.7999)));
        Assert.Equal(expected, table.Differences[0].Verdict.ToString());
    }

    [Fact]
    public void Adjusts_for_all_differences()
    {
        var table = ComparisonTable.Of(Of(("a", 1, 0.50), ("a", 2, 0.60), ("a", 3, 0.70), ("b", 1, 0.51), ("b", 2, 0.62), ("b", 3, 0.73),
            ("c", 1, 0.60), ("c", 2, 0.60), ("c", 3, 0.60)));
        Assert.Equal(3, table.Differences.Count);
        // The least of the three p-values, 0.07418, counts three times.
        Assert.Equal(0.22254, table.Differences[0].HolmP!.Value, 3e-5);
    }

    [Fact]
    public void Compares_all_with_one_and_adjusts_for_those_differences_alone()
    {
        var comparison = Of(("a", 1, 0.50), ("a", 2, 0.60), ("a", 3, 0.70), ("b", 1, 0.51), ("b", 2, 0.62), ("b", 3, 0.73), ("c", 1, 0.60),
            ("c", 2, 0.60), ("c", 3, 0.60));
        var table = ComparisonTable.Of(comparison with { Against = "b" });
        Assert.Equal([("a", "b"), ("c", "b")], table.Differences.Select(row => (row.First.Name, row.Second.Name)));
        Assert.Equal(-0.02, table.Differences[0].Paired.Difference.Mean, 1e-12);
        // The lesser of the two p-values, 0.07418, counts twice.
        Assert.Equal(0.14836, table.Differences[0].HolmP!.Value, 2e-5);
        Assert.Contains("no arm 'd'", Assert.Throws<SchaneException>(() => ComparisonTable.Of(comparison with { Against = "d" })).Message);
    }

    [Fact]
    public void Gives_no_verdict_on_one_seed()
    {
        var row = ComparisonTable.Of(Of(("a", 1, 0.5), ("b", 1, 0.9))).Differences[0];
        Assert.Null(row.HolmP);
        Assert.Equal(Verdict.NoEvidence, row.Verdict);
    }

    [Fact]
    public void Refuses_runs_that_do_not_make_a_comparison()
    {
        Refuses("which is not among its objectives a, b", ("d", 1, 0.5));
        Refuses("two runs of 'a' with seed 1", ("a", 1, 0.5), ("a", 1, 0.6));
        Refuses("'a' with seed 1 has no finite 'top1'", ("a", 1, double.NaN));
        Refuses("holds no runs");

        static void Refuses(string expected, params (string, int, double)[] runs)
        {
            var comparison = Of(runs) with { Objectives = [new("a", "A"), new("b", "B")] };
            Assert.Contains(expected,
                Assert.Throws<SchaneException>(() => ComparisonTable.Of(comparison)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Survives_its_file()
    {
        var file = Path.GetTempFileName();
        try
        {
            var comparison = SampleComparison.Of();
            comparison.Save(file);
            var back = Comparison.Load(file);
            Assert.Equal(comparison.Runs.Select(run => run.Metrics["top1"]), back.Runs.Select(run => run.Metrics["top1"]));
            Assert.Equal(comparison.Runs[5].PerClass!["bell-plain"], back.Runs[5].PerClass!["bell-plain"]);
            Assert.Equal(comparison.Bootstrap, back.Bootstrap);
            File.WriteAllText(file, "{\"runs\": []}");
            Assert.Contains("lacks a field", Assert.Throws<SchaneException>(() => Comparison.Load(file)).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static Comparison Of(params (string Objective, int Seed, double Value)[] runs) => Of("top1", runs);

    private static Comparison Of(string metric, params (string Objective, int Seed, double Value)[] runs) => new()
    {
        Metric = metric,
        Objectives = [.. runs.Select(run => run.Objective).Distinct().Select(name => new ComparedObjective(name, name.ToUpperInvariant()))],
        Runs = [.. runs.Select(run => new ComparedRun(run.Objective, run.Seed, new Dictionary<string, double> { [metric] = run.Value }))],
    };
}
