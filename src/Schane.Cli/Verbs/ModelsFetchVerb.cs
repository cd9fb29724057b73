using System.CommandLine;
using Schane.Jobs;

namespace Schane.Cli.Verbs;

/// <summary>Brings published weights to this machine.</summary>
internal sealed class ModelsFetchVerb : Verb
{
    private readonly Argument<string> name = new("MODEL") { Description = "A name of `schane models list` that has published weights." };
    private readonly Option<string> output = new("--out")
    { HelpName = "FILE.safetensors", Description = "Write them to a file too, to carry to a machine without a network." };
    private readonly Option<bool> half = new("--half")
    { Description = "Write the file with float16 weights: half the size. Default: off." };
    private readonly Option<bool> offline = CommonFlags.Offline();

    public ModelsFetchVerb() : base("fetch", "Fetches the published weights of a model, so that training needs no network later.")
    {
        Add(name);
        Flags("Flags", output, half, offline);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane models fetch resnet20_cntk", "the ResNet of a NuGet package, to the cache ($SCHANE_CACHE)"),
        new("schane models fetch resnet18 --out resnet18.safetensors", "to a file for schane train --weights"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var fetched = LongWork.Show(screen, show => new FetchWeightsJob
        {
            Model = parsed.GetRequiredValue(name),
            Out = parsed.GetValue(output),
            Half = parsed.GetValue(half),
            Hub = parsed.Hub(offline),
            Progress = new ShownTraining(show),
        }.Run(stop));
        screen.Answer($"{fetched.Model} is here: {fetched.Reference}{(fetched.License is null ? "" : $", licence {fetched.License}")}.");
        if (fetched.Written is { } bytes)
            screen.Answer($"Written to {parsed.GetValue(output)}: {bytes / 1e6:0.0} MB.");
        return new(fetched);
    }
}
