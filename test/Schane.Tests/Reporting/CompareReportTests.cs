using Schane.Reporting;

namespace Schane.Tests.Reporting;

public sealed class CompareReportTests
{
    [Fact]
    public void One_run_of_each_has_the_interval_over_its_test_items()
    {
        using var folder = new SampleRun(write: false);
        ComparedRun Run(string objective, double top1, double low, double high) =>
            new(objective, 0, new Dictionary<string, double> { ["top1"] = top1, ["top1_low"] = low, ["top1_high"] = high });
        CompareReport.Write(new Comparison
        {
            Objectives = [new("ce", "CE"), new("schane", "SCHaNe")],
            Runs = [Run("ce", 0.8, 0.7112, 0.8666), Run("schane", 0.85, 0.7672, 0.9069)]
        }, folder.Page);
        var page = File.ReadAllText(folder.Page);
        Assert.Contains("(71.1 to 86.7", page);
        Assert.Contains("(76.7 to 90.7", page);
        Assert.Contains("Wilson", page);
        Assert.DoesNotContain("over seeds (Student t)", page);
    }

    [Theory]
    [InlineData(2, "<h1>arm 0 and arm 1 on photos</h1>")]
    [InlineData(4, "<h1>4 settings on photos</h1>")]
    public void The_title_names_two_arms_and_counts_more(int arms, string title)
    {
        using var folder = new SampleRun(write: false);
        var names = Enumerable.Range(0, arms).Select(i => $"arm {i}").ToList();
        CompareReport.Write(new Comparison
        {
            Data = "photos",
            Objectives = [.. names.Select(name => new ComparedObjective(name, name))],
            Runs = [.. names.SelectMany(name => new[] { 0,
                1 }.Select(seed => new ComparedRun(name, seed, new Dictionary<string, double> { ["top1"] = 0.8 + 0.01 * seed })))],
        }, folder.Page);
        Assert.Contains(title, File.ReadAllText(folder.Page));
    }

    [Fact]
    public void The_page_begins_with_a_sentence_and_a_figure_and_speaks_of_folds_where_the_runs_are_folds()
    {
        using var folder = new SampleRun(write: false);
        CompareReport.Write(SampleComparison.Of() with { TestPerTrain = 0.25 }, folder.Page);
        var page = File.ReadAllText(folder.Page);
        Assert.Matches(@"(?s)<section id=""verdict"".*?<p class=""lead"">[^<.]+(<code>[^<]+</code>[^<.]+)?\.</p>" +
            @".*?data-figure=""seeds"".*?class=""verdicts"".*?</section>", page);
        Assert.DoesNotContain("seeds with its", page);
        Assert.Contains(" folds", page);
    }

    [Fact]
    public void All_against_one_says_so_and_shows_no_other_difference()
    {
        using var folder = new SampleRun(write: false);
        CompareReport.Write(SampleComparison.Of() with { Against = "schane" }, folder.Page);
        var page = File.ReadAllText(folder.Page);
        Assert.Contains("All others are compared with SCHaNe", page);
        Assert.Contains("CE − SCHaNe", page);
        Assert.DoesNotContain("SCHaNe − CE", page);
        Assert.DoesNotContain("SupCon − CE", page);
    }
}
