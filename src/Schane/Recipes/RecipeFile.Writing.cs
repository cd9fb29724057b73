using System.Globalization;
using System.Text;
using Schane.Losses;

namespace Schane.Recipes;

public static partial class RecipeFile
{
    /// <summary>The recipe as YAML, one setting a line, unset ones left out.</summary>
    public static string Write(Recipe recipe)
    {
        var text = new StringBuilder();
        foreach (var (key, value) in Values(recipe))
            if (value is not null)
                text.Append(key).Append(": ").Append(value).Append('\n');
        return text.ToString();
    }

    /// <summary>Stages as YAML; the first document, which they override, says nothing of its own.</summary>
    internal static string Write(IEnumerable<(string Name, Recipe Recipe)> stages) =>
        "# Stages of this run, as they were asked for; each says all its settings.\nseed: 0\n" +
            string.Concat(stages.Select(stage => $"---\n{Stage}: {stage.Name}\n{Write(stage.Recipe)}"));

    /// <summary>Settings that several recipes share and, below them, an arm for each with the rest.</summary>
    internal static string WriteArms(IReadOnlyList<(string Name, Recipe Recipe)> arms)
    {
        var lines = arms.Select(arm => (arm.Name, Lines: Write(arm.Recipe).Split('\n', StringSplitOptions.RemoveEmptyEntries))).ToList();
        var shared = lines.Select(arm => arm.Lines).Aggregate((a, b) => [.. a.Intersect(b)]).ToHashSet();
        return string.Concat(lines[0].Lines.Where(shared.Contains).Select(line => line + "\n"))
            + string.Concat(lines.Select(arm =>
                $"---\narm: {arm.Name}\n" + string.Concat(arm.Lines.Where(line => !shared.Contains(line)).Select(line => line + "\n"))));
    }

    private static string KeyOf(string property) => property switch
    {
        nameof(Recipe.LearningRate) => "lr",
        _ when property.StartsWith(nameof(Recipe.LearningRate), StringComparison.Ordinal) =>
            $"lr-{property[nameof(Recipe.LearningRate).Length..].ToLowerInvariant()}",
        _ => string.Concat(
            property.Select((c, i) => char.IsUpper(c) && i > 0 ? $"-{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}")),
    };

    internal static string Show(object value) => value switch
    {
        TimeSpan time => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds}s"),
        bool flag => flag ? "true" : "false",
        Enum choice => choice.ToString().ToLowerInvariant(),
        ContrastiveLoss loss => loss.Name,
        string text when text.All(c => char.IsLetterOrDigit(c) || c is ':' or '/' or '.' or '_' or '-') && !text.EndsWith(':') => text,
        string text =>
            $"\"{string.Concat(text.Select(c => c switch { '"' => "\\\"", '\\' => "\\\\", < ' ' => $"\\x{(int)c:x2}", _ => $"{c}" }))}\"",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
