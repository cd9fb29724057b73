using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Parquet;
using Parquet.Schema;

namespace Schane.Data.Reading;

/// <summary>
/// Image sets as Hugging Face publishes them: Parquet files with a column of pictures (<c>bytes</c>, <c>path</c>) and one of labels, whose
/// names and roles stand in the metadata under <c>huggingface</c>; <c>train-00000-of-00002.parquet</c> is of the part <c>train</c>.
/// </summary>
/// <remarks>Parquet can't be read picture by picture, so the pictures are copied once, as they are, to a temporary file that is
/// gone with the process.</remarks>
internal static class ParquetImages
{
    /// <summary>The Parquet files that a path names: itself, or those of a folder or of <c>data/</c> in it; none where
    /// it is another thing.</summary>
    public static IReadOnlyList<string> FilesOf(string path)
    {
        if (File.Exists(path))
            return Path.GetExtension(path).Equals(".parquet", StringComparison.OrdinalIgnoreCase) ? [path] : [];
        foreach (var folder in new[] { path, Path.Combine(path, "data") })
            if (Directory.Exists(folder) && Directory.GetFiles(folder, "*.parquet") is { Length: > 0 } files)
                return [.. files.Order(StringComparer.Ordinal)];
        return [];
    }

    /// <summary>Opens the files as one data set.</summary>
    /// <exception cref="SchaneException">No column of pictures or labels, a row without a label, or a file that is damaged.</exception>
    public static IImageDataset Open(string path, IReadOnlyList<string> files)
    {
        var temporary = Path.Combine(Path.GetTempPath(), $"schane-{Guid.NewGuid():N}.images");
        var handle = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, FileOptions.DeleteOnClose);
        if (!OperatingSystem.IsWindows())
            File.Delete(temporary);                                       // lives on until it is closed, however the process ends
        List<StoredSpan> spans = [];
        List<string> labels = [];
        IReadOnlyList<string>? names = null;
        foreach (var file in files)
            try
            {
                names = CopyAsync(file, handle, spans, labels, names).GetAwaiter().GetResult();
            }
            catch (Exception e) when (e is not (SchaneException or OutOfMemoryException))
            {
                throw new SchaneException($"'{Printable.Escape(file)}' can't be read as Parquet " +
                    $"({Printable.Escape(e.Message.TrimEnd('.'))}); it is damaged or holds something else.", e);
            }
        if (spans.Count == 0)
            throw new SchaneException($"'{Printable.Escape(path)}' has Parquet files without rows.");
        IReadOnlyList<string> classes = names
            ?? [.. labels.Distinct().OrderBy(l => long.TryParse(l, out var n) ? n : long.MaxValue).ThenBy(l => l, StringComparer.Ordinal)];
        var numbers = classes.Select((name, i) => (name, i)).ToDictionary(c => c.name, c => c.i);
        return new StoredImages(Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(path)), classes,
            [.. labels.Select(l => numbers[l])], handle, path, spans);
    }

    private static async Task<IReadOnlyList<string>?> CopyAsync(string file, SafeFileHandle to, List<StoredSpan> spans, List<string> labels,
        IReadOnlyList<string>? namesBefore)
    {
        await using var reader = await ParquetReader.CreateAsync(file).ConfigureAwait(false);
        var (pictures, label, names) = Columns(file, reader);
        if (spans.Count > 0 && !(names ?? []).SequenceEqual(namesBefore ?? []))
            throw new SchaneException(
                $"'{Printable.Escape(file)}' names other classes than the files before it; they are not of one data set.");
        var part = PartOf(Path.GetFileName(file));
        var end = spans.Count == 0 ? 0 : spans[^1].Offset + spans[^1].Length;
        for (var g = 0; g < reader.RowGroupCount; g++)
        {
            using var group = reader.OpenRowGroupReader(g);
            var first = spans.Count;
            var bytes = new byte[]?[group.RowCount];
            await group.ReadAsync(pictures, bytes.AsMemory()!).ConfigureAwait(false);
            foreach (var picture in bytes)
            {
                // a row without a picture is an empty image, a bad one like others
                spans.Add(new(end, picture?.Length ?? 0, part));
                RandomAccess.Write(to, picture, end);
                end += picture?.Length ?? 0;
            }
            foreach (var text in await LabelsAsync(group, label).ConfigureAwait(false))
                labels.Add(text is null
                    ? throw new SchaneException($"'{Printable.Escape(file)}', row {labels.Count - first} of group {g} has no label.")
                    : names is null ? text
                    : int.TryParse(text, out var at) && at >= 0 && at < names.Count ? names[at]
                    : throw new SchaneException(
                        $"'{Printable.Escape(file)}' has the label {Printable.Escape(text)}; there are {names.Count} classes."));
        }
        return names;
    }

    private static async Task<string?[]> LabelsAsync(ParquetRowGroupReader group, DataField label)
    {
        var rows = (int)group.RowCount;
        async Task<string?[]> Numbers<T>() where T : struct
        {
            var numbers = new T?[rows];
            if (label.IsNullable)
                await group.ReadAsync(label, numbers.AsMemory()).ConfigureAwait(false);
            else
            {
                var plain = new T[rows];
                await group.ReadAsync(label, plain.AsMemory()).ConfigureAwait(false);
                numbers = [.. plain.Select(n => (T?)n)];
            }
            return [.. numbers.Select(n => n is { } value ? FormattableString.Invariant($"{value}") : null)];
        }
        if (label.ClrType == typeof(long))
            return await Numbers<long>().ConfigureAwait(false);
        if (label.ClrType == typeof(int))
            return await Numbers<int>().ConfigureAwait(false);
        var texts = new string?[rows];
        await group.ReadAsync(label, texts.AsMemory()!).ConfigureAwait(false);
        return texts;
    }

    /// <summary>Which column holds the pictures, which the labels, and what the labels' numbers mean.</summary>
    private static (DataField Pictures, DataField Label, IReadOnlyList<string>? Names) Columns(string file, ParquetReader reader)
    {
        var fields = reader.Schema.GetDataFields();
        Dictionary<string, JsonElement> features = [];
        if (reader.CustomMetadata?.GetValueOrDefault("huggingface") is { } text && JsonDocument.Parse(text).RootElement is var root
            && root.TryGetProperty("info", out var info) && info.TryGetProperty("features", out var listed))
            features = listed.EnumerateObject().ToDictionary(f => f.Name, f => f.Value);
        bool Is(string column, string type) => features.TryGetValue(column, out var feature) && feature.ValueKind == JsonValueKind.Object
            && feature.TryGetProperty("_type", out var t) && t.GetString() == type;

        var shown = string.Join(", ", fields.Select(f => Printable.Escape(f.Path.ToString())));
        var pictures = fields.Where(f => f.Path.Length == 2 && f.Path.ToString().EndsWith("/bytes", StringComparison.Ordinal))
            .OrderBy(f => Is(f.Path.FirstPart!, "Image") ? 0 : 1).FirstOrDefault()
            ?? throw new SchaneException($"'{Printable.Escape(file)}' has no column of pictures with 'bytes' in it; it has {shown}.");
        string[] customary = ["label", "fine_label", "labels", "class"];
        var label = fields.Where(f => f.Path.Length == 1 && (Is(f.Name, "ClassLabel") || customary.Contains(f.Name)))
            .OrderBy(f => Is(f.Name, "ClassLabel") ? 0 : 1).ThenBy(f => (uint)Array.IndexOf(customary, f.Name)).FirstOrDefault()
            ?? throw new SchaneException($"'{Printable.Escape(file)}' has no column of labels ({string.Join(", ", customary)}, or one " +
                $"that its metadata calls ClassLabel); it has {shown}.");
        var names = Is(label.Name, "ClassLabel") && features[label.Name].TryGetProperty("names", out var given)
            && given.ValueKind == JsonValueKind.Array
            ? given.EnumerateArray().Select(n => n.GetString()!).ToList() : null;
        return (pictures, label, names);
    }

    private static string? PartOf(string file) =>
        file.Split('-', '.')[0] switch { "train" => "train", "validation" or "valid" or "val" => "val", "test" => "test", _ => null };
}
