using System.CommandLine;
using Schane.Data;
using Schane.Data.Transforms;
using Schane.Planning;

namespace Schane.Cli.Verbs;

/// <summary>What a data set holds, or what a transform preset does.</summary>
internal sealed class DataShowVerb : Verb
{
    private readonly Argument<string?> data = new("FOLDER|NAME[:PART]")
    { Arity = ArgumentArity.ZeroOrOne, Description = "The data set to show." };
    private readonly Option<string?> transforms = new("--transforms")
    {
        HelpName = "[PRESET]", Arity = ArgumentArity.ZeroOrOne,
        Description = "Show the steps of a preset of --augmentation; without PRESET of all."
    };
    private readonly Option<int> size = new("--input-size")
    { HelpName = "PIXELS", DefaultValueFactory = _ => 224, Description = "Input that the steps are made for. Default: 224." };
    private readonly RecipeFlags recipe = new();
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();

    public DataShowVerb() : base("show", "Shows what a data set holds, or with --transforms what is done to its images.")
    {
        Add(data);
        Flags("Flags", [transforms, size, dataRoot, .. recipe.Reading]);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane data show photos", "images, classes and the size of each"),
        new("schane data show --transforms supcon", "the steps for training and for evaluation, in order"),
        new("schane data show --transforms", "all presets"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        if (parsed.GetResult(transforms) is not null)
            return Transforms(parsed.GetValue(transforms), parsed.GetValue(size), screen);
        if (parsed.GetValue(data) is not { } spec)
            throw new SchaneException("schane data show needs a data set, or --transforms.");
        var images = DatasetCatalog.Open(spec, parsed.GetValue(dataRoot),
            DataSetup.OptionsOf(recipe.Override(parsed, new())) with { MinClasses = 1 });
        var account = IAccounted.Of(images);
        var counts = Enumerable.Range(0, images.Count).SelectMany(images.LabelsOf).CountBy(label => label).ToDictionary();
        screen.Table(["class", "images"], images.Classes.Select((name, label) => (string[])[name, $"{counts.GetValueOrDefault(label)}"]));
        screen.Answer($"{images.Name}: {images.Count} images of {images.Classes.Count} " +
            $"{(images.Classes.Count == 1 ? "class" : "classes")}.");
        foreach (var sentence in account.Sentences)
            screen.Answer(sentence);
        return new(new
        {
            images.Name, Images = images.Count,
            Classes = images.Classes.Select((name, label) => new { name, images = counts.GetValueOrDefault(label) }),
            not_used = account.Counts, account.Notes,
        });
    }

    private static Outcome Transforms(string? preset, int size, Screen screen)
    {
        var input = new InputShape(3, size, [0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);
        var shown = (preset is null ? TransformPreset.All : [TransformPreset.Find(preset)])
            .Select(p =>
                new { p.Name, p.Summary, Training = $"{p.Training(input)}".Split('\n'), Evaluation = $"{p.Evaluation(input)}".Split('\n') })
            .ToList();
        foreach (var one in shown)
        {
            screen.Answer($"{one.Name}: {one.Summary}");
            foreach (var (title, steps) in new[] { ("training", one.Training), ("evaluation", one.Evaluation) })
            {
                screen.Answer($"  {title}");
                foreach (var step in steps)
                    screen.Answer($"    {step}");
            }
        }
        return new(shown);
    }
}
