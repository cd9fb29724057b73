using System.Runtime.CompilerServices;
using System.Text;
using Wcwidth;

namespace Schane.Cli;

/// <summary>Text laid out in columns of a terminal: words are never broken, and without a width nothing is.</summary>
internal static class TextLayout
{
    private const string Indent = "  ";
    private const int Gap = 2;

    /// <summary>The text in lines of at most <paramref name="width"/> columns, but for words that are longer; later lines are indented as
    /// the first, and by <paramref name="hang"/> more.</summary>
    public static IEnumerable<string> Wrap(string text, int? width, int hang = 0)
    {
        var indent = text.Length - text.TrimStart(' ').Length;
        if (width is null || Cells(text) <= width)
            return [text];
        return Words(text.TrimStart(' '), Math.Max(1, width.Value - indent - hang))
            .Select((line, i) => new string(' ', indent + (i > 0 ? hang : 0)) + line);
    }

    /// <summary>A table, as wide as it needs where there is no width. Where not even the longest words fit side by side, each row becomes
    /// lines of its own.</summary>
    public static IEnumerable<string> Table(IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<string>> rows, int? width)
    {
        var headed = columns.Any(c => c.Length > 0);
        IReadOnlyList<IReadOnlyList<string>> all = headed ? [columns, .. rows] : rows;
        int Of(int column, Func<string, int> measure) => all.Max(row => measure(row[column]));
        if (all.Count == 0)
            return [];
        var widths = Enumerable.Range(0, columns.Count).Select(c => Of(c, Cells)).ToArray();
        if (width is { } most)
        {
            var room = most - Indent.Length - Gap * (columns.Count - 1);
            var least = Enumerable.Range(0, columns.Count).Select(c => Of(c, Longest)).ToArray();
            if (least.Sum() > room)
                return Stacked(columns, rows, most);
            Narrow(widths, least, room);
        }
        var lines = all.SelectMany(row => SideBySide(row, widths)).ToList();
        if (headed)
            lines.Insert(SideBySide(columns, widths).Count, Indent + new string('─', widths.Sum() + Gap * (columns.Count - 1)));
        return lines;
    }

    /// <summary>How many columns of a terminal a text takes: wide characters take two, marks on others none.</summary>
    public static int Cells(string text) => Ascii.IsValid(text) ? text.Length : WideCells(text);

    // Apart, so that help needs no more than the parser.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int WideCells(string text) => text.EnumerateRunes().Sum(rune => Math.Max(0, UnicodeCalculator.GetWidth(rune.Value)));

    private static int Longest(string cell) => cell.Split(' ').Max(Cells);

    /// <summary>Takes from the widest columns until all fit, and from none what its longest word needs.</summary>
    private static void Narrow(int[] widths, int[] least, int room)
    {
        while (widths.Sum() > room)
        {
            var widest = Enumerable.Range(0, widths.Length).Where(c => widths[c] > least[c]).MaxBy(c => widths[c]);
            widths[widest]--;
        }
    }

    private static List<string> SideBySide(IReadOnlyList<string> row, int[] widths)
    {
        var cells = row.Select((cell, c) => Words(cell, widths[c]).ToArray()).ToArray();
        return [.. Enumerable.Range(0, cells.Max(c => c.Length)).Select(line => (Indent + string.Concat(cells.Select((cell, c) =>
            Padded(line < cell.Length ? cell[line] : "", widths[c] + Gap)))).TrimEnd())];
    }

    private static string Padded(string text, int width) => text + new string(' ', Math.Max(0, width - Cells(text)));

    private static IEnumerable<string> Stacked(IReadOnlyList<string> columns, IReadOnlyList<IReadOnlyList<string>> rows, int width) =>
        rows.SelectMany(row => row.Select((cell, c) => cell.Length == 0 ? null
                : c == 0 ? Indent + cell : $"{Indent}{Indent}{columns[c]}{(columns[c].Length > 0 ? ": " : "")}{cell}")
            .OfType<string>().SelectMany(line => Wrap(line, width, hang: Indent.Length)));

    private static IEnumerable<string> Words(string text, int width)
    {
        if (Cells(text) <= width)
        {
            yield return text;
            yield break;
        }
        var (line, cells) = (new StringBuilder(), 0);
        foreach (var word in text.Split(' '))
        {
            var wide = Cells(word);
            if (line.Length > 0 && cells + 1 + wide > width)
            {
                yield return line.ToString();
                line.Clear();
                cells = 0;
            }
            cells += wide + (line.Length > 0 ? 1 : 0);
            line.Append(line.Length > 0 ? " " : "").Append(word);
        }
        yield return line.ToString();
    }
}
