using System.CommandLine;
using Schane.Data.Feeding;
using Schane.Losses;
using Schane.Recipes;

namespace Schane.Cli;

/// <summary>The settings of a recipe as flags: <c>--key value</c> is the recipe's line <c>key: value</c> and goes before it.</summary>
internal sealed class RecipeFlags
{
    private const string OnBadFlag = "--on-bad-image";

    private readonly Dictionary<string, IReadOnlyList<Option>> groups = [];

    private readonly List<Option> settings = [];

    public Option<string> File { get; } = new("--recipe")
    { HelpName = "FILE.yaml", Description = "Settings from a file; flags override it." };

    public IReadOnlyList<Option> Data => groups[nameof(Data)];

    /// <summary>Those of <see cref="Data"/> that say how folders and lists are read.</summary>
    public IReadOnlyList<Option> Reading =>
        [.. Data.Where(o => o.Name is "--parts" or "--classes" or "--path-column" or "--label-column" or "--split-column"
            or "--multi-label")];

    public IReadOnlyList<Option> Model => groups[nameof(Model)];

    public IReadOnlyList<Option> Objective => groups[nameof(Objective)];

    public IReadOnlyList<Option> Batches => groups[nameof(Batches)];

    public IReadOnlyList<Option> Length => groups[nameof(Length)];

    public IReadOnlyList<Option> Optimizer => groups[nameof(Optimizer)];

    public IReadOnlyList<Option> Machine => groups[nameof(Machine)];

    public IReadOnlyList<Option> Saving => groups[nameof(Saving)];

    public RecipeFlags()
    {
        foreach (var group in RecipeSettings.Groups)
        {
            groups[group.Name] = [.. group.Settings.Select(Flag)];
            settings.AddRange(groups[group.Name]);
        }
    }

    /// <summary>The recipe that the command line asks for: the file's if one is named, with the flags on top.</summary>
    public Recipe Read(ParseResult parsed)
    {
        // A recipe with arms gives the arm that is named like the loss, so that one run of a comparison can be made by itself.
        var loss = settings.OfType<Option<string>>().First(s => s.Name == "--loss");
        return Override(parsed, parsed.GetValue(File) is { } file ? RecipeFile.Load(file, parsed.GetValue(loss)) : new Recipe());
    }

    /// <summary>The recipe that the command line asks for; where it names neither a file nor data, model or weights, the embedded job,
    /// whose rate, batches and share of the contrastive term were chosen for it (docs/results.md).</summary>
    public Recipe ReadOrEmbedded(ParseResult parsed)
    {
        bool Given(params string[] flags) =>
            settings.Prepend(File).Any(s => flags.Contains(s.Name) && parsed.GetResult(s) is { Implicit: false });
        var read = Read(parsed);
        if (Given("--recipe", "--data", "--model", "--weights"))
            return read;
        return read with
        {
            LearningRate = Given("--lr") ? read.LearningRate : 0.002,
            Sampler = Given("--sampler", "--classes-per-batch", "--images-per-class") ? read.Sampler : SamplerKind.Shuffled,
            LambdaFinal = read.Loss.Positives == Positives.None || Given("--lambda", "--lambda-final") ? read.LambdaFinal : 0,
        };
    }

    /// <summary>The stages of the file that is named, each with the flags on top; none where it has none.</summary>
    public IReadOnlyList<(string Name, Recipe Recipe)> Stages(ParseResult parsed) =>
        parsed.GetValue(File) is { } file
            ? [.. RecipeFile.LoadStages(file).Select(stage => (stage.Name, Override(parsed, stage.Recipe)))] : [];

    /// <summary>A recipe with the flags of this command line on top.</summary>
    public Recipe Override(ParseResult parsed, Recipe recipe)
    {
        foreach (var setting in settings)
            if (parsed.GetResult(setting) is { Implicit: false } given)
                recipe = RecipeFile.With(recipe, setting.Name[2..], given.Tokens is [var value] ? value.Value : "", setting.Name);
        return recipe;
    }

    /// <summary>The first flag of a recipe that a run that goes on does not take, null if there is none.</summary>
    public string? FirstFixed(ParseResult parsed) =>
        settings.Where(s => s.Name != OnBadFlag).Prepend(File).FirstOrDefault(s => parsed.GetResult(s) is { Implicit: false })?.Name;

    /// <summary>What is to be done about images that can't be read, null where this command line does not say.</summary>
    public OnBadImage? OnBadImage(ParseResult parsed) =>
        parsed.GetResult(settings.First(s => s.Name == OnBadFlag)) is { Implicit: false }
            ? Override(parsed, new Recipe()).OnBadImage : null;

    private static Option Flag(RecipeSetting setting) => setting.Form is null
        ? new Option<bool>($"--{setting.Key}") { Description = setting.Text }
        : new Option<string>($"--{setting.Key}") { HelpName = setting.Form, Description = setting.Text };
}
