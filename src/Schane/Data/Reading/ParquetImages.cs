using System.Globalization;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Parquet;
using Parquet.Schema;
using Schane.Data.Listing;

namespace Schane.Data.Reading;

/// <summary>
/// Image sets as Hugging Face publishes them: Parquet files with a column of images (<c>bytes</c>, <c>path</c>) and one of labels, whose
/// names and roles stand in the metadata under <c>huggingface</c>; <c>train-00000-of-00002.parquet</c> is of the part <c>train</c>.
/// </summary>
/// <remarks>Parquet can't be read image by image, so the images are copied once, as they are, to a temporary file that is
/// gone with the process.</remarks>
internal static class ParquetImages
{
    /// <summary>Opens the files as one data set.</summary>
    /// <param name="path">What was named.</param>
    /// <param name="files">The files.</param>
    /// <param name="labelColumn">The column of labels; null: a customary one.</param>
    /// <param name="multiLabel">Whether an image may have several labels; null: where a row has them.</param>
    /// <exception cref="SchaneException">No column of images or labels, a row without a label, or a file that is damaged.</exception>
    public static IImageDataset Open(string path, IReadOnlyList<string> files, string? labelColumn = null, bool? multiLabel = null)
    {
        var account = new InputAccount();
        var parts = ParquetFiles.PartsOf(path, files, account);
        var temporary = Path.Combine(Path.GetTempPath(), $"schane-{Guid.NewGuid():N}.images");
        var handle = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, FileOptions.DeleteOnClose);
        if (!OperatingSystem.IsWindows())
            File.Delete(temporary);                                       // lives on until it is closed, however the process ends
        var rows = new Rows(handle, account, labelColumn, multiLabel);
        foreach (var (file, part) in files.Zip(parts))
            try
            {
                rows.AddAsync(file, part).GetAwaiter().GetResult();
            }
            catch (Exception e) when (e is not (SchaneException or OutOfMemoryException))
            {
                throw new SchaneException($"'{Printable.Escape(file)}' can't be read as Parquet " +
                    $"({Printable.Escape(e.Message.TrimEnd('.'))}); it is damaged or holds something else.", e);
            }
        if (rows.Spans.Count == 0)
            throw new SchaneException($"'{Printable.Escape(path)}' has Parquet files without rows that can be used. " +
                $"{account.Sentence}".TrimEnd());
        var written = new ClassNames { KeepsSpace = false };
        written.Number(rows.Labels.SelectMany(labels => labels), account);
        IReadOnlyList<string> classes = rows.Names ?? [.. written.InOrder
            .OrderBy(l => long.TryParse(l, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n) ? n : long.MaxValue)
            .ThenBy(l => l, StringComparer.Ordinal)];
        var numbers = classes.Select((name, i) => (Name: rows.Names is null ? name : written.Of(name), i)).DistinctBy(c => c.Name)
            .ToDictionary(c => c.Name, c => c.i);
        int[][] sets = [.. rows.Labels.Select(labels => labels.Select(label => numbers[written.Of(label)]).Distinct().Order().ToArray())];
        var several = LabelSets.Sentence(sets, classes, i => $"{i:d6}");
        if (several is not null)
            account.Notes.Add(several);
        return new StoredImages(Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(path)), classes, LabelSets.Rarest(sets),
            handle, path, rows.Spans)
        { Account = account, Sets = several is not null || multiLabel == true ? sets : null };
    }

    /// <summary>The rows of all files: images in one temporary file, labels in words.</summary>
    private sealed class Rows(SafeFileHandle to, InputAccount account, string? labelColumn, bool? multiLabel)
    {
        private long end;

        public List<StoredSpan> Spans { get; } = [];

        public List<IReadOnlyList<string>> Labels { get; } = [];

        /// <summary>What the labels' numbers mean; null where they stand for themselves.</summary>
        public IReadOnlyList<string>? Names { get; private set; }

        public async Task AddAsync(string file, string? part)
        {
            await using var reader = await ParquetReader.CreateAsync(file).ConfigureAwait(false);
            var (pictures, label, names) = Columns(file, reader, labelColumn);
            if (Spans.Count > 0 && !(names ?? []).SequenceEqual(Names ?? []))
                throw new SchaneException(
                    $"'{Printable.Escape(file)}' names other classes than the files before it; they are not of one data set.");
            Names = names;
            for (var g = 0; g < reader.RowGroupCount; g++)
            {
                using var group = reader.OpenRowGroupReader(g);
                var bytes = new byte[]?[group.RowCount];
                await group.ReadAsync(pictures, bytes.AsMemory()!).ConfigureAwait(false);
                var labels = label.MaxRepetitionLevel > 0 ? await ParquetLabels.SetsAsync(file, group, label).ConfigureAwait(false)
                    : [.. (await ParquetLabels.OfAsync(file, group, label).ConfigureAwait(false)).Select(text =>
                        string.IsNullOrWhiteSpace(text) ? [] : multiLabel == false || names is not null ? [text] : LabelSets.Of(text))];
                for (var row = 0; row < bytes.Length; row++)
                {
                    List<string> texts = [.. labels[row].Select(text => text.Trim()).Where(text => text.Length > 0)];
                    if (texts.Count == 0)
                        throw new SchaneException($"'{Printable.Escape(file)}', row {row} of group {g} has no label.");
                    if (texts.Count > 1 && multiLabel == false)
                        throw LabelSets.Refused($"'{Printable.Escape(file)}', row {row} of group {g}", texts);
                    if (texts.Exists(ImageIndex.IsNotLabelled))
                    {
                        account.PassOver(Reason.NotLabelled, $"{Path.GetFileName(file)}, row {row} of group {g}");
                        continue;
                    }
                    // a row without an image is an empty image, a bad one like others
                    Spans.Add(new(end, bytes[row]?.Length ?? 0, part));
                    RandomAccess.Write(to, bytes[row], end);
                    end += bytes[row]?.Length ?? 0;
                    Labels.Add(names is null ? texts : [.. texts.Select(text => Named(file, names, text))]);
                }
            }
        }

        private static string Named(string file, IReadOnlyList<string> names, string text) =>
            int.TryParse(text, out var at) && at >= 0 && at < names.Count ? names[at]
            : names.Contains(text) ? text
            : throw new SchaneException(
                $"'{Printable.Escape(file)}' has the label {Printable.Escape(text)}; there are {names.Count} classes.");
    }

    /// <summary>Which column holds the images, which the labels, and what the labels' numbers mean.</summary>
    private static (DataField Pictures, DataField Label, IReadOnlyList<string>? Names) Columns(string file, ParquetReader reader,
        string? labelColumn)
    {
        var fields = reader.Schema.GetDataFields();
        Dictionary<string, JsonElement> features = [];
        if (reader.CustomMetadata?.GetValueOrDefault("huggingface") is { } text && JsonDocument.Parse(text).RootElement is var root
            && root.TryGetProperty("info", out var info) && info.TryGetProperty("features", out var listed))
            features = listed.EnumerateObject().ToDictionary(f => f.Name, f => f.Value);
        bool Is(string column, string type) => TypeOf(features, column) is { } feature && feature.TryGetProperty("_type", out var t)
            && t.GetString() == type;

        var shown = string.Join(", ", fields.Select(f => Printable.Escape(f.Path.ToString())));
        var pictures = fields.Where(f => f.Path.Length == 2 && f.Path.ToString().EndsWith("/bytes", StringComparison.Ordinal))
            .OrderBy(f => Is(f.Path.FirstPart!, "Image") ? 0 : 1).FirstOrDefault()
            ?? throw new SchaneException($"'{Printable.Escape(file)}' has no column of images with 'bytes' in it; it has {shown}.");
        // a list's values stand below it: labels/list/element
        var flat = fields.Where(f => f.Path.Length == 1 || f is { MaxRepetitionLevel: 1, Path.Length: 3 }).ToList();
        static string NameOf(DataField field) => field.Path.FirstPart!;
        // What the metadata calls a label goes before what only has the name of one.
        List<string> called = [.. flat.Where(f => labelColumn is null && Is(NameOf(f), "ClassLabel")).Select(NameOf)];
        var column = ListRows.LabelColumn(file, called.Count > 0 ? called : [.. flat.Select(NameOf)], labelColumn,
            "fine_label", "labels") ?? (called.Count > 1 ? throw ListRows.Several(file, called) : called.FirstOrDefault());
        var label = flat.Find(f => NameOf(f) == column)
            ?? throw new SchaneException($"'{Printable.Escape(file)}' has no column of labels " +
                $"({(labelColumn is null ? "label, class, category, fine_label, labels, or one that its metadata calls ClassLabel"
                    : $"'{Printable.Escape(labelColumn)}'")}); it has {shown}. Name the column with --label-column.");
        var names = Is(NameOf(label), "ClassLabel") && TypeOf(features, NameOf(label))!.Value.TryGetProperty("names", out var given)
            && given.ValueKind == JsonValueKind.Array
            ? given.EnumerateArray().Select(n => n.GetString()!).ToList() : null;
        return (pictures, label, names);
    }

    /// <summary>What the metadata say of a column, or of the elements of its lists.</summary>
    private static JsonElement? TypeOf(Dictionary<string, JsonElement> features, string column) =>
        !features.TryGetValue(column, out var feature) ? null
        : feature.ValueKind == JsonValueKind.Array && feature.GetArrayLength() == 1 ? feature[0]
        : feature.ValueKind != JsonValueKind.Object ? null
        : feature.TryGetProperty("feature", out var element) && element.ValueKind == JsonValueKind.Object ? element : feature;
}
