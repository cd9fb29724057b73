using System.Reflection;
using Schane.Losses;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Schane.Recipes;

/// <summary>
/// Reads and writes recipes: one YAML mapping of plain scalars whose keys are the command line's flags. Further documents of the file are
/// the arms of a comparison, each named by <c>arm</c>, or the stages of a training one after the other, each named by <c>stage</c>; they
/// override the first. Tags, anchors, aliases and files over 1 MB are refused, so a recipe can't build objects or swell in memory.
/// </summary>
public static partial class RecipeFile
{
    /// <summary>Key that names an arm of a comparison.</summary>
    internal const string Arm = "arm";

    /// <summary>Key that names a stage of a training.</summary>
    internal const string Stage = "stage";

    private const string LossKey = "loss";
    private const int LargestFile = 1 << 20;

    private static readonly IReadOnlyDictionary<string, PropertyInfo> Settings =
        typeof(Recipe).GetProperties().Where(p => p.Name != "EqualityContract").ToDictionary(p => KeyOf(p.Name));

    /// <summary>The keys a recipe may have, in the order of <see cref="Recipe"/>.</summary>
    public static IReadOnlyCollection<string> Keys { get; } = [.. Settings.Keys];

    /// <summary>Type of each setting, by key.</summary>
    internal static IEnumerable<(string Key, PropertyInfo Property)> Properties => Settings.Select(s => (s.Key, s.Value));

    /// <summary>Reads a recipe file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="arm">Takes the settings of this arm on top, where the file has an arm of that name; null:
    /// the first document alone.</param>
    /// <exception cref="SchaneException">No such file, too large, not one mapping of scalars, an unknown key or a value out of range; the
    /// file and line are named.</exception>
    public static Recipe Load(string path, string? arm = null)
    {
        var (recipe, arms) = LoadArms(path);
        return arms.FirstOrDefault(a => a.Name == arm).Recipe ?? recipe;
    }

    /// <summary>Reads the recipe that a run left. Its loss may be one that this program does not know: such a run can be
    /// looked at, not resumed.</summary>
    /// <exception cref="SchaneException">As <see cref="Load"/>.</exception>
    internal static Recipe LoadRun(string path)
    {
        var text = Text(path);
        var settings = Scalars(text, path);
        var name = settings.FirstOrDefault(s => s is { Document: 0, Key: LossKey }).Value;
        return name is null || LossRegistry.TryFind(name) is not null ? Parse(text, path)
            : Apply(new Recipe { Loss = new UnknownLoss(name) }, settings.Where(s => PropertyOf(s.Key) is not null), path);
    }

    /// <summary>Reads a recipe file with its arms, in the order of the file.</summary>
    /// <exception cref="SchaneException">As <see cref="Load"/>; or an arm has no name, or the name of another; or
    /// the file has stages.</exception>
    public static (Recipe Recipe, IReadOnlyList<(string Name, Recipe Recipe)> Arms) LoadArms(string path) => ParseArms(Text(path), path);

    /// <summary>Reads the stages of a recipe file, in order; none where it is a plain recipe.</summary>
    /// <exception cref="SchaneException">As <see cref="Load"/>; or a stage has no name, or the name of another.</exception>
    public static IReadOnlyList<(string Name, Recipe Recipe)> LoadStages(string path) =>
        ParseDocuments(Text(path), path) is (_, Stage, var stages) ? stages : [];

    /// <summary>Everything in a recipe file: the first document, whether the others are an <c>arm</c> or a <c>stage</c> each (empty where
    /// there are none), and these by name, in order.</summary>
    /// <exception cref="SchaneException">As <see cref="Load"/>.</exception>
    public static (Recipe Recipe, string Kind, IReadOnlyList<(string Name, Recipe Recipe)> Others) LoadAll(string path) =>
        ParseDocuments(Text(path), path);

    /// <summary>All settings of a recipe by key, as a file writes them, those of its loss alone behind; null for those that are left to the
    /// data, the model or the loss.</summary>
    public static IReadOnlyDictionary<string, string?> Values(Recipe recipe)
    {
        var known = LossRegistry.TryFind(recipe.Loss.Name);
        var own = recipe.Loss.Settings.Values.Where(setting => !Settings.ContainsKey(KeyOf(setting.Name)));
        return Settings.Select(s => (s.Key, Value: s.Value.GetValue(recipe) ?? OfLoss(s.Value.Name)))
            .Concat(own.Select(setting => (Key: KeyOf(setting.Name), Value: setting.GetValue(recipe.Loss))))
            .ToDictionary(s => s.Key, s => s.Value is { } value ? Show(value) : null);

        // What the loss says by itself, where that is not what its name stands for.
        object? OfLoss(string setting) => recipe.Loss.Get(setting) is { } value && !value.Equals(known?.Get(setting)) ? value : null;
    }

