using System.Globalization;
using Google.Protobuf;
using Schane.Checkpoints;
using Schane.Checkpoints.Onnx;
using Schane.Runs;
using static TorchSharp.torch;

namespace Schane.Export;

/// <summary>
/// Writes a graph as an ONNX file, one constant after another: Protocol Buffers allow any order of fields and a message to go on after its
/// end, so neither the file nor its graph ever stands in memory as a whole.
/// </summary>
internal static class OnnxWriter
{
    /// <summary>Constants smaller than this stay in the file where the others lie beside it: runtimes want shapes there.</summary>
    private const int LeastOutside = 1024;

    /// <summary>Where constants outside the file begin: at multiples of what systems map into memory.</summary>
    private const int Alignment = 1 << 16;

    /// <summary>Suffix of the file that holds the constants.</summary>
    public const string DataSuffix = ".data";

    /// <param name="graph">The graph.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="metadata">Texts for the file's metadata.</param>
    /// <param name="externalAbove">Bytes of constants above which they are written to <c>PATH.data</c>; at most 2 GB, since a
    /// message can't be longer.</param>
    /// <param name="stop">Stops between constants.</param>
    public static void Write(OnnxGraph graph, string path, IReadOnlyDictionary<string, string> metadata, long externalAbove,
        CancellationToken stop = default)
    {
        var outside = graph.Weights.Sum(w => w.Bytes) > externalAbove;
        var location = Path.GetFileName(path) + DataSuffix;
        var parts = Headers(graph, outside ? location : null);

        using var file = File.Create(path);
        using (var output = new CodedOutputStream(file, leaveOpen: true))
        {
            var model = new ModelProto
            {
                IrVersion = IrVersion(graph.Opset),
                ProducerName = "schane",
                ProducerVersion = RunFolder.Version,
                OpsetImport = { new OperatorSetIdProto { Domain = "", Version = graph.Opset } },
            };
            model.MetadataProps.Add(metadata.Select(m => new StringStringEntryProto { Key = m.Key, Value = m.Value }));
            model.WriteTo(output);

            long size = graph.Proto.CalculateSize();
            foreach (var part in parts)
                size += 1 + CodedOutputStream.ComputeUInt64Size((ulong)part.Size) + part.Size;
            output.WriteTag(ModelProto.GraphFieldNumber, WireFormat.WireType.LengthDelimited);
            output.WriteUInt64((ulong)size);
            graph.Proto.WriteTo(output);
            foreach (var part in parts)
            {
                stop.ThrowIfCancellationRequested();
                output.WriteTag(GraphProto.InitializerFieldNumber, WireFormat.WireType.LengthDelimited);
                output.WriteUInt64((ulong)part.Size);
                part.Header.WriteTo(output);
                if (!part.Inline)
                    continue;
                output.WriteTag(TensorProto.RawDataFieldNumber, WireFormat.WireType.LengthDelimited);
                output.WriteUInt64((ulong)part.Weight.Bytes);
                output.Flush();
                WriteValues(file, part.Weight);
            }
        }
        file.Flush(flushToDisk: true);
        if (outside)
            WriteOutside(path + DataSuffix, parts, stop);
    }

    /// <summary>Adds texts to the metadata of a finished file: a message may go on after its end.</summary>
    public static void Append(string path, IReadOnlyDictionary<string, string> metadata)
    {
        using var file = new FileStream(path, FileMode.Append);
        var model = new ModelProto();
        model.MetadataProps.Add(metadata.Select(m => new StringStringEntryProto { Key = m.Key, Value = m.Value }));
        model.WriteTo(file);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Version of the format that came with a version of the operators.</summary>
    private static long IrVersion(int opset) => opset switch { < 19 => 8, < 21 => 9, _ => 10 };

    private static List<Part> Headers(OnnxGraph graph, string? location)
    {
        long at = 0;
        var parts = new List<Part>();
        foreach (var weight in graph.Weights)
        {
            var header = new TensorProto { Name = weight.Name, DataType = (int)TypeOf(weight.Type) };
            header.Dims.Add(weight.Shape);
            var inline = location is null || weight.Bytes < LeastOutside;
            if (!inline)
            {
                at = (at + Alignment - 1) / Alignment * Alignment;
                void Say(string key, string value) => header.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
                header.DataLocation = TensorProto.Types.DataLocation.External;
                Say("location", location!);
                Say("offset", at.ToString(CultureInfo.InvariantCulture));
                Say("length", weight.Bytes.ToString(CultureInfo.InvariantCulture));
                at += weight.Bytes;
            }
            parts.Add(new(weight, header, inline));
        }
        return parts;

        static TensorProto.Types.DataType TypeOf(ScalarType type) => type switch
        {
            ScalarType.Float32 => TensorProto.Types.DataType.Float,
            ScalarType.Float16 => TensorProto.Types.DataType.Float16,
            ScalarType.BFloat16 => TensorProto.Types.DataType.Bfloat16,
            ScalarType.Int64 => TensorProto.Types.DataType.Int64,
            ScalarType.Int32 => TensorProto.Types.DataType.Int32,
            ScalarType.Int8 => TensorProto.Types.DataType.Int8,
            ScalarType.Byte => TensorProto.Types.DataType.Uint8,
            _ => throw new ArgumentException($"ONNX files of Schane hold no {type}.", nameof(graph)),
        };
    }

    private static void WriteOutside(string path, List<Part> parts, CancellationToken stop)
    {
        using var file = File.Create(path);
        foreach (var (weight, header, _) in parts.Where(p => !p.Inline))
        {
            stop.ThrowIfCancellationRequested();
            file.Position = long.Parse(header.ExternalData[1].Value, CultureInfo.InvariantCulture);
            WriteValues(file, weight);
        }
        file.Flush(flushToDisk: true);
    }

    private static void WriteValues(Stream file, OnnxWeight weight)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var values = weight.Make();
        if (!values.shape.SequenceEqual(weight.Shape))
            throw new InvalidOperationException(
                $"Constant {weight.Name} was declared as [{string.Join(", ", weight.Shape)}] but is [{string.Join(", ", values.shape)}].");
        Safetensors.WriteData(file, values.to(weight.Type));
    }

    /// <summary>A constant, its message without values, and whether the values follow in the file.</summary>
    private sealed record Part(OnnxWeight Weight, TensorProto Header, bool Inline)
    {
        /// <summary>Bytes of its message: the header, and the values with their tag and length.</summary>
        public long Size =>
            Header.CalculateSize() + (Inline ? 1 + CodedOutputStream.ComputeUInt64Size((ulong)Weight.Bytes) + Weight.Bytes : 0);
    }
}
