using System.Text.Json;
using Schane.Checkpoints;
using Schane.Data;
using Schane.Data.Reading;
using static TorchSharp.torch;

namespace Schane.Evaluation.Embeddings;

// n images, D embedding width.

/// <summary>Embeddings with the names of their images and the parts these stood in: what <c>embeddings.safetensors</c> of a run and
/// <c>schane embed</c> hold.</summary>
/// <param name="Embeddings">[n, D], as the model gives them (not normalised), with labels and class names.</param>
/// <param name="Images">n names, each inside its data set.</param>
/// <param name="Parts">n parts: <c>train</c>, <c>val</c>, <c>test</c>.</param>
internal sealed record EmbeddedImages(EmbeddingSet Embeddings, IReadOnlyList<string> Images, IReadOnlyList<string> Parts)
{
    /// <summary>What file names may end with.</summary>
    public static IReadOnlyList<string> Formats { get; } = [".safetensors", ".npy", ".parquet"];

    /// <summary>What a model made of a data set.</summary>
    internal static EmbeddedImages Of(ModelOutputs outputs, IImageDataset images, string part) =>
        new(EmbeddingSet.Of(outputs.Embeddings, outputs.Labels, images.Classes), [.. outputs.Indices.Select(images.NameOf)],
            [.. outputs.Indices.Select(_ => part)]);

    /// <summary>Several of one width, one after the other. Some may have further classes behind those that all share.</summary>
    /// <exception cref="ArgumentException">None given, or widths or classes differ.</exception>
    public static EmbeddedImages Join(params IReadOnlyList<EmbeddedImages> some)
    {
        if (some.Count == 0)
            throw new ArgumentException("some must hold at least one.", nameof(some));
        var first = some.MaxBy(s => s.Embeddings.Classes.Count)!.Embeddings;
        if (some.Any(s =>
            s.Embeddings.Width != first.Width || !s.Embeddings.Classes.SequenceEqual(first.Classes.Take(s.Embeddings.Classes.Count))))
            throw new ArgumentException($"All must have width {first.Width} and the same {first.Classes.Count} classes.", nameof(some));
        return new(new([.. some.SelectMany(s => s.Embeddings.Values)], first.Width,
            [.. some.SelectMany(s => s.Embeddings.Labels)], first.Classes),
            [.. some.SelectMany(s => s.Images)], [.. some.SelectMany(s => s.Parts)]);
    }

    /// <summary>The images of one part, in their order; null if there are none.</summary>
    public EmbeddedImages? Part(string part)
    {
        int[] rows = [.. Enumerable.Range(0, Parts.Count).Where(i => Parts[i] == part)];
        return rows.Length == 0 ? null : new(Embeddings.Rows(rows), [.. rows.Select(i => Images[i])], [.. rows.Select(_ => part)]);
    }

