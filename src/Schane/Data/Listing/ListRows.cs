using System.Text.Json;
using Schane.Data.Reading;

namespace Schane.Data.Listing;

/// <summary>A row of a list, as it is written.</summary>
/// <param name="Line">From 1 on.</param>
/// <param name="File">Its path.</param>
/// <param name="Label">Its label, or several in one text; empty where <paramref name="Array"/> has them.</param>
/// <param name="Part">The word for its part; null for none.</param>
/// <param name="Array">Labels that are written one by one.</param>
internal readonly record struct ListRow(int Line, string File, string Label, string? Part, IReadOnlyList<string>? Array = null);

/// <summary>Reads the rows of a list: separated values with a line of column names, or JSON lines with one object an image.</summary>
internal static class ListRows
{
    private static readonly string[] Paths = ["path", "file_name", "filename", "file", "image"],
        Labels = ["label", "class", "category"], Splits = ["split", "part", "subset"];

    public static IEnumerable<ListRow> Of(string path, IndexOptions options) =>
        IsJson(path) ? JsonLines(path, options) : Separated(path, options);

    public static bool IsJson(string path) => Path.GetExtension(path).ToLowerInvariant() is ".jsonl" or ".ndjson";

    /// <summary>Values of another column, null where it is empty, of all rows that <see cref="Of"/> gives; null where there is no such
    /// column.</summary>
    public static IReadOnlyList<string?>? Column(string path, IndexOptions options, string name)
    {
        var found = false;
        string?[] values = [.. Of(path, options with { SplitColumn = name, SplitFound = () => found = true }).Select(row => row.Part)];
        return found ? values : null;
    }

    /// <summary>The column that is named, else the first of the customary names, as it is written; case doesn't matter, nor whether words
    /// are joined by <c>_</c>, <c>-</c> or a space. Null where there is none.</summary>
    public static string? Find(IReadOnlyCollection<string> columns, string? named, IReadOnlyList<string> customary)
    {
        foreach (var wanted in named is null ? customary : [named])
            if ((columns.FirstOrDefault(c => c == wanted) ?? columns.FirstOrDefault(c => Plain(c) == Plain(wanted))) is { } column)
                return column;
        return null;
    }

    /// <summary>The column of labels: the one that is named, else the only one with a customary name; null where there is none.</summary>
    /// <param name="file">The file, for messages.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="named">The column that <c>--label-column</c> names; null: none.</param>
    /// <param name="more">Names beside those that lists have.</param>
    /// <exception cref="SchaneException">Several have a customary name, and none is named.</exception>
    public static string? LabelColumn(string file, IReadOnlyCollection<string> columns, string? named, params IReadOnlyList<string> more)
    {
        if (named is null && columns.Where(c => Labels.Concat(more).Contains(Plain(c))).ToList() is { Count: > 1 } several)
            throw Several(file, several);
        return Find(columns, named, [.. Labels, .. more]);
    }

    /// <summary>Asks which of several columns holds the labels.</summary>
    public static SchaneException Several(string file, IReadOnlyList<string> columns) =>
        new($"'{Printable.Escape(file)}' has {columns.Count} columns that may hold the labels, " +
            $"{string.Join(" and ", columns.Select(c => $"'{Printable.Short(c)}'"))}; say which with --label-column, as --label-column " +
            $"{Printable.Short(columns[0])}.");

    private static string Plain(string column) => column.Trim().ToLowerInvariant().Replace('-', '_').Replace(' ', '_');

