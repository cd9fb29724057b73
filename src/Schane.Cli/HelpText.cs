using System.CommandLine;
using System.Text;

namespace Schane.Cli;

/// <summary>The help text of a command: what it does, usage, examples, then its flags in groups.</summary>
internal static class HelpText
{
    private const int Width = 110;
    private const int NameColumn = 30;

    public static string For(Command command)
    {
        var text = new StringBuilder();
        text.AppendLine(command.Description).AppendLine();
        text.AppendLine("Usage:").Append("  ").AppendLine(Usage(command));
        if (command is Verb { Examples.Count: > 0 } verb)
            Section(text, "Examples", verb.Examples.Select(e => (e.CommandLine, e.Purpose)),
                verb.Examples.Max(e => e.CommandLine.Length) + 2);
        Section(text, "Verbs", command.Subcommands.Where(c => !c.Hidden).Select(c => (c.Name, c.Description ?? "")));
        Section(text, "Arguments", command.Arguments.Select(a => (a.HelpName ?? a.Name, a.Description ?? "")));
        foreach (var group in (command as Verb)?.Groups ?? [])
            Section(text, group.Title, group.Flags.Select(Flag));
        Section(text, "Every verb", Common(command).Select(Flag));
        return text.ToString().TrimEnd();
    }

    private static IEnumerable<Option> Common(Command command)
    {
        var root = command;
        while (root.Parents.OfType<Command>().FirstOrDefault() is { } parent)
            root = parent;
        return root.Options.Where(o => o.Recursive || command == root);
    }

    private static string Usage(Command command)
    {
        var path = Path(command);
        if (command.Subcommands.Count > 0)
            return $"{path} VERB [flags]";
        var arguments = command.Arguments.Select(a => (a.HelpName ?? a.Name) + (a.Arity.MaximumNumberOfValues > 1 ? "..." : ""));
        return string.Join(' ', [path, .. arguments, "[flags]"]);
    }

    /// <summary>The words that call a command: <c>schane data check</c>.</summary>
    public static string Path(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{Path(parent)} {command.Name}" : "schane";

    private static (string, string) Flag(Option flag)
    {
        var names = string.Join(", ", [flag.Name, .. flag.Aliases.Where(a => a.Length == 2 && char.IsLetter(a[1]))]);
        return (flag.HelpName is { } value ? $"{names} {value}" : names, flag.Description ?? "");
    }

    private static void Section(StringBuilder text, string title,
        IEnumerable<(string Name, string Description)> rows, int column = NameColumn)
    {
        if (!rows.Any())
            return;
        text.AppendLine().Append(title).AppendLine(":");
        foreach (var (name, description) in rows)
        {
            var indent = new string(' ', column + 2);
            text.Append("  ").Append(name.PadRight(column));
            if (name.Length >= column)
                text.AppendLine().Append(indent);
            text.AppendLine(string.Join(Environment.NewLine + indent, Lines(description, Math.Max(40, Width - column - 2))));
        }
    }

    private static IEnumerable<string> Lines(string text, int width)
    {
        var line = new StringBuilder();
        foreach (var word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line.ToString();
                line.Clear();
            }
            line.Append(line.Length > 0 ? " " : "").Append(word);
        }
        yield return line.ToString();
    }
}
