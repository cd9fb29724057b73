using System.Globalization;
using System.Text;

namespace Schane.Data.Reading;

/// <summary>Reads the text files that data sets come with; errors name file and line.</summary>
internal static class TextTable
{
    /// <summary>Lines that are neither empty nor begin with #, split at white space into at least <paramref name="columns"/> fields; the
    /// last takes the rest.</summary>
    public static IEnumerable<string[]> Words(string path, int columns)
    {
        var number = 0;
        foreach (var line in Lines(path))
        {
            number++;
            if (line.Length == 0 || line[0] == '#')
                continue;
            var words = line.Split((char[]?)null, columns, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            yield return words.Length == columns ? words
                : throw new SchaneException($"'{Printable.Escape(path)}', line {number}: '{Printable.Escape(line)}' has {words.Length} " +
                    $"fields; {columns} are expected.");
        }
    }

    /// <summary>A whole number of a field.</summary>
    public static int Number(string text, string path) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
        : throw new SchaneException($"'{Printable.Escape(path)}' has '{Printable.Escape(text)}' where a whole number is expected.");

    public static IEnumerable<string> Lines(string path)
    {
        IEnumerator<string> lines;
        try
        {
            lines = File.ReadLines(path).GetEnumerator();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SchaneException($"'{Printable.Escape(path)}' can't be read: {Printable.Escape(e.Message)}", e);
        }
        using (lines)
            while (lines.MoveNext())
                yield return lines.Current.TrimEnd('\r');
    }

    /// <summary>A field of comma-separated values, in quotes where it must be (RFC 4180).</summary>
    public static string Quoted(string text) =>
        text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>Refuses a line that is not text in UTF-8 (or in UTF-16 with its mark at the beginning).</summary>
    public static void RefuseBroken(string path, int line, string text)
    {
        if (text.AsSpan().IndexOfAny('\uFFFD', '\0') is var at and >= 0)
            throw new SchaneException($"'{Printable.Escape(path)}', line {line} is not text in UTF-8 (character {at + 1} of " +
                $"'{Printable.Short(text)}'). Save the list as UTF-8; Excel calls that CSV UTF-8.");
    }

    /// <summary>Records of separated values (RFC 4180): quotes may hold separators, line breaks and doubled quotes. Commas, semicolons or
    /// tabs separate, whichever the first line has most of.</summary>
    /// <param name="path">The file.</param>
    /// <param name="strict">Whether text that is not UTF-8 is refused.</param>
    public static IEnumerable<(int Line, List<string> Fields)> Csv(string path, bool strict = false)
    {
        var separator = '\0';
        var fields = new List<string>();
        var field = new StringBuilder();
        var (quoted, line, start) = (false, 0, 1);
        foreach (var text in Lines(path))
        {
            line++;
            if (strict)
                RefuseBroken(path, line, text);
            if (separator == '\0' && text.StartsWith("sep=", StringComparison.OrdinalIgnoreCase) && text.Length == 5)
            {
                (separator, start) = (text[4], line + 1);                 // Excel's own line
                continue;
            }
            if (separator == '\0' && text.Length > 0)
                separator = ",;\t".MaxBy(s => Outside(text, s));
            if (quoted)
                field.Append('\n');
            else if (text.Length == 0)
                continue;
            for (var i = 0; i < text.Length; i++)
            {
                var c = text[i];
                if (quoted && c == '"' && i + 1 < text.Length && text[i + 1] == '"')
                    field.Append(text[i++]);
                else if (c == '"' && (quoted || field.Length == 0))
                    quoted = !quoted;
                else if (c == separator && !quoted)
                    Next();
                else
                    field.Append(c);
            }
            if (quoted)
                continue;
            Next();
            yield return (start, fields);
            (fields, start) = ([], line + 1);
        }
        if (quoted)
            throw new SchaneException($"'{Printable.Escape(path)}', line {start}: a quote is opened and never closed.");

        static int Outside(string text, char separator)
        {
            var (count, quoted) = (0, false);
            foreach (var c in text)
            {
                quoted ^= c == '"';
                count += c == separator && !quoted ? 1 : 0;
            }
            return count;
        }

        void Next()
        {
            fields.Add(field.ToString());
            field.Clear();
        }
    }
}
