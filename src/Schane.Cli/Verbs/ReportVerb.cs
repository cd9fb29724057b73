using System.CommandLine;
using Schane.Jobs;
using Schane.Reporting.SideBySide;
using Schane.Runs;

namespace Schane.Cli.Verbs;

/// <summary>A run as a page.</summary>
internal sealed class ReportVerb : Verb
{
    private readonly Argument<string> run = new("RUN") { Description = "Run folder of `schane train`, finished or not." };
    private readonly Option<string> output = new("--out")
    { HelpName = "FILE.html", Description = "Where the page shall stand. Default: report.html in the run, which is written anew." };
    private readonly Option<string> against = new("--against")
    {
        HelpName = "RUN", Description = "Show what each of two runs got right that the other didn't, on images that both were measured " +
            "on. The page is RUN/report-against-NAME.html then."
    };
    private readonly Option<bool> force = new("--force") { Description = "Replace the file that stands in --out." };
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();

    public ReportVerb() : base("report",
        "Writes a run as one HTML file that needs nothing beside it, with thumbnails where the run kept them or its images can be found.")
    {
        Add(run);
        Flags("Flags", output, against, force, dataRoot);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane report runs/photos-schane-1", "writes report.html in the run folder anew"),
        new("schane report RUN --out for-anna.html", "one file to send"),
        new("schane report runs/photos-schane-1 --against runs/photos-ce-1", "two runs side by side"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var folder = RunFolder.Open(parsed.GetRequiredValue(run));
        var other = parsed.GetValue(against) is { } named ? RunFolder.Open(named) : null;
        var usual = other is null ? folder.Report
            : Path.Combine(folder.Root, $"report-against-{PairedAnswers.NameOf(other)}.html");
        var file = parsed.GetValue(output) ?? usual;
        if (file != usual && Path.Exists(file) && !parsed.GetValue(force))
            throw new SchaneException($"'{file}' is there already; replace it with --force or name another file with --out.");
        if (other is not null)
        {
            var answers = PairedReport.Write(folder, other, file);
            screen.Answer(answers.Sentence);
            screen.Answer($"The report is in {file}.");
            return new(new
            {
                report = file, images = answers.Items.Count, only_first = answers.OnlyFirst.Count, only_second = answers.OnlySecond.Count,
                neither = answers.Neither.Count,
            });
        }
        if (ReportJob.Write(folder.Root, file, parsed.GetValue(dataRoot), stop) is { } missing)
            screen.Say($"warning: {missing}");
        screen.Answer($"The report is in {file}.");
        return new(new { report = file });
    }
}
