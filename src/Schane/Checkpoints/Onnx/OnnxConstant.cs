using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Checkpoints.Onnx;

/// <summary>A constant of an ONNX graph, checked when it is found: its values have the size of its shape, in the file
/// or in one beside it.</summary>
internal sealed class OnnxConstant
{
    private const int MostDimensions = 8;

    private readonly TensorProto proto;
    private readonly string origin;
    private readonly (string Path, long Offset)? outside;
    private readonly bool reversed;

    /// <param name="proto">The constant; of a type that <see cref="IsReal"/> takes.</param>
    /// <param name="origin">The file it is in.</param>
    /// <param name="reversesInputs">Whether the second axis is read backwards: a net of BGR images as one of RGB.</param>
    /// <exception cref="CheckpointException">Its values are fewer or more than its shape says, or in a file
    /// that is not beside it.</exception>
    public OnnxConstant(TensorProto proto, string origin, bool reversesInputs = false)
    {
        (this.proto, this.origin, reversed) = (proto, origin, reversesInputs);
        Type = TypeOf(proto)!.Value;
        Shape = [.. proto.Dims];
        Int128 bytes = Type.ElementSize();
        foreach (var size in Shape.Length <= MostDimensions ? Shape : [-1])
            bytes = size < 0 || bytes > long.MaxValue ? -1 : bytes * size;
        if (bytes < 0 || bytes > long.MaxValue)
            throw new CheckpointException(origin, $"gives {Shown} the shape [{string.Join(", ", Shape)}], which no tensor has.");
        if (proto.DataLocation == TensorProto.Types.DataLocation.External)
            outside = Outside((long)bytes);
        else if (bytes != Inside)
            throw new CheckpointException(origin,
                $"is damaged: {Shown} of shape [{string.Join(", ", Shape)}] needs {bytes} bytes but has {Inside}.");
    }

    public long[] Shape { get; }

    public ScalarType Type { get; }

    /// <summary>Whether it is of a floating type that is understood.</summary>
    public static bool IsReal(TensorProto proto) => TypeOf(proto) is not null;

    /// <summary>A new tensor on the CPU, owned by the caller's dispose scope.</summary>
    public Tensor Read()
    {
        using var scope = NewDisposeScope();
        var values = empty(Shape, dtype: Type);
        if (values.numel() > 0)
            Fill(values);
        return (reversed ? values.flip(1) : values).MoveToOuterDisposeScope();
    }

    private void Fill(Tensor values)
    {
        if (outside is (var path, var offset))
        {
            using var file = new ByteSource(path);
            file.Read(offset, values.bytes);
        }
        else if (proto.FloatData.Count > 0)
            proto.FloatData.ToArray().CopyTo(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(values.bytes));
        else if (proto.DoubleData.Count > 0)
            proto.DoubleData.ToArray().CopyTo(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, double>(values.bytes));
        else
            proto.RawData.Span.CopyTo(values.bytes);
    }

    /// <summary>Bytes of the values in the file itself.</summary>
    private long Inside => Type switch
    {
        ScalarType.Float32 when proto.FloatData.Count > 0 => 4L * proto.FloatData.Count,
        ScalarType.Float64 when proto.DoubleData.Count > 0 => 8L * proto.DoubleData.Count,
        _ => proto.RawData.Length,
    };

    private (string, long) Outside(long bytes)
    {
        string? Text(string key) => proto.ExternalData.FirstOrDefault(d => d.Key == key)?.Value;
        long Number(string key, long otherwise) => Text(key) is not { } text ? otherwise
            : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
            : throw new CheckpointException(origin,
                $"is damaged: {key} of {Shown} is '{Printable.Short(text)}', which is no number.");
        var location = Text("location") ?? "";
        if (location.Length == 0 || location[0] == '/' || location.AsSpan().IndexOfAny("\\:\0") >= 0 || location.Split('/').Contains(".."))
            throw new CheckpointException(origin, $"keeps {Shown} in '{Printable.Short(location)}', which leads out of the " +
                "folder of the file; constants are read from files beside it alone.");
        var path = Path.Combine(Path.GetDirectoryName(origin) ?? "", location);
        var (offset, length) = (Number("offset", 0), Number("length", bytes));
        using var file = new ByteSource(path);
        if (length != bytes || offset > file.Length - bytes)
            throw new CheckpointException(origin, $"is damaged: {Shown} needs {bytes} bytes at {offset} of " +
                $"'{Printable.Short(location)}', which has {file.Length}; {length} are announced.");
        return (path, offset);
    }

    private string Shown => $"'{Printable.Short(proto.Name)}'";

    private static ScalarType? TypeOf(TensorProto proto) => (TensorProto.Types.DataType)proto.DataType switch
    {
        TensorProto.Types.DataType.Float => ScalarType.Float32,
        TensorProto.Types.DataType.Double => ScalarType.Float64,
        TensorProto.Types.DataType.Float16 => ScalarType.Float16,
        TensorProto.Types.DataType.Bfloat16 => ScalarType.BFloat16,
        _ => null,
    };
}
