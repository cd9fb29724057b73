using Schane.Reporting;

namespace Schane.Tests.Reporting;

public sealed class OutlookTests
{
    [Fact]
    public void A_comparison_without_evidence_says_what_it_could_see_and_what_it_would_take()
    {
        // Differences +1, −1 and +3 points: mean 1, deviation 2. Half a deviation takes 34 pairs (G*Power 3.1).
        var said = Outlook.Of(ComparisonTable.Of(Pair([0.51, 0.49, 0.53], [0.50, 0.50, 0.50])), null);
        Assert.Equal("B has the highest mean.", said[0]);
        Assert.StartsWith("B against A: with 3 seeds only differences above ±", said[1], StringComparison.Ordinal);
        Assert.EndsWith("points could be seen; 34 would see one of 1.00 points, as was found.", said[1], StringComparison.Ordinal);
        Assert.Equal("The best guess, not a finding, is B: the same command with a greater --seeds keeps these runs and adds to them.",
            said[2]);
    }

    [Fact]
    public void A_finding_says_what_to_train_with() =>
        Assert.Equal(["B has the highest mean.", "Train with B: it is ahead of all it was compared with."],
            Outlook.Of(ComparisonTable.Of(Pair([0.60, 0.61, 0.62, 0.61], [0.50, 0.50, 0.52, 0.51])), null));

    [Fact]
    public void Arms_that_answer_alike_need_no_number_of_seeds() =>
        Assert.Equal("B against A: with 2 seeds only differences above ±0.00 points could be seen.",
            Outlook.Of(ComparisonTable.Of(Pair([0.5, 0.6], [0.5, 0.6])), null)[1]);

    /// <summary>Two seeds whose differences scatter by 14 points would have to differ by more than all.</summary>
    [Fact]
    public void A_share_can_not_differ_by_more_than_all() =>
        Assert.StartsWith("B against A: with 2 seeds no difference could be seen; ",
            Outlook.Of(ComparisonTable.Of(Pair([0.7, 0.5], [0.5, 0.5])), null)[1], StringComparison.Ordinal);

    [Fact]
    public void Before_the_runs_the_least_difference_is_foretold()
    {
        Assert.Contains("±", Outlook.Foretold(5, 3, 810, null), StringComparison.Ordinal);
        Assert.Contains("810 test images and 3 differences judged together", Outlook.Foretold(5, 3, 810, null), StringComparison.Ordinal);
        Assert.Contains("10 folds", Outlook.Foretold(10, 1, 100, 0.25), StringComparison.Ordinal);
        Assert.Equal("1 seed: no difference can be told from chance; take two or more, better eight.", Outlook.Foretold(1, 1, 100, null));
    }

    [Fact]
    public void Intervals_of_shares_stay_inside_what_is_possible()
    {
        var mean = ComparisonTable.Of(Pair([0.99, 0.90], [0.98, 0.97])).Objectives[1].Mean;
        Assert.Equal((true, 1.0), (mean.Low >= 0, mean.High));
    }

    private static Comparison Pair(double[] second, double[] first) => new()
    {
        Objectives = [new("a", "A"), new("b", "B")],
        Metric = "top1",
        Runs = [.. Runs("a", first), .. Runs("b", second)],
    };

    private static IEnumerable<ComparedRun> Runs(string name, double[] values) =>
        values.Select((value, seed) => new ComparedRun(name, seed, new Dictionary<string, double> { ["top1"] = value }));
}