    private static IEnumerable<ListRow> Separated(string path, IndexOptions options)
    {
        List<string>? columns = null;
        var (file, label, part) = (-1, -1, -1);
        foreach (var (line, fields) in TextTable.Csv(path, strict: true))
        {
            if (columns is null)
            {
                columns = [.. fields.Select(f => f.TrimStart('\uFEFF').Trim())];
                file = columns.IndexOf(Find(columns, options.PathColumn, Paths) ?? throw Missing(path, columns, options.PathColumn, Paths));
                label = columns.IndexOf(LabelColumn(path, columns, options.LabelColumn)
                    ?? throw Missing(path, columns, options.LabelColumn, Labels));
                part = Find(columns, options.SplitColumn, Splits) is { } split ? columns.IndexOf(split) : -1;
                if (part >= 0)
                    options.SplitFound?.Invoke();
                continue;
            }
            if (fields.Count != columns.Count)
                throw new SchaneException(
                    $"'{Printable.Escape(path)}', line {line}: {fields.Count} fields; {columns.Count} columns are named.");
            yield return new(line, fields[file], fields[label],
                part < 0 || string.IsNullOrWhiteSpace(fields[part]) ? null : fields[part].Trim());
        }
        if (columns is not null && part < 0 && options is { SplitColumn: { } named, SplitFound: null })
            throw Missing(path, columns, named, Splits);
    }

    private static SchaneException Missing(string path, List<string> columns, string? named, string[] customary)
    {
        var flag = customary == Paths ? "--path-column" : customary == Labels ? "--label-column" : "--split-column";
        var wanted = named is null ? customary[0] : Printable.Escape(named);
        return new($"'{Printable.Escape(path)}' has no column '{wanted}'" +
            $"{(named is null ? $" ({string.Join(", ", customary[1..])})" : "")}; it has " +
            $"{string.Join(", ", columns.Select(Printable.Short))}{Nearest.Hint(named ?? customary[0], columns)}. Name the column " +
            $"with {flag}.");
    }

    private static IEnumerable<ListRow> JsonLines(string path, IndexOptions options)
    {
        var number = 0;
        var (file, label, part, divided) = ("", "", "", false);
        foreach (var line in TextTable.Lines(path))
        {
            number++;
            var where = $"'{Printable.Escape(path)}', line {number}";
            TextTable.RefuseBroken(path, number, line);
            if (string.IsNullOrWhiteSpace(line))
                continue;
            JsonDocument? entry = null;
            try
            {
                entry = JsonDocument.Parse(line);
            }
            catch (JsonException e)
            {
                throw new SchaneException($"{where} is not JSON: {e.Message}", e);
            }
            using (entry)
            {
                var to = Value(entry.RootElement, ref label, keys => LabelColumn(path, keys, options.LabelColumn));
                var array = to is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray().Select(Text).ToList() : null;
                var (from, one, split) = (Text(entry.RootElement, ref file, keys => Find(keys, options.PathColumn, Paths)),
                    array is null ? Text(to) : array.Contains(null) ? null : "",
                    Text(entry.RootElement, ref part, keys => Find(keys, options.SplitColumn, Splits)));
                SchaneException Lacking(string? named, string[] customary) =>
                    new($"{where} has no text or number '{Printable.Escape(named ?? customary[0])}'.");
                if (split is not null && !divided)
                    options.SplitFound?.Invoke();
                divided |= split is not null;
                yield return new(number, from ?? throw Lacking(options.PathColumn, Paths),
                    one ?? throw Lacking(options.LabelColumn, Labels), string.IsNullOrWhiteSpace(split) ? null : split.Trim(),
                    array?.OfType<string>().ToList());
            }
        }
        if (number > 0 && !divided && options is { SplitColumn: { } named, SplitFound: null })
            throw new SchaneException($"'{Printable.Escape(path)}' has no text or number '{Printable.Escape(named)}' in any line; name " +
                "another with --split-column.");
    }

    /// <summary>A text or number of an object, by the key that served before or one that serves here.</summary>
    private static string? Text(JsonElement entry, ref string key, Func<List<string>, string?> find) => Text(Value(entry, ref key, find));

    private static string? Text(JsonElement? value) => value?.ValueKind switch
    {
        JsonValueKind.String => value.Value.GetString(),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.Value.GetRawText(),
        _ => null,
    };

    private static string? Text(JsonElement value) => Text((JsonElement?)value);

    private static JsonElement? Value(JsonElement entry, ref string key, Func<List<string>, string?> find)
    {
        if (entry.ValueKind != JsonValueKind.Object)
            return null;
        if (!entry.TryGetProperty(key, out var value))
        {
            if (find([.. entry.EnumerateObject().Select(p => p.Name)]) is not { } found)
                return null;
            value = entry.GetProperty(key = found);
        }
        return value;
    }
}
