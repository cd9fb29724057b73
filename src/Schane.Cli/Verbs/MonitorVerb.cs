using System.CommandLine;
using System.Globalization;
using Schane.Data.Listing;
using Schane.Inference;
using Schane.Jobs;
using Schane.Reporting;
using Schane.Reporting.Drift;

namespace Schane.Cli.Verbs;

/// <summary>Whether images that come in are still of the kind that a run was measured on.</summary>
internal sealed class MonitorVerb : Verb
{
    private const int MostShown = 5;

    private readonly Argument<string> run = new("RUN") { Description = "Run folder of `schane train`." };
    private readonly Argument<string[]> images = new("IMAGE")
    {
        Arity = ArgumentArity.OneOrMore,
        Description = "Images that came in: folders, files, patterns ('new/**/*.jpg'), or - for a list on stdin, one a line."
    };
    private readonly Option<string[]> against = new("--against")
    {
        HelpName = "FOLDER", Description = "Images of a time when all was well, to compare with in place of those that the run was " +
            "measured on. Any number of folders, files and patterns, each after an --against."
    };
    private readonly Option<double> alpha = new("--alpha")
    {
        HelpName = "P", DefaultValueFactory = _ => 0.05,
        Description = "How often images of the same kind may be said to have drifted, all tests together, 0.005 to 0.5. Default: 0.05."
    };
    private readonly Option<string> page = new("--out")
    { HelpName = "FILE", Description = "The page. Default: monitor.html in the run folder, replaced each time." };
    private readonly Option<string> device = CommonFlags.Device();
    private readonly Option<bool> noProof = CommonFlags.NoProof();

    public MonitorVerb() : base("monitor", "Tells whether images that come in have drifted from those that a run was measured on: exit " +
        "code 3 if they have.")
    {
        Add(run);
        Add(images);
        Flags("Flags", against, alpha, page, device, noProof);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane monitor runs/photos-schane-1 incoming/today", "beside the images that the run was measured on"),
        new("schane monitor RUN incoming/today --against incoming/march --json", "beside those of a month when all was well"),
        new("schane monitor RUN incoming/today || mail -s drift me < RUN/monitor.html", "from cron"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var account = new InputAccount();
        List<string> Files(string[] places) => [.. ImageFiles.Find(places, Console.In, account)];
        var came = Files(parsed.GetRequiredValue(images));
        var wanted = new MonitorOptions
        {
            Against = parsed.GetValue(against) is { Length: > 0 } places ? Files(places) : null,
            Alpha = parsed.GetValue(alpha),
            Page = parsed.GetValue(page),
            Device = parsed.GetRequiredValue(device),
            Prove = !parsed.GetValue(noProof),
        };
        var found = LongWork.Show(screen, show =>
            MonitorJob.Run(parsed.GetRequiredValue(run), came, wanted with { Progress = new ShownTraining(show) }, stop));
        foreach (var sentence in found.Problems.Concat(account.Sentences))
            screen.Say(sentence);
        if (found.Seen > 0)
            screen.Say($"{Quantity.Of(found.Seen, "image", "images")} left out: the run was trained or measured on " +
                $"{(found.Seen == 1 ? "it" : "them")}.");
        if (found.Enrolled > 0)
            screen.Say($"{Quantity.Of(found.Enrolled, "image", "images")} left out: of enrolled classes, of which the reference has none.");
        var drift = found.Drift;
        screen.Table(["what is compared", "found", "p", "adjusted p"], drift.Tests.Select(test => (string[])[
            DriftWords.Subject(test), DriftWords.Found(test, drift), Effect.P(test.P), Effect.P(test.AdjustedP)]));
        screen.Table(["class", "before", "now"], found.Shares.Take(MostShown).Select(s => (string[])[
            s.Class, s.Before.ToString("P1", CultureInfo.InvariantCulture), s.Now.ToString("P1", CultureInfo.InvariantCulture)]),
            "Classes whose share changed most:");
        if (found.Farthest.Count > 0)
            screen.Table(["image", "nearest class", "distance"], found.Farthest.Take(MostShown).Select(p => (string[])[
                p.Image, p.Top[0].Class, p.Distance!.Value.ToString("0.000", CultureInfo.InvariantCulture)]),
                "Farthest from the training images:");
        screen.Answer(DriftWords.Verdict(drift));
        screen.Say($"See {found.Page}");
        if (found.Problems.Count > 0)
            screen.Say($"error: {Quantity.Of(found.Problems.Count, "image", "images")} can't be read; mend or remove what is named " +
                "above.");
        return new(found, drift.Drifted ? Exit.Drifted : found.Problems.Count > 0 ? Exit.Failed : Exit.Done);
    }
}
