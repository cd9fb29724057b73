using System.CommandLine;
using Schane.Jobs;
using Schane.Reporting.Mlflow;
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
    private readonly Option<string> mlflow = new("--mlflow")
    {
        HelpName = "URL|FOLDER", Description = "Give the run to MLflow instead: to a tracking server (http, https; " +
            "$MLFLOW_TRACKING_TOKEN, or $MLFLOW_TRACKING_USERNAME and $MLFLOW_TRACKING_PASSWORD), or to a folder of runs."
    };
    private readonly Option<string> experiment = new("--mlflow-experiment")
    { HelpName = "NAME", DefaultValueFactory = _ => "schane", Description = "Its experiment there. Default: schane." };
    private readonly Option<bool> force = new("--force")
    { Description = "Replace the file that stands in --out, or the same run in --mlflow." };
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();

    public ReportVerb() : base("report",
        "Writes a run as one HTML file that needs nothing beside it, with thumbnails where the run kept them or its images can be found.")
    {
        Add(run);
        Flags("Flags", output, against, mlflow, experiment, force, dataRoot);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane report runs/photos-schane-1", "writes report.html in the run folder anew"),
        new("schane report RUN --out for-anna.html", "one file to send"),
        new("schane report runs/photos-schane-1 --against runs/photos-ce-1", "two runs side by side"),
        new("schane report RUN --mlflow http://localhost:5000", "settings, metrics and page in MLflow"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var folder = RunFolder.Open(parsed.GetRequiredValue(run));
        if (parsed.GetValue(mlflow) is { } target)
            return ToMlflow(folder, target, parsed, screen, stop);
        var other = parsed.GetValue(against) is { } named ? RunFolder.Open(named) : null;
        var usual = other is null ? folder.Report
            : Path.Combine(folder.Root, $"report-against-{PairedAnswers.NameOf(other)}.html");
        var file = parsed.GetValue(output) ?? usual;
        if (file != usual && Path.Exists(file) && !parsed.GetValue(force))
            throw new SchaneException($"'{file}' is there already; replace it with --force or name another file with --out.");
        if (other is not null)
        {
            var (answers, missed) = ReportJob.WriteAgainst(folder, other, file, parsed.GetValue(dataRoot), stop);
            if (missed is not null)
                screen.Say($"warning: {missed}");
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

    private Outcome ToMlflow(RunFolder folder, string target, ParseResult parsed, Screen screen, CancellationToken stop)
    {
        if ((parsed.GetValue(output) ?? parsed.GetValue(against)) is not null)
            throw new SchaneException("--mlflow writes no page, so --out and --against mean nothing beside it; leave them out.");
        var (run, name, replaces) = (MlflowRun.Of(folder), parsed.GetRequiredValue(experiment), parsed.GetValue(force));
        if (!Uri.TryCreate(target, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            if (target.Contains("://", StringComparison.Ordinal) && address?.IsFile != true)
                throw new SchaneException($"--mlflow must be an http or https address or a folder but is '{Printable.Escape(target)}'.");
            var path = MlflowFolder.Write(address?.IsFile == true ? address.LocalPath : target, name, run, replaces);
            screen.Answer($"The run is in {path}.");
            return new(new { mlflow = path, metrics = run.Metrics.Count });
        }
        using var server = new MlflowServer(address, Environment.GetEnvironmentVariable);
        var (page, files) = server.SendAsync(name, run, replaces, stop).GetAwaiter().GetResult();
        screen.Answer($"The run is at {page}.");
        if (!files)
            screen.Say("The server keeps files in a store of its own, so the report was not sent.");
        return new(new { mlflow = page, metrics = run.Metrics.Count });
    }
}
