using System.CommandLine;
using System.Text;

namespace Schane.Cli;

/// <summary>The help text of a command: what it does, usage, examples, then its flags in groups.</summary>
internal static class HelpText
{
    /// <summary>Columns of the text on a wide terminal and in a file.</summary>
    public const int Width = 80;

    /// <summary>Below this, descriptions stand under what they describe.</summary>
    private const int Narrow = 60;

    private const int NameColumn = 24;
    private const string Indent = "  ", Deep = "      ";

    public static string For(Command command, int width = Width)
    {
        var text = new StringBuilder();
        Write(text, TextLayout.Wrap(command.Description ?? "", width));
        Write(text.AppendLine().AppendLine("Usage:"), TextLayout.Wrap(Indent + Usage(command), width, hang: 4));
        if (command is Verb { Examples.Count: > 0 } verb)
        {
            text.AppendLine().AppendLine("Examples:");
            foreach (var example in verb.Examples)
                Write(text, CommandLine(example.CommandLine, width).Concat(TextLayout.Wrap(Deep + example.Purpose, width)));
        }
        Section(text, width, "Verbs", command.Subcommands.Where(c => !c.Hidden).Select(c => (c.Name, c.Description ?? "")));
        Section(text, width, "Arguments", command.Arguments.Select(a => (a.HelpName ?? a.Name, a.Description ?? "")));
        foreach (var group in (command as Verb)?.Groups ?? [])
            Section(text, width, group.Title, group.Flags.Select(Flag));
        Section(text, width, "Every verb", Common(command).Select(Flag));
        return text.ToString().TrimEnd();
    }

    /// <summary>A command line that a shell takes as it stands, in several lines where it is long.</summary>
    private static IEnumerable<string> CommandLine(string line, int width)
    {
        var parts = TextLayout.Wrap(line, width - Indent.Length - " \\".Length, hang: 4).ToList();
        return parts.Select((part, i) => Indent + part + (i < parts.Count - 1 ? " \\" : ""));
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

    private static void Section(StringBuilder text, int width, string title, IEnumerable<(string Name, string Description)> rows)
    {
        if (!rows.Any())
            return;
        Write(text.AppendLine(), TextLayout.Wrap($"{title}:", width));
        foreach (var (name, description) in rows)
        {
            var below = width < Narrow || name.Length > NameColumn - 2;
            var column = width < Narrow ? Deep.Length : Indent.Length + NameColumn;
            var lines = TextLayout.Wrap(new string(' ', column) + description, width).ToList();
            if (below)
                Write(text, Choices(name, width));
            else
                lines[0] = Indent + name + lines[0][(Indent.Length + name.Length)..];
            Write(text, lines);
        }
    }

    /// <summary>The name of a flag and what it takes, in several lines where the choices are many.</summary>
    private static IEnumerable<string> Choices(string name, int width) => TextLayout.Wrap(Indent + name.Replace("|", "| "), width, hang: 4)
        .Select(line => line.Replace("| ", "|"));

    private static void Write(StringBuilder text, IEnumerable<string> lines)
    {
        foreach (var line in lines)
            text.AppendLine(line);
    }
}
