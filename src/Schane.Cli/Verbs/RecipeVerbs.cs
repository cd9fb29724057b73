using System.CommandLine;
using Schane.Planning;
using Schane.Recipes;

namespace Schane.Cli.Verbs;

/// <summary>Checks recipe files without training.</summary>
internal sealed class RecipeCheckVerb : Verb
{
    private readonly Argument<string[]> files = new("FILE") { Arity = ArgumentArity.OneOrMore, Description = "Recipe files." };
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();

    public RecipeCheckVerb() : base("check",
        "Checks recipes: keys, values, what they say together, and against model and data where these are at hand.")
    {
        Add(files);
        Flags("Data", [dataRoot]);
    }

    public override IReadOnlyList<Example> Examples =>
        [new("schane recipe check my.yaml", "exit code 2 and one sentence if a line is wrong")];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        List<object> documents = [];
        foreach (var file in parsed.GetRequiredValue(files))
        {
            var (first, kind, others) = RecipeFile.LoadAll(file);
            InitialWeights? before = null;
            foreach (var (name, recipe) in others.Count == 0 ? [("", first)] : others)
            {
                stop.ThrowIfCancellationRequested();
                var what = name.Length == 0 ? file : $"{file} ({kind} {name})";
                IReadOnlyList<string> left;
                try
                {
                    left = RecipeCheck.Run(recipe, parsed.GetValue(dataRoot), before);
                }
                catch (SchaneException e)
                {
                    throw new SchaneException($"{what}: {e.Message}", e);
                }
                before = kind == "stage" ? new(name, null, []) : null;
                screen.Answer($"{what}: {(left.Count == 0 ? "right" : "right as far as it could be checked here")}.");
                foreach (var sentence in left)
                    screen.Answer($"  {sentence}");
                var unused = LossSettings.Unused(recipe);
                if (unused is not null)
                    screen.Answer($"  {unused}");
                documents.Add(new { file, name = name.Length == 0 ? null : name, unchecked_because = left, unused });
            }
        }
        return new(documents);
    }
}

/// <summary>Shows what a recipe decides, defaults included.</summary>
internal sealed class RecipeShowVerb : Verb
{
    private readonly Argument<string> file = new("FILE")
    { Arity = ArgumentArity.ZeroOrOne, Description = "A recipe file, or a run. Default: the settings of no recipe at all." };
    private readonly Option<bool> schema = new("--schema") { Description = "Print the JSON Schema of recipes instead, for editors." };

    public RecipeShowVerb() : base("show", "Shows every setting of a recipe and whether the file or a default decides it.")
    {
        Add(file);
        Flags("Form", [schema]);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane recipe show recipes/vit-finetune.yaml", "all settings, arms or stages one after the other"),
        new("schane recipe show runs/photos-schane-1", "what a run was made with"),
        new("schane recipe show --schema > recipes/schema.json", "for `# yaml-language-server: $schema=schema.json`"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        if (parsed.GetValue(schema))
        {
            Console.Out.Write(RecipeSchema.Text());
            return new(new { }) { Printed = true };
        }
        var path = parsed.GetValue(file) is { } named && Directory.Exists(named)
            ? Runs.RunFolder.Open(named).Recipe : parsed.GetValue(file);
        var (first, kind, others) = path is null ? (new Recipe(), "", []) : RecipeFile.LoadAll(path);
        List<object> documents = [];
        var none = RecipeFile.Values(new Recipe());
        foreach (var (name, recipe) in others.Count == 0 ? [("", first)] : others)
        {
            var values = RecipeFile.Values(recipe);
            screen.Table(["setting", "value", ""], values.Select(v => (string[])[v.Key, v.Value ?? "",
                v.Value is null ? "by the data, the model or the loss" : v.Value == none[v.Key] ? "default" : ""]),
                name.Length == 0 ? null : $"{kind} {name}");
            documents.Add(new { name = name.Length == 0 ? null : name, settings = values });
        }
        return new(documents);
    }
}
