using System.CommandLine;
using Schane.Jobs;

namespace Schane.Cli.Verbs;

/// <summary>What pictures show, by a trained run.</summary>
internal sealed class PredictVerb : Verb
{
    private readonly Argument<string> run = new("RUN") { Description = "Run folder of `schane train`." };
    private readonly Argument<string[]> images = new("IMAGE") { Arity = ArgumentArity.OneOrMore, Description = "Pictures." };
    private readonly Option<int> top = new("--top") { HelpName = "N", DefaultValueFactory = _ => 5, Description = "Classes shown for each picture. Default: 5." };
    private readonly Option<string> device = CommonFlags.Device();

    public PredictVerb() : base("predict", "Names the most probable classes of pictures.")
    {
        Add(run);
        Add(images);
        Flags("Flags", top, device);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane predict runs/photos-schane-1 cat.jpg", "the five most probable classes"),
        new("schane predict RUN --top 1 --json *.jpg", "the best class of many pictures, for a program"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        if (parsed.GetValue(top) < 1)
            throw new SchaneException($"--top must be at least 1 but is {parsed.GetValue(top)}.");
        using var job = new PredictJob(parsed.GetRequiredValue(run), parsed.GetRequiredValue(device));
        var predictions = job.Run(parsed.GetRequiredValue(images), parsed.GetValue(top), stop).ToList();
        screen.Table(["image", "class", "probability"],
            predictions.SelectMany(p => p.Top.Select((t, i) => (string[])[i == 0 ? p.Image : "", t.Class, $"{t.Probability:0.0000}"])));
        return new(predictions);
    }
}
