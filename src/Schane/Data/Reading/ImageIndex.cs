using Schane.Data.Dividing;
using Schane.Data.Listing;

namespace Schane.Data.Reading;

/// <summary>Images that a file lists: CSV, TSV or the like with a line of column names, or JSON lines with
/// one object an image.</summary>
internal sealed class ImageIndex : IImageFiles, IDividedImages
{
    private readonly ListedImages images;
    private readonly IReadOnlyList<string?> parts;
    private readonly string path;
    private readonly IndexOptions options;
    private readonly IReadOnlyList<int> rows;

    private ImageIndex(string path, IndexOptions options, ListedImages images, IReadOnlyList<string?> parts, IReadOnlyList<int> rows,
        InputAccount account)
    {
        (this.path, this.options, this.images, this.parts, this.rows, Account) = (path, options, images, parts, rows, account);
        Parts = [.. parts.OfType<string>().Distinct()];
    }

    /// <summary>Whether a path is read as an index: by its extension, .csv, .tsv, .jsonl or .ndjson.</summary>
    public static bool Is(string path) => Path.GetExtension(path).ToLowerInvariant() is ".csv" or ".tsv" or ".tab" or ".jsonl"
        or ".ndjson";

    /// <summary>Reads an index; no image is looked at.</summary>
    /// <exception cref="SchaneException">A column is missing, a label is empty or not among the classes, a word means no part, an image has
    /// two labels or parts, or there are no images; with the line.</exception>
    public static ImageIndex Open(string path, IndexOptions? options = null)
    {
        options ??= new();
        var root = Path.GetFullPath(options.Root ?? Path.GetDirectoryName(Path.GetFullPath(path))!);
        List<ListRow> all = [.. ListRows.Of(path, options)];
        if (all.Count == 0)
            throw new SchaneException($"'{Printable.Escape(path)}' lists no images.");
        PartWords.RefuseTwice($"'{Printable.Escape(path)}'", all.Select(row => row.Part).OfType<string>(), spellings: true);
        var divided = all.Exists(row => row.Part is not null);
        var account = new InputAccount();
        var names = new ClassNames { KeepsSpace = false };
        Dictionary<string, int> seen = [];
        List<(int Row, string File, string? Part, List<string> Labels)> kept = [];
        var (outside, firstOutside) = (0, "");
        for (var at = 0; at < all.Count; at++)
        {
            var row = all[at];
            var where = $"'{Printable.Escape(path)}', line {row.Line}";
            List<string> labels = [.. LabelsOf(row, where, options.MultiLabel).Select(names.Of).Distinct()];
            if (labels.Count == 0 || labels.Contains(""))
                throw new SchaneException($"{where}: '{Printable.Escape(row.File)}' has no label. Give it one, write -1 for an image " +
                    "that is not labelled and to be left out, or remove the line.");
            if (labels.Count > 1 && labels.Exists(IsNotLabelled))
                throw new SchaneException($"{where}: '{Printable.Escape(row.File)}' has -1 beside other labels; -1 alone is an image " +
                    "that is not labelled.");
            var part = row.Part is null ? null : PartWords.Find(row.Part) ?? throw new SchaneException(
                $"{where}: '{Printable.Short(row.Part)}' is no name of a part; parts are called {PartWords.Known}. If the column is none " +
                "of parts, name another with --split-column.");
            var (file, isOutside) = ListedPath.Of(row.File, root, where, mayLeadOut: options.Root is null);
            if (IsNotLabelled(labels[0]))
                account.PassOver(Reason.NotLabelled, file);
            else if (divided && part is null)
                account.PassOver(Reason.RowOfNoPart, file);
            else if (seen.TryAdd(file, kept.Count))
            {
                kept.Add((at, file, part, labels));
                if (isOutside && outside++ == 0)
                    firstOutside = file;
            }
            else if (kept[seen[file]] is var before && before.Part != part)
                throw new SchaneException($"{where}: '{Printable.Escape(file)}' is for {part}, but in line {all[before.Row].Line} for " +
                    $"{before.Part}. Keep one of the lines.");
            else if (before.Labels.ToHashSet().SetEquals(labels))
                account.PassOver(Reason.Repeated, file);
            else if (options.MultiLabel == true)
                before.Labels.AddRange(labels.Except(before.Labels));
            else
                throw new SchaneException($"{where}: '{Printable.Escape(file)}' has the label '{Printable.Escape(labels[0])}', but in " +
                    $"line {all[before.Row].Line} '{Printable.Escape(before.Labels[0])}'. Keep one of the lines, or set multi-label " +
                    "where it is of both classes.");
        }
        if (kept.Count == 0)
            throw new SchaneException($"'{Printable.Escape(path)}' lists no images that can be used. {account.Sentence}");
        if (outside > 0)
            account.Notes.Add($"{outside:N0} {(outside == 1 ? "image lies" : "images lie")} outside the folder of the list " +
                $"('{Printable.Short(firstOutside)}'{(outside == 1 ? "" : " first")}).");
        names.Number(kept.SelectMany(k => k.Labels), account);
        var classes = options.Classes ?? names.InOrder;
        var numbers = classes.Select((name, number) => (name, number)).ToDictionary(c => c.name, c => c.number);
        int[][] sets = [.. kept.Select(k => k.Labels.Select(label => numbers.TryGetValue(label, out var number) ? number
            : throw new SchaneException($"'{Printable.Escape(path)}', line {all[k.Row].Line}: '{Printable.Escape(label)}' is not among " +
                $"the {classes.Count} classes{Nearest.Hint(label, classes)}.")).Order().ToArray())];
        var several = LabelSets.Sentence(sets, classes, i => kept[i].File);
        if (several is not null)
            account.Notes.Add(several);
        var rarest = LabelSets.Rarest(sets);
        var listed = new ListedImages(Path.GetFileNameWithoutExtension(path), root, classes,
            [.. kept.Select((k, i) => (k.File, rarest[i]))], options.Limits,
            several is not null || options.MultiLabel == true ? sets : null);
        return new(path, options, listed, [.. kept.Select(k => k.Part)], [.. kept.Select(k => k.Row)], account);
    }

    private static IReadOnlyList<string> LabelsOf(ListRow row, string where, bool? multiLabel) => row.Array is { } array
        ? multiLabel == false && array.Count > 1
            ? throw LabelSets.Refused($"{where}: '{Printable.Escape(row.File)}'", array) : array
        : multiLabel == false ? [row.Label] : LabelSets.Of(row.Label);

    /// <summary>Whether a label is the customary mark of images without one.</summary>
    internal static bool IsNotLabelled(string label) => label is "-1" or "-1.0";

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
    public bool IsMultiLabel => images.IsMultiLabel;

    /// <inheritdoc/>
    public IReadOnlyList<int> LabelsOf(int index) => images.LabelsOf(index);

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

    /// <inheritdoc/>
    public InputAccount Account { get; }

    IReadOnlyList<string> IDividedImages.Warnings => [];

    ImageLimits IImageFiles.Limits => ((IImageFiles)images).Limits;

    (byte[] Bytes, string Name)? IImageFiles.ReadFile(int index) => ((IImageFiles)images).ReadFile(index);

    /// <summary>The values of another column, null where it is empty; null where there is no such column.</summary>
    internal IReadOnlyList<string?>? Column(string name)
    {
        if (ListRows.Column(path, options, name) is not { } values)
            return null;
        if (values.Count <= rows[^1])
            throw new SchaneException($"'{Printable.Escape(path)}' was changed while it was read.");
        return [.. rows.Select(row => values[row])];
    }
}
