using System.Text.Json;
using Schane.Data.Dividing;

namespace Schane.Data.Reading;

/// <summary>Images that a file lists: CSV with a line of column names, or JSON lines with one object an image.</summary>
internal sealed class ImageIndex : IImageFiles, IDividedImages
{
    private readonly ListedImages images;
    private readonly IReadOnlyList<string?> parts;
    private readonly string path;
    private readonly IndexOptions options;

    private ImageIndex(string path, IndexOptions options, ListedImages images, IReadOnlyList<string?> parts)
    {
        (this.path, this.options, this.images, this.parts) = (path, options, images, parts);
        Parts = [.. parts.OfType<string>().Distinct()];
    }

    /// <summary>Whether a path is read as an index: by its extension, .csv, .jsonl or .ndjson.</summary>
    public static bool Is(string path) => Path.GetExtension(path).ToLowerInvariant() is ".csv" or ".jsonl" or ".ndjson";

    /// <summary>Reads an index; no image is looked at.</summary>
    /// <exception cref="SchaneException">A column is missing, a label is not among the classes, a path leads out of the folder, or there
    /// are no images; with the line.</exception>
    public static ImageIndex Open(string path, IndexOptions? options = null)
    {
        options ??= new();
        var root = Path.GetFullPath(options.Root ?? Path.GetDirectoryName(Path.GetFullPath(path))!);
        var rows = Rows(path, options).ToList();
        if (rows.Count == 0)
            throw new SchaneException($"'{Printable.Escape(path)}' lists no images.");
        var classes = options.Classes ?? [.. rows.Select(r => r.Label).Distinct().Order(StringComparer.Ordinal)];
        var labels = classes.Select((name, label) => (name, label)).ToDictionary(c => c.name, c => c.label);
        var listed = rows.Select(row =>
        {
            var where = $"'{Printable.Escape(path)}', line {row.Line}";
            var full = Path.GetFullPath(Path.Combine(root, row.File));
            if (!full.StartsWith(Path.TrimEndingDirectorySeparator(root) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
                throw new SchaneException($"{where}: '{Printable.Escape(row.File)}' lies outside '{Printable.Escape(root)}'. Name its " +
                    "folder as the root or move the file.");
            return (Path.GetRelativePath(root, full).Replace(Path.DirectorySeparatorChar, '/'),
                labels.TryGetValue(row.Label, out var label) ? label
                : throw new SchaneException($"{where}: '{Printable.Escape(row.Label)}' is not among the {classes.Count} " +
                    $"classes{Nearest.Hint(row.Label, classes)}."));
        }).ToList();
        return new(path, options, new(Path.GetFileNameWithoutExtension(path), root, classes, listed, options.Limits),
            [.. rows.Select(r => r.Part)]);
    }

    /// <inheritdoc/>
    public string Name => images.Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes => images.Classes;

    /// <summary>Parts that the index names, in order of appearance; empty where it has no such column.</summary>
    public IReadOnlyList<string> Parts { get; }

    /// <inheritdoc/>
    public int Count => images.Count;

    /// <inheritdoc/>
    public int LabelOf(int index) => images.LabelOf(index);

    /// <inheritdoc/>
    public string NameOf(int index) => images.NameOf(index);

    /// <summary>Part of image <paramref name="index"/>, null where the index names none.</summary>
    public string? PartOf(int index) => parts[index];

    /// <summary>The images of a part.</summary>
    /// <exception cref="SchaneException">There is no such part.</exception>
    public Subset Part(string part) => Parts.Contains(part)
        ? new(this, [.. Enumerable.Range(0, Count).Where(i => parts[i] == part)], $"{Name}:{part}")
        : throw new SchaneException(
            $"{Name} has {(Parts.Count == 0 ? "no parts" : $"the parts {string.Join(", ", Parts)}")}, not '{Printable.Escape(part)}'.");

    /// <inheritdoc/>
    public Image8 Read(int index) => images.Read(index);

    IReadOnlyList<string> IDividedImages.Warnings => [];

    ImageLimits IImageFiles.Limits => ((IImageFiles)images).Limits;

    (byte[] Bytes, string Name)? IImageFiles.ReadFile(int index) => ((IImageFiles)images).ReadFile(index);

    /// <summary>The values of another column, null where it is empty; null where there is no such column.</summary>
    internal IReadOnlyList<string?>? Column(string name)
    {
        string?[] values = [.. Rows(path, options with { SplitColumn = name }).Select(row => row.Part)];
        return values.Length != Count ? throw new SchaneException($"'{Printable.Escape(path)}' was changed while it was read.")
            : values.Any(v => v is not null) ? values : null;
    }

    private static IEnumerable<(int Line, string File, string Label, string? Part)> Rows(string path, IndexOptions options) =>
        Path.GetExtension(path).Equals(".csv", StringComparison.OrdinalIgnoreCase) ? Csv(path, options) : JsonLines(path, options);

    private static IEnumerable<(int Line, string File, string Label, string? Part)> Csv(string path, IndexOptions options)
    {
        List<string>? columns = null;
        var (file, label, part) = (-1, -1, -1);
        foreach (var (line, fields) in TextTable.Csv(path))
        {
            if (columns is null)
            {
                columns = [.. fields.Select(f => f.TrimStart('\uFEFF').Trim())];
                int Column(string name) => columns.IndexOf(name) is var at and >= 0 ? at
                    : throw new SchaneException($"'{Printable.Escape(path)}' has no column '{Printable.Escape(name)}'; it has " +
                        $"{string.Join(", ", columns.Select(Printable.Escape))}{Nearest.Hint(name, columns)}.");
                (file, label, part) = (Column(options.PathColumn), Column(options.LabelColumn), columns.IndexOf(options.SplitColumn));
                continue;
            }
            if (fields.Count != columns.Count)
                throw new SchaneException(
                    $"'{Printable.Escape(path)}', line {line}: {fields.Count} fields; {columns.Count} columns are named.");
            yield return (line, fields[file], fields[label], part < 0 || fields[part].Length == 0 ? null : fields[part]);
        }
    }

    private static IEnumerable<(int Line, string File, string Label, string? Part)> JsonLines(string path, IndexOptions options)
    {
        var number = 0;
        foreach (var line in TextTable.Lines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
                continue;
            JsonDocument? entry = null;
            try
            {
                entry = JsonDocument.Parse(line);
            }
            catch (JsonException e)
            {
                throw new SchaneException($"'{Printable.Escape(path)}', line {number} is not JSON: {e.Message}", e);
            }
            using (entry)
            {
                string? Text(string name) =>
                    entry.RootElement.ValueKind == JsonValueKind.Object && entry.RootElement.TryGetProperty(name, out var value)
                    ? value.ValueKind == JsonValueKind.String
                        ? value.GetString() : value.ValueKind == JsonValueKind.Number ? value.GetRawText() : null : null;
                string Needed(string name) => Text(name) ?? throw new SchaneException(
                    $"'{Printable.Escape(path)}', line {number} has no text or number '{Printable.Escape(name)}'.");
                yield return (number, Needed(options.PathColumn), Needed(options.LabelColumn), Text(options.SplitColumn));
            }
        }
    }
}
