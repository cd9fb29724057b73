using Spectre.Console;

namespace Schane.Cli;

/// <summary>Tables on stderr. Cells are plain text: no markup is read from them.</summary>
internal static class Tables
{
    private static readonly IAnsiConsole People = Create();

    public static void Write(string? title, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        var table = new Table { Border = TableBorder.Simple, ShowHeaders = columns.Any(c => c.Length > 0) };
        if (title is not null)
            People.WriteLine(Plain.Text(title));
        foreach (var column in columns)
            table.AddColumn(new TableColumn(new Text(column)) { NoWrap = column == columns[0] });
        foreach (var row in rows)
            table.AddRow(row.Select(cell => new Text(Plain.Text(cell))));
        People.Write(table);
    }

    private static IAnsiConsole Create()
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        if (Console.IsErrorRedirected)
            console.Profile.Width = 160;
        return console;
    }
}
