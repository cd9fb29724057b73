using System.CommandLine;
using System.Globalization;
using Schane.Jobs;
using Schane.Recipes;

namespace Schane.Cli.Verbs;

/// <summary>The architectures that can be trained, with what they cost on this machine and what they can start from.</summary>
internal sealed class ModelsListVerb : Verb
{
    /// <summary>What <c>--fits</c> is reckoned for.</summary>
    private const int Passes = 10, Images = 1000;

    private static readonly Dictionary<string, Func<ListedModel, IComparable>> Orders = new()
    {
        ["name"] = m => m.Info.Name,
        ["parameters"] = m => m.Parameters,
        ["gflops"] = m => m.MultiplyAdds,
        ["width"] = m => m.Info.EmbeddingWidth,
        ["speed"] = m => -m.ImagesPerSecond,
    };

    private readonly Option<string> fits = new("--fits")
    {
        HelpName = "TIME",
        Description = $"Only models that pass {Images} images {Passes} times in training within 30s, 10m or 2h, as estimated."
    };
    private readonly Option<bool> withWeights = new("--with-weights") { Description = "Only models that have weights to start from." };
    private readonly Option<bool> measure = new("--measure")
    {
        Description = "Measure this machine's rate again: it is kept from the first time, when the machine may have been busy.",
    };

    private readonly Option<string> sort = new("--sort")
    {
        HelpName = string.Join('|', Orders.Keys), DefaultValueFactory = _ => "name",
        Description = "Order: smallest or fastest first. Default: name."
    };

    public ModelsListVerb() : base("list", "Lists the architectures with their size, their speed on this machine and their weights.") =>
        Flags("Flags", fits, withWeights, sort, measure);

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane models list", "every name that --model takes"),
        new("schane models list --fits 10m --with-weights --sort gflops", "what can be fine-tuned here in ten minutes"),
        new("schane models list --json", "the same for a program"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var order = parsed.GetRequiredValue(sort);
        if (!Orders.TryGetValue(order, out var key))
            throw new SchaneException($"--sort must be one of {string.Join(", ", Orders.Keys)} but is '{order}'.");
        TimeSpan? budget = parsed.GetValue(fits) is { } text ? RecipeFile.With(new Recipe(), "budget", text, "--fits").Budget : null;
        var models = ModelList.Of(measureAgain: parsed.GetValue(measure))
            .Where(m => (budget is null || m.TimeFor(Passes * Images) <= budget)
            && (!parsed.GetValue(withWeights) || m.WeightsFrom is not null)).OrderBy(key).ToList();
        string Number(double value, string form) => value.ToString(form, CultureInfo.InvariantCulture);
        screen.Table(["model", "M", "GFLOPs", "width", "im/s", "weights"], models.Select(m => (string[])
            [m.Info.Name, Number(m.Parameters / 1e6, "0.0"), Number(m.Gflops, m.Gflops < 10 ? "0.0" : "0"), $"{m.Info.EmbeddingWidth}",
                Number(m.ImagesPerSecond, m.ImagesPerSecond < 10 ? "0.0" : "0"),
                m.WeightsFrom is null ? "" : $"{m.WeightsFrom}{(m.WeightsHere ? "*" : "")} {m.Info.WeightsLicense}"]));
        screen.Answer("M: millions of parameters; GFLOPs of one image at the model's input size; im/s: training images a second here, " +
            "estimated from one measured rate; * weights are on this machine.");
        return new(models);
    }
}
