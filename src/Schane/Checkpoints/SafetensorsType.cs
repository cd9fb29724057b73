using static TorchSharp.torch;

namespace Schane.Checkpoints;

/// <summary>How an element type of the format is stored, and what it becomes.</summary>
/// <param name="Name">As in the header: <c>F32</c>, <c>BF16</c>, …</param>
/// <param name="Bytes">Size of one element in the file.</param>
/// <param name="Type">Type of the tensor that is read.</param>
/// <param name="Widened">Null where the bytes are taken as they are; otherwise the element at these bytes as a number of
/// <paramref name="Type"/>.</param>
internal sealed record SafetensorsType(string Name, int Bytes, ScalarType Type, Func<byte[], int, double>? Widened = null)
{
    /// <summary>Every type of whole bytes. TorchSharp has no 8-bit floats and no unsigned types above 8 bits: these are
    /// widened without loss.</summary>
    public static readonly IReadOnlyDictionary<string, SafetensorsType> All = new SafetensorsType[]
    {
        new("F64", 8, ScalarType.Float64),
        new("F32", 4, ScalarType.Float32),
        new("F16", 2, ScalarType.Float16),
        new("BF16", 2, ScalarType.BFloat16),
        new("I64", 8, ScalarType.Int64),
        new("I32", 4, ScalarType.Int32),
        new("I16", 2, ScalarType.Int16),
        new("I8", 1, ScalarType.Int8),
        new("U8", 1, ScalarType.Byte),
        new("BOOL", 1, ScalarType.Bool),
        new("C64", 8, ScalarType.ComplexFloat32),
        new("U16", 2, ScalarType.Int32, (b, at) => BitConverter.ToUInt16(b, at)),
        new("U32", 4, ScalarType.Int64, (b, at) => BitConverter.ToUInt32(b, at)),
        new("F8_E4M3", 1, ScalarType.Float32, (b, at) => E4M3(b[at])),
        new("F8_E5M2", 1, ScalarType.Float32, (b, at) => (double)BitConverter.UInt16BitsToHalf((ushort)(b[at] << 8))),
    }.ToDictionary(t => t.Name);

    /// <summary>The type a tensor is written as.</summary>
    /// <exception cref="ArgumentException">A type that the format lacks (complex 128, quantised).</exception>
    public static SafetensorsType Of(ScalarType type) =>
        All.Values.FirstOrDefault(t => t.Type == type && t.Widened is null)
        ?? throw new ArgumentException($"A tensor of type {type} can't be stored as safetensors; convert it to one of " +
            $"{string.Join(", ", All.Values.Where(t => t.Widened is null).Select(t => t.Type))}.");

    /// <summary>8-bit float with 4 exponent bits, bias 7, no infinities, NaN at S.1111.111 (Micikevicius et al.
    /// 2022, arXiv:2209.05433).</summary>
    private static double E4M3(byte bits)
    {
        var (exponent, fraction) = ((bits >> 3) & 15, bits & 7);
        var magnitude = exponent == 15 && fraction == 7 ? double.NaN
            : exponent == 0 ? fraction / 8.0 * Math.Pow(2, -6)
            : (1 + fraction / 8.0) * Math.Pow(2, exponent - 7);
        return bits >= 128 ? -magnitude : magnitude;
    }
}
