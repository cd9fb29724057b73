using Spectre.Console;

namespace Schane.Cli;

/// <summary>Tables and lines on stderr. Text is plain: no markup is read from it.</summary>
internal static class Terminal
{
    private const int WidthOfFiles = 160;

    public static IAnsiConsole People { get; } = Create();

    public static void Write(string line) => People.Write(new Text(Printable.Escape(line) + Environment.NewLine));

    public static void Write(string? title, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        var table = new Table { Border = TableBorder.Simple, ShowHeaders = columns.Any(c => c.Length > 0) };
        if (title is not null)
            Write(title);
        foreach (var column in columns)
            table.AddColumn(new TableColumn(new Text(column)) { NoWrap = column == columns[0] });
        foreach (var row in rows)
            table.AddRow(row.Select(cell => new Text(Printable.Escape(cell))));
        People.Write(table);
    }

    private static IAnsiConsole Create()
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        if (Console.IsErrorRedirected)
            console.Profile.Width = WidthOfFiles;
        return console;
    }
}
