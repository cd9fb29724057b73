using System.CommandLine;
using Schane.Jobs;

namespace Schane.Cli.Verbs;

/// <summary>How good a trained run is.</summary>
internal sealed class EvaluateVerb : Verb
{
    private readonly Argument<string> run = new("RUN") { Description = "Run folder of `schane train`; it is not written to." };
    private readonly Option<string> data = new("--data") { HelpName = "FOLDER|NAME[:PART]", Description = "Other images of the run's classes. Default: the run's own test part." };
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();
    private readonly Option<string> device = CommonFlags.Device();

    public EvaluateVerb() : base("evaluate", "Measures a trained run on its test part or on other images of its classes.")
    {
        Add(run);
        Flags("Flags", data, dataRoot, device);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane evaluate runs/photos-schane-1", "accuracy with its interval, calibration, per class"),
        new("schane evaluate RUN --data new-photos --json", "on pictures taken later, for a program"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var results = EvaluateJob.Run(parsed.GetRequiredValue(run), parsed.GetValue(data), parsed.GetValue(dataRoot), parsed.GetRequiredValue(device), stop);
        Measures.Show(screen, results);
        if (results.PerClass is { } classes)
            screen.Table(["class", "images", "recall", "precision"], classes.Select(c => (string[])[c.Class, $"{c.Images}", $"{c.Recall:0.000}", $"{c.Precision:0.000}"]));
        return new(results);
    }
}