    /// <summary>What each setting is where a recipe says nothing, by key; those are left out that the data, the
    /// model or the loss decide.</summary>
    public static IReadOnlyDictionary<string, string> Defaults { get; } = Settings
        .Select(s => (s.Key, Value: s.Value.GetValue(new Recipe()) ?? OfAllLosses(s.Value.Name))).Where(s => s.Value is not null)
        .ToDictionary(s => s.Key, s => Show(s.Value!));

    private static object? OfAllLosses(string setting) =>
        LossRegistry.All.Select(loss => loss.Get(setting)).OfType<object>().Distinct().ToList() is [var common] ? common : null;

    /// <summary>The property of <see cref="Recipe"/> that a key names; null if there is none.</summary>
    internal static string? PropertyOf(string key) => Settings.GetValueOrDefault(key)?.Name;

    /// <summary>Reads a recipe from text; <paramref name="source"/> names it in errors.</summary>
    public static Recipe Parse(string text, string source) => ParseArms(text, source).Recipe;

    /// <summary>The same for a text that may name this loss, whether it is registered or not.</summary>
    internal static Recipe Parse(string text, string source, ContrastiveLoss loss) =>
        Apply(new Recipe { Loss = loss }, Scalars(text, source), source);

    internal static (Recipe Recipe, IReadOnlyList<(string Name, Recipe Recipe)> Arms) ParseArms(string text, string source) =>
        ParseDocuments(text, source) switch
        {
            (_, Stage, _) => throw new SchaneException(
                $"{source} has stages, one after the other; `schane train --recipe` runs them, nothing else does."),
            var (recipe, _, arms) => (recipe, arms),
        };