    /// <summary>
    /// Writes them by the file's ending. <c>.safetensors</c>: tensors <c>embeddings</c> [n, D] float32 and <c>labels</c> [n] int64, with
    /// classes, images and parts as JSON in the metadata. <c>.parquet</c>: columns image, part, label, class, embedding. <c>.npy</c>: [n,
    /// D] float32, and the rest beside it in <c>NAME.csv</c>.
    /// </summary>
    /// <exception cref="SchaneException">Another ending, or the file can't be written.</exception>
    public void Save(string path)
    {
        try
        {
            switch (Path.GetExtension(path).ToLowerInvariant())
            {
                case ".safetensors":
                    using (var scope = NewDisposeScope())
                        Safetensors.Write(path, new Dictionary<string, Tensor>
                        {
                            ["embeddings"] = Embeddings.ToTensor(ScalarType.Float32),
                            ["labels"] = tensor(Embeddings.Labels.Select(l => (long)l).ToArray())
                        },
                            new Dictionary<string, string>
                            {
                                ["classes"] = JsonSerializer.Serialize(Embeddings.Classes), ["images"] = JsonSerializer.Serialize(Images),
                                ["parts"] = JsonSerializer.Serialize(Parts)
                            });
                    break;
                case ".parquet":
                    ParquetRows.Write(path, [.. Enumerable.Range(0, Embeddings.Count).Select(RowOf)],
                        new Dictionary<string, string> { ["classes"] = JsonSerializer.Serialize(Embeddings.Classes) });
                    break;
                case ".npy":
                    NumpyFile.Write(path, Embeddings.Values, [Embeddings.Count, Embeddings.Width]);
                    AtomicFile.WriteText(Path.ChangeExtension(path, ".csv"),
                        "image,part,label,class\n" + string.Concat(Embeddings.Labels.Select((label, i) =>
                            $"{TextTable.Quoted(Images[i])},{Parts[i]},{label},{TextTable.Quoted(Embeddings.Classes[label])}\n")));
                    break;
                default:
                    throw new SchaneException($"'{Printable.Escape(path)}' must end with {string.Join(", ", Formats.SkipLast(1))} or " +
                        $"{Formats[^1]}, which chooses the format.");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SchaneException(
                $"'{Printable.Escape(path)}' can't be written ({Printable.Escape(e.Message.TrimEnd('.'))}); name another file.", e);
        }
    }

    /// <summary>Reads a file that <see cref="Save"/> wrote as <c>.safetensors</c> or <c>.parquet</c>; a plain
    /// array has no labels.</summary>
    /// <exception cref="SchaneException">There is no such file, or it holds no embeddings with labels; or one of
    /// them is not finite.</exception>
    public static EmbeddedImages Load(string path)
    {
        if (!File.Exists(path))
            throw new SchaneException($"There are no embeddings '{Printable.Escape(path)}'; make them with schane embed.");
        if (Path.GetExtension(path).Equals(".parquet", StringComparison.OrdinalIgnoreCase))
            return FromRows(path);
        using var scope = NewDisposeScope();
        using var file = Safetensors.Open(path);
        if (!file.Names.Contains("embeddings") || !file.Names.Contains("labels") || !file.Metadata.ContainsKey("classes"))
            throw new SchaneException(
                $"'{Printable.Escape(path)}' holds no embeddings with labels and classes; make them with schane embed.");
        string[] Names(string key, int count) =>
            file.Metadata.TryGetValue(key, out var json) && JsonSerializer.Deserialize<string[]>(json) is { } names && names.Length == count
            ? names : throw new SchaneException(
                $"'{Printable.Escape(path)}' must name {count} {key} in its metadata; make it again with schane embed.");
        var set = EmbeddingSet.Of(file.Read("embeddings"), file.Read("labels"),
            JsonSerializer.Deserialize<string[]>(file.Metadata["classes"]));
        return new(set, Names("images", set.Count), Names("parts", set.Count));
    }

    private Row RowOf(int i) => new()
    {
        Image = Images[i], Part = Parts[i], Label = Embeddings.Labels[i], Class = Embeddings.Classes[Embeddings.Labels[i]],
        Embedding = [.. Embeddings.Row(i)]
    };

    private static EmbeddedImages FromRows(string path)
    {
        var (rows, metadata) = ParquetRows.Read<Row>(path);
        if (rows.Count == 0 || !metadata.TryGetValue("classes", out var classes)
            || rows.Any(row => row.Embedding.Count != rows[0].Embedding.Count))
            throw new SchaneException(
                $"'{Printable.Escape(path)}' holds no embeddings of one width with their classes; make them with schane embed.");
        return new(new([.. rows.SelectMany(row => row.Embedding)], rows[0].Embedding.Count, [.. rows.Select(row => row.Label)],
            JsonSerializer.Deserialize<string[]>(classes)!),
            [.. rows.Select(row => row.Image)], [.. rows.Select(row => row.Part)]);
    }

    private sealed class Row
    {
        public string Image { get; set; } = "";
        public string Part { get; set; } = "";
        public int Label { get; set; }
        public string Class { get; set; } = "";
        public List<float> Embedding { get; set; } = [];
    }
}
