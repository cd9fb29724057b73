using System.CommandLine;
using Schane.Jobs.Averages;
using Schane.Reporting;
using Schane.Runs;

namespace Schane.Cli.Verbs;

/// <summary>One run out of several, or out of several views.</summary>
internal sealed class AverageVerb : Verb
{
    private readonly Argument<string[]> runs = new("RUN")
    { Arity = ArgumentArity.OneOrMore, Description = "Run folders of one model and the same classes; one is enough for --tta." };
    private readonly Option<bool> ensemble = new("--ensemble")
    {
        Description = "Keep all runs and average their logits: as slow as all of them. Default: a soup, one net with the mean of the " +
            "weights of those runs that make it no worse on the validation images."
    };
    private readonly Option<int> views = new("--tta")
    {
        HelpName = "N", DefaultValueFactory = _ => 1, Description = "Average N views of each image too, 1 to 10: as it is, mirrored " +
            "(where training mirrored), both shifted by a sixteenth; N times as slow. Default: 1."
    };
    private readonly Option<string> output = new("--out")
    { HelpName = "RUN", Description = "Run folder to make. Default: the first run's name with -soup, -ensemble or -tta." };
    private readonly Option<bool> force = new("--force") { Description = "Replace the run that stands in --out." };
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();
    private readonly Option<string> device = CommonFlags.Device();

    public AverageVerb() : base("average", "Makes one run of several, the mean of their weights or answers, or of several views of an " +
        "image.")
    {
        Add(runs);
        Flags("Flags", ensemble, views, output, force, dataRoot, device);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane average runs/study/schane-s*", "a soup of what compare trained: as fast as one run"),
        new("schane average runs/a runs/b runs/c --ensemble --out best", "the mean answer of three runs, as one run"),
        new("schane average runs/photos-schane-1 --tta 4", "one run that looks at four views of each image"),
        new("schane export best --onnx best.onnx", "one ONNX file of it"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var wanted = new AverageOptions
        {
            Kind = parsed.GetValue(ensemble) ? AverageKind.Ensemble : AverageKind.Soup,
            Views = parsed.GetValue(views),
            Folder = parsed.GetValue(output),
            Force = parsed.GetValue(force),
            DataRoot = parsed.GetValue(dataRoot),
            Device = parsed.GetRequiredValue(device),
        };
        var found = LongWork.Show(screen, show => AverageJob.Run(parsed.GetRequiredValue(runs),
            wanted with { Progress = new ShownTraining(show) }, stop));
        if (found.LeftOut > 0)
            screen.Say($"{Quantity.Of(found.LeftOut, "image", "images")} left out: another of the runs was trained or chosen on " +
                $"{(found.LeftOut == 1 ? "it" : "them")}.");
        screen.Table(["run", "validation", ""], found.Members.Select(member => (string[])
            [member.Run, Percent(member.Validation), member.Kept ? "in the mean" : "left out: it would make the mean worse"]));
        if (found.Folder is null)
        {
            screen.Answer($"No mean of these runs is better than {found.Members[0].Run} alone on {found.ValidationImages} validation " +
                "images, so none was kept; use that run, or --ensemble.");
            return new(found, Exit.Failed);
        }
        var best = found.Members[0];
        screen.Answer($"The mean names {Percent(found.Validation)} of {found.ValidationImages} validation images; {best.Run} alone " +
            $"{Percent(best.Validation)}{FewImages.Words(found.ValidationImages)}.");
        if (found.Test is { } test)
            screen.Answer($"Of {test.Images} test images {Percent(test.Mean)}; {best.Run} alone {Percent(test.Best)} " +
                $"(p {Effect.P(test.P)}).");
        screen.Say($"The run is in {found.Folder}; see {Path.Combine(found.Folder, "report.html")}");
        return new(found);
    }

    private static string Percent(double share) => Quantity.Percent(share, 1);
}
