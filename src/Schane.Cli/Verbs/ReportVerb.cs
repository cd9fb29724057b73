using System.CommandLine;
using Schane.Jobs;
using Schane.Runs;

namespace Schane.Cli.Verbs;

/// <summary>A run as a page.</summary>
internal sealed class ReportVerb : Verb
{
    private readonly Argument<string> run = new("RUN") { Description = "Run folder of `schane train`, finished or not." };
    private readonly Option<string> output = new("--out")
    { HelpName = "FILE.html", Description = "Where the page shall stand. Default: report.html in the run, which is written anew." };
    private readonly Option<bool> force = new("--force") { Description = "Replace the file that stands in --out." };
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();

    public ReportVerb() : base("report",
        "Writes a run as one HTML file that needs nothing beside it, with thumbnails where the run kept them or its images can be found.")
    {
        Add(run);
        Flags("Flags", output, force, dataRoot);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane report runs/photos-schane-1", "writes report.html in the run folder anew"),
        new("schane report RUN --out for-anna.html", "one file to send"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var folder = RunFolder.Open(parsed.GetRequiredValue(run));
        var file = parsed.GetValue(output) ?? folder.Report;
        if (file != folder.Report && Path.Exists(file) && !parsed.GetValue(force))
            throw new SchaneException($"'{file}' is there already; replace it with --force or name another file with --out.");
        if (ReportJob.Write(folder.Root, file, parsed.GetValue(dataRoot), stop) is { } missing)
            screen.Say($"warning: {missing}");
        screen.Say($"The report is in {file}.");
        return new(new { report = file });
    }
}