    /// <summary>The first document, what the others are (<see cref="Arm"/>, <see cref="Stage"/> or nothing), and these by name.</summary>
    internal static (Recipe Recipe, string Kind, IReadOnlyList<(string Name, Recipe Recipe)> Others) ParseDocuments(string text,
        string source)
    {
        if (text.Length > LargestFile)
            throw TooLarge(source);
        var documents = Scalars(text, source).GroupBy(s => s.Document).ToDictionary(d => d.Key, d => d.ToList());
        var recipe = Apply(new Recipe(), documents.GetValueOrDefault(0) ?? [], source);
        var (kind, others) = ("", new List<(string Name, Recipe Recipe)>());
        foreach (var (_, settings) in documents.Where(d => d.Key > 0).OrderBy(d => d.Key))
        {
            var line = settings[0].Line;
            var (_, here, name, _) = settings.FirstOrDefault(s => s.Key is Arm or Stage);
            if (name is null)
                throw new SchaneException($"{source} line {line}: every document after the first is an arm of a comparison or a stage of " +
                    "a training, and needs a line 'arm: NAME' or 'stage: NAME'.");
            if (kind.Length > 0 && kind != here)
                throw new SchaneException($"{source} line {line}: a recipe has arms or stages, not both; split the file.");
            if (name.Length == 0 || name[0] == '.' || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
                throw new SchaneException($"{source} line {line}: the name of {(here == Arm ? "an arm" : "a stage")} is letters, digits, " +
                    $"'-', '_' and '.' but is '{name}'.");
            if (others.Any(a => a.Name == name))
                throw new SchaneException($"{source} line {line}: there are two {here}s '{name}'; rename one.");
            kind = here;
            others.Add((name, Apply(recipe, settings.Where(s => s.Key != here), source)));
        }
        return (recipe, kind, others);
    }

    private static string Text(string path)
    {
        if (!File.Exists(path))
            throw new SchaneException($"There is no recipe file '{path}'.");
        if (new FileInfo(path).Length > LargestFile)
            throw TooLarge(path);
        return File.ReadAllText(path);
    }

    private static Recipe Apply(Recipe recipe, IEnumerable<(int Document, string Key, string Value, long Line)> settings, string source)
    {
        var seen = new HashSet<string>();
        // The loss comes first: it says which settings of its own there are.
        foreach (var (_, key, value, line) in settings.OrderBy(s => s.Key != LossKey))
        {
            if (!seen.Add(key))
                throw new SchaneException($"{source} line {line}: '{key}' stands twice; keep one.");
            recipe = With(recipe, key, value, $"{source} line {line}");
        }
        return recipe;
    }

    private static SchaneException TooLarge(string source) =>
        new($"Recipe '{source}' is larger than 1 MB; a recipe is a short list of settings.");

    /// <summary>The recipe with one setting changed, as the flag <c>--key value</c> does.</summary>
    /// <param name="recipe">The recipe to start from; it stays as it is.</param>
    /// <param name="key">One of <see cref="Keys"/>.</param>
    /// <param name="value">Its value as text, invariant culture.</param>
    /// <param name="source">What to name in an error: a flag, or a file and line.</param>
    /// <exception cref="SchaneException">No such key, or the value can't be read or is out of range.</exception>
    public static Recipe With(Recipe recipe, string key, string value, string source)
    {
        if (key == LossKey && value == recipe.Loss.Name)
            return recipe;
        if ((Settings.GetValueOrDefault(key) ?? OwnSetting(recipe.Loss, key)) is not { } property)
            throw new SchaneException($"{source}: there is no setting '{key}'{OfOtherLosses(key)}{Meant(key)}.");
        try
        {
            var read = Read(value, property.PropertyType);
            if (property.DeclaringType != typeof(Recipe))
                return recipe with { Loss = recipe.Loss.With(property.Name, read) };
            var changed = recipe with { };
            property.SetValue(changed, read);
            return changed;
        }
        catch (Exception e) when ((e as TargetInvocationException)?.InnerException is ArgumentException inner)
        {
            var rule = inner.Message.Split(" (Parameter")[0];
            throw new SchaneException($"{source}: {key}{rule[property.Name.Length..]}", inner);
        }
        catch (FormatException)
        {
            throw new SchaneException($"{source}: {key} must be {Expected(property.PropertyType)} but is " +
                $"'{value}'{Nearest.Hint(value, Choices(property.PropertyType))}.");
        }
    }

    private static PropertyInfo? OwnSetting(ContrastiveLoss loss, string key) =>
        loss.Settings.Values.FirstOrDefault(setting => KeyOf(setting.Name) == key);

    private static string OfOtherLosses(string key) =>
        LossRegistry.All.Where(loss => OwnSetting(loss, key) is not null).Select(loss => loss.Name).ToList() is { Count: > 0 } names
            ? $" but with the loss {string.Join(" or ", names)}" : "";

    private static List<(int Document, string Key, string Value, long Line)> Scalars(string text, string source)
    {
        var settings = new List<(int, string, string, long)>();
        var (document, inMapping, key) = (-1, false, (Scalar?)null);
        try
        {
            var parser = new Parser(new Scanner(new StringReader(text)));
            while (parser.MoveNext())
            {
                var current = parser.Current!;
                if (current is AnchorAlias || current is NodeEvent { Anchor.IsEmpty: false })
                    throw new SchaneException(
                        $"{source} line {current.Start.Line}: a recipe has no anchors or aliases; write the value out.");
                if (current is NodeEvent { Tag.IsEmpty: false })
                    throw new SchaneException($"{source} line {current.Start.Line}: a recipe has no YAML tags; write plain values.");
                if (current is SequenceStart || (current is MappingStart && inMapping))
                    throw new SchaneException(
                        $"{source} line {current.Start.Line}: a recipe is one mapping of plain values, with no lists and no nesting.");
                if (current is DocumentStart)
                    document++;
                else if (current is MappingStart or MappingEnd)
                    inMapping = current is MappingStart;
                else if (current is Scalar scalar)
                {
                    if (!inMapping && scalar.Value.Length > 0)
                        throw new SchaneException($"{source} line {scalar.Start.Line}: a recipe is lines of 'setting: value'.");
                    if (key is not null)
                        settings.Add((document, key.Value, scalar.Value, key.Start.Line));
                    key = key is null && inMapping ? scalar : null;
                }
            }
        }
        catch (YamlException e)
        {
            throw new SchaneException($"{source} line {e.Start.Line}: not YAML: {e.Message}", e);
        }
        return settings;
    }
}
