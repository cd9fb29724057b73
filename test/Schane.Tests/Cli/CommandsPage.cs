using System.Text;
using System.Text.RegularExpressions;

namespace Schane.Tests.Cli;

/// <summary>
/// docs/commands.md from the help texts. A flag that a verb shares with <c>train</c> is described there alone; the other verbs name the
/// group, and what of it they leave out. The flags of every verb stand once, at the top.
/// </summary>
internal static class CommandsPage
{
    private const string EveryVerb = "Every verb";

    public static string Of(IEnumerable<(string Verb, string Help)> texts)
    {
        var page = new StringBuilder("# All commands\n\nThe texts of `--help`, kept equal to the program's own by the tests. Flags that " +
            "a verb shares with `schane train`, and those of\nevery verb, are described once.\n");
        var all = texts.ToList();
        var train = Sections(all.First(t => t.Verb == "train").Help).Where(s => Entries(s.Lines).Count > 0)
            .ToDictionary(s => Stem(s.Title), s => Entries(s.Lines));
        foreach (var (verb, help) in all)
        {
            page.Append('\n').Append($"## schane {verb}".TrimEnd()).Append("\n```text\n");
            var shown = new List<string>();
            var shared = new List<string>();
            foreach (var section in Sections(help))
            {
                var own = Entries(section.Lines);
                if (verb.Length > 0 && section.Title == EveryVerb)
                    continue;
                if (verb is not ("" or "train") && train.TryGetValue(Stem(section.Title), out var entries)
                    && own.Count(flag => entries.GetValueOrDefault(flag.Key) == flag.Value) * 2 > entries.Count)
                {
                    var missing = entries.Keys.Except(own.Keys).ToList();
                    shared.Add(missing.Count > 0 ? $"{Stem(section.Title)} (without {string.Join(", ", missing)})" : Stem(section.Title));
                    own = own.Where(entry => entries.GetValueOrDefault(entry.Key) != entry.Value).ToDictionary();
                    if (own.Count > 0)
                        shown.Add($"{section.Title}:\n{string.Join('\n', own.Values)}");
                }
                else
                    shown.Add(section.Title.Length > 0 ? $"{section.Title}:\n{section.Lines}" : section.Lines);
            }
            page.Append(string.Join("\n\n", shown)).Append("\n```\n");
            if (shared.Count > 0)
                page.Append($"\nFurther flags, as of `schane train`: {string.Join("; ", shared)}.\n");
        }
        return page.ToString();
    }

    private static string Stem(string title) => title.Split(':', ',')[0].Replace(" of each run", "", StringComparison.Ordinal);

    private static IEnumerable<(string Title, string Lines)> Sections(string help) =>
        help.Trim('\n').Split("\n\n").Select(section => Regex.Match(section, @"^(\S.*):\n((?:  .*\n?)+)$") is { Success: true } titled
            ? (titled.Groups[1].Value, titled.Groups[2].Value) : ("", section));

    // Flags, each with the lines of its description.
    private static Dictionary<string, string> Entries(string lines) =>
        Regex.Matches(lines, @"^  (--\S+).*(?:\n    .*)*", RegexOptions.Multiline).ToDictionary(m => m.Groups[1].Value, m => m.Value);
}
