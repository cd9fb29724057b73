using System.Text.Json;
using Schane.Reporting;
using Schane.Runs;
using Schane.Tests.Data;

namespace Schane.Tests.Runs;

/// <summary>A run that was written in format 1, as its files lie in Format1, is read by every later version.</summary>
public class StoredRunTests
{
    private static string At(string name) => Path.Combine(AppContext.BaseDirectory, "Runs", "Format1", name);

    [Fact]
    public void A_journal_of_format_1_still_reads()
    {
        var history = RunHistory.Read(At("journal.jsonl"));
        Assert.Equal(("lookalikes", 395_968L, 72, 20L),
            (history.Start!.Data, history.Start.Parameters!.Value, history.Start.Loading!.Used, history.Start.Steps!.Value));
        Assert.Equal([1, 2, 3], history.Steps.Select(step => step.Step));
        Assert.Equal((3.633303033, 56.245620072), (history.Steps[0].Loss!.Value, history.Steps[0].EffectiveNegatives!.Value));
        Assert.Null(history.Steps[2].Loss);
        Assert.Equal(0.025, history.Evaluations.Single().Metrics!["top1"]);
        Assert.Equal("cat/7.jpg ends in its header.", history.Skipped.Single().Reason);
        Assert.Equal(32768, history.Overflows.Single().LossScale);
        Assert.Equal([2], history.Resumes);
        Assert.Equal(("finished", 20L), (history.End!.Reason, history.End.Step!.Value));
    }

    [Fact]
    public void A_journal_of_format_1_is_written_again_to_the_byte()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "journal.jsonl");
        using (var journal = new Journal(path))
            foreach (var line in File.ReadLines(At("journal.jsonl")))
                journal.Write(JsonSerializer.Deserialize<RunEvent>(line, Journal.Options)!);
        // A number beyond the ninth decimal was kept inside metrics; such a line is compared by the numbers that are drawn.
        Assert.Equal(File.ReadLines(At("journal.jsonl")).Where(line => !line.Contains("metrics", StringComparison.Ordinal)),
            File.ReadLines(path).Where(line => !line.Contains("metrics", StringComparison.Ordinal)));
    }

    [Fact]
    public void Results_of_format_1_still_read_and_make_a_page()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["journal.jsonl", "results.json"])
            File.Copy(At(name), Path.Combine(folder.Path, name));
        var results = RunResults.Load(At("results.json"));
        Assert.Equal((0.28, 4L, 1200), (results.Metrics["top1"], results.SkippedSteps!.Value, results.Images));
        Assert.True(double.IsNaN(results.PerClass![0].Precision));
        RunReport.Write(folder.Path, Path.Combine(folder.Path, "report.html"));
        Assert.Contains("28.0", File.ReadAllText(Path.Combine(folder.Path, "report.html")), StringComparison.Ordinal);
    }
}
