using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Schane.Data.Sets;

/// <summary>Reads numeric arrays from MATLAB files of version 5 to 7 ("MAT-File Format", MathWorks), little-endian. Version 7.3
/// is HDF5 and refused.</summary>
internal static class MatFile
{
    private const int MaxBytes = 64 << 20;

    /// <summary>The numbers of an array in MATLAB's order, column by column.</summary>
    /// <exception cref="SchaneException">Missing, damaged, of another version, or without such an array.</exception>
    public static double[] Read(string path, string variable)
    {
        try
        {
            using var file = File.OpenRead(path);
            if (file.Length > MaxBytes)
                throw new SchaneException(
                    $"'{Printable.Escape(path)}' has {file.Length} bytes; .mat files of data sets have fewer than {MaxBytes}.");
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            if (bytes.Length < 128 || bytes[126] != 'I' || bytes[127] != 'M' || bytes[125] != 1)
                throw new SchaneException($"'{Printable.Escape(path)}' is not a MATLAB file of version 5 to 7. Save it with -v7.");
            for (ReadOnlySpan<byte> rest = bytes.AsSpan(128); rest.Length >= 8;)
            {
                var (type, content) = Element(ref rest);
                if (type == 15)                                           // miCOMPRESSED: one element, deflated
                {
                    ReadOnlySpan<byte> inflated = Inflate(content);
                    (type, content) = Element(ref inflated);
                }
                if (type == 14 && Array(content, variable) is { } numbers)
                    return numbers;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or ArgumentOutOfRangeException)
        {
            throw new SchaneException($"'{Printable.Escape(path)}' can't be read: {Printable.Escape(e.Message)}", e);
        }
        throw new SchaneException($"'{Printable.Escape(path)}' holds no numeric array '{variable}'.");
    }

    // A tag of type and length, then the content, padded to 8 bytes; up to 4 bytes stand in the tag itself.
    private static (int Type, byte[] Content) Element(ref ReadOnlySpan<byte> rest)
    {
        var word = BinaryPrimitives.ReadUInt32LittleEndian(rest);
        if (word >> 16 is var small and > 0)
        {
            var inside = rest.Slice(4, (int)small).ToArray();
            rest = rest[8..];
            return ((int)(word & 0xFFFF), inside);
        }
        var length = BinaryPrimitives.ReadInt32LittleEndian(rest[4..]);
        var content = rest.Slice(8, length).ToArray();
        var padded = word == 15 ? length : (length + 7) / 8 * 8;
        rest = rest[Math.Min(8 + padded, rest.Length)..];
        return ((int)word, content);
    }

    private static double[]? Array(ReadOnlySpan<byte> matrix, string variable)
    {
        var flags = Element(ref matrix).Content;
        Element(ref matrix);                                              // dimensions: the order of the numbers is enough
        var name = Encoding.ASCII.GetString(Element(ref matrix).Content);
        if (name != variable || flags[0] is < 6 or > 15)                  // mxDOUBLE … mxUINT64
            return null;
        var (type, content) = Element(ref matrix);
        var width = type switch
        {
            1 or 2 => 1,
            3 or 4 => 2,
            5 or 6 or 7 => 4,
            9 or 12 or 13 => 8,
            _ => throw new InvalidDataException($"Numbers of type {type} are not understood.")
        };
        return [.. Enumerable.Range(0, content.Length / width).Select(i =>
        {
            var at = content.AsSpan(i * width);
            return type switch
            {
                1 => (sbyte)at[0],
                2 => at[0],
                3 => BinaryPrimitives.ReadInt16LittleEndian(at),
                4 => BinaryPrimitives.ReadUInt16LittleEndian(at),
                5 => BinaryPrimitives.ReadInt32LittleEndian(at),
                6 => BinaryPrimitives.ReadUInt32LittleEndian(at),
                7 => BinaryPrimitives.ReadSingleLittleEndian(at),
                9 => BinaryPrimitives.ReadDoubleLittleEndian(at),
                12 => BinaryPrimitives.ReadInt64LittleEndian(at),
                _ => (double)BinaryPrimitives.ReadUInt64LittleEndian(at),
            };
        })];
    }

    private static byte[] Inflate(byte[] packed)
    {
        using var zip = new ZLibStream(new MemoryStream(packed), CompressionMode.Decompress);
        var all = new MemoryStream();
        var buffer = new byte[1 << 16];
        for (int n; (n = zip.Read(buffer)) > 0;)
        {
            all.Write(buffer, 0, n);
            if (all.Length > MaxBytes)
                throw new InvalidDataException($"It unpacks to more than {MaxBytes} bytes.");
        }
        return all.ToArray();
    }
}
