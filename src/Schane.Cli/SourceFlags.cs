using System.CommandLine;
using Schane.Jobs;
using Schane.Recipes;

namespace Schane.Cli;

/// <summary>The flags that name a model and images for it to embed.</summary>
internal sealed class SourceFlags(string data)
{
    public Option<string> Data { get; } = new("--data") { HelpName = "FOLDER|NAME[:PART]", Description = data };

    public Option<string> DataRoot { get; } = CommonFlags.DataRoot();

    public Option<string> Model { get; } = new("--model")
    {
        HelpName = "NAME", Description = "Architecture where there is no RUN. Default: by the weights at hand; $SCHANE_MODEL names another."
    };

    public Option<string> Weights { get; } = new("--weights")
    {
        HelpName = CommonFlags.WeightsForm,
        Description = "Its weights, as schane train takes them. Default: what comes with the program, else the published ones."
    };

    public Option<bool> Offline { get; } = CommonFlags.Offline();

    public Option<string> Device { get; } = CommonFlags.Device();

    private readonly RecipeFlags recipe = new();

    public IReadOnlyList<Option> Flags => [Data, .. recipe.Reading, DataRoot, Model, Weights, Offline, Device];

    public EmbeddingSource Read(ParseResult parsed, string? run)
    {
        if (run is not null && ((Option[])[Model, Weights]).FirstOrDefault(o => parsed.GetResult(o) is { Implicit: false }) is { } flag)
            throw new SchaneException($"A run has its own model; leave out {flag.Name}, or leave out '{run}'.");
        var start = new EmbeddingSource();
        return start with
        {
            Run = run,
            Model = parsed.GetValue(Model) ?? start.Model,
            Weights = parsed.GetValue(Weights) ?? start.Weights,
            Data = parsed.GetValue(Data),
            Reading = recipe.Override(parsed, new Recipe()),
            DataRoot = parsed.GetValue(DataRoot),
            Hub = parsed.Hub(Offline),
            Device = parsed.GetRequiredValue(Device),
        };
    }
}
