using System.Text.Json;
using static TorchSharp.torch;

namespace Schane.Checkpoints;

/// <summary>A model in several files with an index beside them (<c>*.index.json</c>: name of a tensor → file),
/// safetensors or PyTorch.</summary>
internal sealed class ShardedCheckpoint : ICheckpoint
{
    private const long MaxIndexBytes = 16 << 20;

    private readonly Dictionary<string, ICheckpoint> shards = [];
    private readonly Dictionary<string, ICheckpoint> places = [];

    internal ShardedCheckpoint(string path)
    {
        Origin = path;
        try
        {
            foreach (var (name, file) in ReadIndex(path))
            {
                if (!shards.TryGetValue(file, out var shard))
                    shards.Add(file, shard = CheckpointFile.OpenSingle(Path.Combine(Path.GetDirectoryName(path) ?? "", file)));
                if (!shard.Names.Contains(name))
                    throw new CheckpointException(path,
                        $"places '{Printable.Short(name)}' in '{Printable.Short(file)}', which does not have it.");
                places.Add(name, shard);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public string Origin { get; }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Names => places.Keys;

    /// <summary>That of the first shard that has any.</summary>
    public IReadOnlyDictionary<string, string> Metadata =>
        shards.Values.Select(s => s.Metadata).FirstOrDefault(m => m.Count > 0) ?? new Dictionary<string, string>();

    /// <inheritdoc/>
    public long[] ShapeOf(string name) => Find(name).ShapeOf(name);

    /// <inheritdoc/>
    public ScalarType TypeOf(string name) => Find(name).TypeOf(name);

    /// <inheritdoc/>
    public Tensor Read(string name) => Find(name).Read(name);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var shard in shards.Values)
            shard.Dispose();
    }

    /// <summary>Tensor → file of an index.</summary>
    /// <exception cref="CheckpointException">The index breaks a rule.</exception>
    internal static Dictionary<string, string> ReadIndex(string path)
    {
        using var source = new ByteSource(path);
        if (source.Length > MaxIndexBytes)
            throw new CheckpointException(path, $"has {source.Length} bytes; an index may have {MaxIndexBytes}.");
        var text = source.Read(0, (int)source.Length);
        CheckpointFile.RefuseOther(text.AsSpan(0, Math.Min(text.Length, CheckpointFile.HeadBytes)), path);
        try
        {
            using var json = JsonDocument.Parse(text, new() { MaxDepth = 16 });
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("weight_map", out var map)
                || map.ValueKind != JsonValueKind.Object)
                throw new CheckpointException(path, "is not an index of weights: it has no object weight_map.");
            var places = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var entry in map.EnumerateObject())
            {
                var file = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : "";
                if (file.Length == 0 || file is "." or ".." || file.AsSpan().IndexOfAny("/\\:\0") >= 0)
                    throw new CheckpointException(path, $"places '{Printable.Short(entry.Name)}' in " +
                        $"'{Printable.Short(file)}', which is not a file name beside it.");
                if (!places.TryAdd(entry.Name, file))
                    throw new CheckpointException(path, $"names the tensor '{Printable.Short(entry.Name)}' twice.");
            }
            return places;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new CheckpointException(path, $"is not JSON: {e.Message}", e);
        }
    }

    private ICheckpoint Find(string name) =>
        places.TryGetValue(name, out var shard) ? shard : throw new CheckpointException(Origin, $"has no tensor '{name}'.");
}
