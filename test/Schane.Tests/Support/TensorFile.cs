using System.Buffers.Binary;
using System.Text.Json;
using static TorchSharp.torch;

namespace Schane.Tests.Support;

/// <summary>Reads the tensors of a golden file. Trusts it: golden files are ours.</summary>
internal static class TensorFile
{
    public static Dictionary<string, Tensor> Read(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var start = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using var header = JsonDocument.Parse(bytes.AsMemory(8, start - 8));
        var tensors = new Dictionary<string, Tensor>();
        foreach (var entry in header.RootElement.EnumerateObject().Where(e => e.Name != "__metadata__"))
        {
            var dtype = entry.Value.GetProperty("dtype").GetString() switch
            {
                "F64" => ScalarType.Float64,
                "F32" => ScalarType.Float32,
                "I64" => ScalarType.Int64,
                "U8" => ScalarType.Byte,
                var other => throw new InvalidDataException($"{path}: {entry.Name} has type {other}."),
            };
            var shape = entry.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64()).ToArray();
            var offsets = entry.Value.GetProperty("data_offsets").EnumerateArray().Select(d => d.GetInt32()).ToArray();
            var tensor = empty(shape, dtype);
            if (offsets[1] > offsets[0])
                tensor.bytes = bytes.AsSpan(start + offsets[0], offsets[1] - offsets[0]);
            tensors[entry.Name] = tensor;
        }
        return tensors;
    }
}
