using System.Text.Json;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Losses;

/// <summary>One value and gradient of a peer.</summary>
/// <param name="Name">File and key, for messages.</param>
/// <param name="Key">Kind of case.</param>
/// <param name="Embeddings">[N, views, d] float64, not normalised.</param>
/// <param name="Labels">[N] int64; null where the peer ran without.</param>
/// <param name="Value">The peer's float64 value; null where it is undefined.</param>
/// <param name="Gradient">The peer's float64 gradient by <paramref name="Embeddings"/>.</param>
/// <param name="Temperature">τ.</param>
/// <param name="Arguments">The peer's arguments.</param>
internal sealed record GoldenCase(string Name, string Key, Tensor Embeddings, Tensor? Labels, double? Value, Tensor? Gradient,
    double Temperature, JsonElement Arguments)
{
    public long Images => Embeddings.shape[0];
    public long Views => Embeddings.shape[1];

    public static IEnumerable<GoldenCase> Batches(string folder)
    {
        foreach (var batch in Json(Path.Combine(folder, "index.json")).EnumerateArray().Where(b => b.TryGetProperty("tau", out _)))
        {
            var file = batch.GetProperty("file").GetString()!;
            var tensors = TensorFile.Read(Path.Combine(folder, file));
            foreach (var entry in batch.GetProperty("entries").EnumerateArray())
            {
                var key = entry.GetProperty("key").GetString()!;
                yield return new($"{file}:{key}", key, tensors["emb64"], tensors["labels"], Number(entry.GetProperty("value64")),
                    tensors.GetValueOrDefault($"{key}.grad64"), batch.GetProperty("tau").GetDouble(), entry.GetProperty("args"));
            }
        }
    }

    public static IEnumerable<GoldenCase> Edges(string folder)
    {
        foreach (var entry in Json(Path.Combine(folder, "edge_cases.json")).EnumerateArray())
        {
            var name = entry.GetProperty("name").GetString()!;
            var labels = entry.GetProperty("labels");
            var arguments = entry.GetProperty("args");
            yield return new($"edge_cases:{name}", name, Array(entry.GetProperty("emb")),
                labels.ValueKind == JsonValueKind.Null ? null : tensor(labels.EnumerateArray().Select(l => l.GetInt64()).ToArray()),
                Number(entry.GetProperty("value64")),
                Array(entry.GetProperty("grad64")), arguments.TryGetProperty("temperature", out var tau) ? tau.GetDouble() : 1, arguments);
        }
    }

    public static JsonElement Json(string path) => JsonDocument.Parse(File.ReadAllBytes(path)).RootElement.Clone();

    public static double? Number(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.String => double.Parse(value.GetString()!),
        _ => value.GetDouble(),
    };

    private static Tensor Array(JsonElement nested)
    {
        var shape = new List<long>();
        for (var level = nested; level.ValueKind == JsonValueKind.Array; level = level[0])
            shape.Add(level.GetArrayLength());
        return tensor(Flat(nested).ToArray(), shape.ToArray());
    }

    private static IEnumerable<double> Flat(JsonElement nested) =>
        nested.ValueKind == JsonValueKind.Array ? nested.EnumerateArray().SelectMany(Flat) : [Number(nested)!.Value];
}
