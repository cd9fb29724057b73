using System.CommandLine;
using Schane.Models;

namespace Schane.Cli.Verbs;

/// <summary>One architecture.</summary>
internal sealed class ModelsShowVerb : Verb
{
    private readonly Argument<string> name = new("MODEL") { Description = "A name of `schane models list`." };

    public ModelsShowVerb() : base("show", "Shows what an architecture takes and gives and how large it is.") => Add(name);

    public override IReadOnlyList<Example> Examples =>
        [new("schane models show resnet18", "input, embedding, normalisation, parameters, cost, weights and their licence")];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var info = ModelRegistry.InfoOf(parsed.GetRequiredValue(name));
        var (parameters, multiplyAdds) = ModelRegistry.CostOf(info.Name);
        screen.Table(["", ""],
        [
            ["model", info.Name],
            ["input", $"{info.Channels}×{info.InputSize}×{info.InputSize}"],
            ["normalisation", $"({string.Join(", ", info.Mean)}) ± ({string.Join(", ", info.Std)})"],
            ["embedding", $"{info.EmbeddingWidth}"],
            ["parameters", $"{parameters:#,0}, without the head"],
            ["multiply-adds", $"{multiplyAdds / 1e9:0.###} G an image ({2 * multiplyAdds / 1e9:0.###} GFLOPs)"],
            ["drop path", info.HasDropPath ? "yes" : "no"],
            ["head", $"{info.HeadName} in a checkpoint"],
            ["weights", info.Weights is null ? "none published" : $"{info.Weights}, licence {info.WeightsLicense}; --weights default"],
            ["source", info.Source],
        ]);
        return new(new { info, parameters, multiplyAdds });
    }
}
