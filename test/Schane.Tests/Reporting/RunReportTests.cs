using System.Text.RegularExpressions;
using Schane.Reporting;
using Schane.Runs;

namespace Schane.Tests.Reporting;

/// <summary>The report of a run, without a browser.</summary>
[Trait("Long", "1")]
public sealed class RunReportTests
{
    [Fact]
    public void Leaves_out_what_is_not_there()
    {
        using var run = new SampleRun(write: false);
        (SampleRun.Results with { Data = "d", Loss = "ce" }).Save(run.At("results.json"));
        RunReport.Write(run.Folder, run.Page);
        var page = File.ReadAllText(run.Page);

        Assert.Contains("<h1>Cross-entropy on d</h1>", page, StringComparison.Ordinal);
        Assert.Contains("id=\"results\"", page, StringComparison.Ordinal);
        foreach (var part in (string[])["warnings", "curves", "mistakes", "classes", "calibration", "recipe"])
            Assert.DoesNotContain($"<section id=\"{part}\"", page, StringComparison.Ordinal);
        Assert.InRange(page.Length, 0, 40_000);                           // no chart, so no plotting library
    }

    [Fact]
    public void Reads_a_journal_whose_last_line_was_cut_off_and_says_that_the_run_has_no_end()
    {
        using var run = new SampleRun(write: false);
        File.WriteAllText(run.At("journal.jsonl"),
            "{\"event\":\"start\",\"loss\":\"schane\",\"data\":\"d\",\"steps\":9}\n" +
            "{\"event\":\"step\",\"step\":1,\"loss\":2}\n" +
            "{\"event\":\"unheard of\"}\n{\"event\":\"step\",\"step\":2,\"loss\":1}\n{\"event\":\"st");
        RunReport.Write(run.Folder, run.Page);
        var page = File.ReadAllText(run.Page);

        Assert.Contains("was cut off, after step 2 of 9.", page, StringComparison.Ordinal);
        Assert.Contains("Joint: 2.00 at first, 1.00 at the end.", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_the_line_of_a_damaged_journal()
    {
        using var run = new SampleRun(write: false);
        File.WriteAllText(run.At("journal.jsonl"), "{\"event\":\"start\"}\n{\"event\":\n{\"event\":\"step\",\"step\":2}\n");
        var error = Assert.Throws<SchaneException>(() => RunReport.Write(run.Folder, run.Page));
        Assert.Contains("journal.jsonl' is damaged in line 2: it is not JSON", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(run.Page));
    }

    [Theory]
    [InlineData("{\"metrics\": 3}", "the field metrics has another type")]
    [InlineData("{\"metrics\": {", "it is not JSON")]
    [InlineData("{\"metrics\": {}}", "it lacks a field that it must have")]
    public void Names_what_is_wrong_with_damaged_results(string results, string expected)
    {
        using var run = new SampleRun(write: false);
        File.WriteAllText(run.At("results.json"), results);
        Assert.Contains(expected,
            Assert.Throws<SchaneException>(() => RunReport.Write(run.Folder, run.Page)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_a_confusion_matrix_that_does_not_fit_the_classes()
    {
        using var run = new SampleRun(write: false);
        (SampleRun.Results with { Classes = ["a", "b"], Confusion = [[1, 2]] }).Save(run.At("results.json"));
        Assert.Contains("must have one row and one column for each of the 2 classes but has 1 rows of 2",
            Assert.Throws<SchaneException>(() => RunReport.Write(run.Folder, run.Page)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_images_that_could_not_be_read_steps_whose_gradient_overflowed_and_steps_that_were_left_out()
    {
        using var run = new SampleRun(write: false);
        using (var journal = new Journal(run.At("journal.jsonl")))
            foreach (var happened in (RunEvent[])[
                new StartEvent { Steps = 9 },
                new SkippedEvent(3, "cat/7.jpg", "cat/7.jpg ends in its header.", 1), new OverflowEvent(5, 32768)])
                journal.Write(happened);
        (SampleRun.Results with { SkippedSteps = 4 }).Save(run.At("results.json"));
        RunReport.Write(run.Folder, run.Page);
        var page = File.ReadAllText(run.Page);
        Assert.Contains("cat/7.jpg ends in its header. <span class=\"quiet\">step 3</span>", page, StringComparison.Ordinal);
        Assert.Contains("1 step was left out because a half-precision gradient overflowed; the loss scale is 32768 since.",
            page, StringComparison.Ordinal);
        Assert.Contains("<dt>Steps left out</dt><dd>4</dd>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_a_folder_without_a_run_and_a_page_that_can_not_be_written()
    {
        using var run = new SampleRun(write: false);
        Assert.Contains("There is no run folder",
            Assert.Throws<SchaneException>(() => RunReport.Write(run.At("none"), run.Page)).Message, StringComparison.Ordinal);
        Assert.Contains("neither a journal nor results",
            Assert.Throws<SchaneException>(() => RunReport.Write(run.Folder, run.Page)).Message, StringComparison.Ordinal);
        SampleRun.Results.Save(run.At("results.json"));
        Assert.Contains("can't be written", Assert.Throws<SchaneException>(() =>
            RunReport.Write(run.Folder, run.At("results.json/page.html"))).Message, StringComparison.Ordinal);
    }

    [Fact, Trait("Slow", "1")]
    public void Has_less_than_15_MB_for_50_000_images_of_1_000_classes()
    {
        using var run = new SampleRun(SampleRun.Named(1000), perClass: 50, pictures: false);
        RunReport.Write(run.Folder, run.Page);
        Assert.InRange(new FileInfo(run.Page).Length, 0, 15_000_000);
    }

    [Theory]
    [InlineData("", "is empty; it must have the columns")]
    [InlineData("path,label,suggested,rank\n", "lacks 'score'")]
    [InlineData("path,label,suggested,score,rank\na,b,c,0.5\n", "line 2: there are 4 fields; the heading has 5")]
    [InlineData("path,label,suggested,score,rank\na,b,c,high,1\n", "line 2: 'high' stands where a number is expected")]
    public void Names_what_is_wrong_with_a_list_of_label_errors(string list, string expected)
    {
        using var run = new SampleRun(write: false);
        SampleRun.Results.Save(run.At("results.json"));
        File.WriteAllText(run.At("label-errors.csv"), list);
        Assert.Contains(expected,
            Assert.Throws<SchaneException>(() => RunReport.Write(run.Folder, run.Page)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Says_so_when_no_label_looks_wrong()
    {
        using var run = new SampleRun(write: false);
        SampleRun.Results.Save(run.At("results.json"));
        File.WriteAllText(run.At("label-errors.csv"), "path,label,suggested,score,rank\n");
        RunReport.Write(run.Folder, run.Page);
        Assert.Contains("No label looks wrong.", File.ReadAllText(run.Page), StringComparison.Ordinal);
    }

    [Fact]
    public void Says_why_a_run_ended_early()
    {
        using var run = new SampleRun(write: false);
        File.WriteAllText(run.At("journal.jsonl"), "{\"event\":\"start\",\"steps\":90}\n{\"event\":\"step\",\"step\":7,\"loss\":2}\n" +
            "{\"event\":\"end\",\"step\":7,\"seconds\":3,\"reason\":\"interrupted\"}\n");
        RunReport.Write(run.Folder, run.Page);
        Assert.Contains("The run ended early, after step 7 of 90: interrupted.", File.ReadAllText(run.Page), StringComparison.Ordinal);
    }

    [Fact]
    public void Answers_in_order_mistakes_before_the_optimiser()
    {
        using var run = new SampleRun(SampleRun.Named(8));
        RunReport.Write(run.Folder, run.Page);
        Assert.Equal(["answer", "results", "warnings", "mistakes", "sure-mistakes", "just-right", "pairs", "label-errors", "classes", "map",
            "calibration", "curves", "environment", "recipe"],
            Regex.Matches(File.ReadAllText(run.Page), "<section id=\"([^\"]+)\"").Select(match => match.Groups[1].Value));
    }

    [Fact]
    public void What_never_changes_is_told_and_not_drawn_and_the_kept_step_is_marked()
    {
        using var run = new SampleRun(SampleRun.Named(8));
        RunReport.Write(run.Folder, run.Page);
        var page = File.ReadAllText(run.Page);
        Assert.Contains("The same at every step: ", page, StringComparison.Ordinal);
        Assert.Contains("classes in a batch 16.0", page, StringComparison.Ordinal);
        Assert.DoesNotContain("data-figure=\"classes\"", page, StringComparison.Ordinal);
        Assert.Contains("The dotted line is at step 1,200, whose weights are the run’s model.", page, StringComparison.Ordinal);
        Assert.Contains("\"x0\":1200,\"x1\":1200", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Writes_the_same_page_again()
    {
        using var run = new SampleRun();
        RunReport.Write(run.Folder, run.Page);
        var first = File.ReadAllBytes(run.Page);
        RunReport.Write(run.Folder, run.Page);
        Assert.Equal(first, File.ReadAllBytes(run.Page));
    }
}
