using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace Schane.Checkpoints;

/// <summary>NumPy's arrays: a single <c>.npy</c>, or an archive <c>.npz</c> of them that is not compressed. Arrays of
/// objects are refused.</summary>
internal sealed partial class NumpyFile : ICheckpoint
{
    private const int MaxHeaderBytes = 1 << 16;
    private const int ChunkBytes = 1 << 28;

    private readonly ByteSource source;
    private readonly Dictionary<string, Entry> entries;

    internal NumpyFile(ByteSource source, Dictionary<string, (long Offset, long Length)> members)
    {
        this.source = source;
        Origin = source.Origin;
        entries = members.ToDictionary(m => m.Key[..^".npy".Length], m => ReadHeader(m.Key, m.Value.Offset, m.Value.Length));
        Names = [.. entries.Keys];
    }

    /// <inheritdoc/>
    public string Origin { get; }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Names { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>();

    /// <inheritdoc/>
    public long[] ShapeOf(string name) => [.. Find(name).Shape];

    /// <inheritdoc/>
    public ScalarType TypeOf(string name) => Find(name).Type.Type;

    /// <inheritdoc/>
    public Tensor Read(string name)
    {
        using var scope = NewDisposeScope();
        var entry = Find(name);
        var tensor = empty(entry.ColumnMajor ? [.. entry.Shape.Reverse()] : entry.Shape, dtype: entry.Type.Type);
        var flat = tensor.view(-1);
        var step = ChunkBytes / entry.Type.Bytes;
        for (long at = 0; at < flat.shape[0]; at += step)
        {
            using var part = flat.narrow(0, at, Math.Min(step, flat.shape[0] - at));
            source.Read(entry.Data + at * entry.Type.Bytes, part.bytes);
            if (entry.Type.Type == ScalarType.Bool)
                foreach (ref var b in part.bytes)
                    b = b == 0 ? (byte)0 : (byte)1;                       // libtorch takes 0 and 1 alone
        }
        return (entry.ColumnMajor ? tensor.permute([.. Enumerable.Range(0, entry.Shape.Length).Reverse().Select(d => (long)d)]).contiguous()
            : tensor).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => source.Dispose();

    /// <summary>Writes one float32 array in C order as <c>.npy</c> version 1, whole or not at all.</summary>
    internal static void Write(string path, ReadOnlySpan<float> values, long[] shape)
    {
        var text = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({string.Concat(shape.Select(d => $"{d}, "))}), }}";
        // 10 bytes before it; the data start at a multiple of 64
        var padded = text.PadRight((text.Length + 11 + 63) / 64 * 64 - 11) + "\n";
        byte[] header = [0x93, .. "NUMPY"u8, 1, 0, (byte)padded.Length, (byte)(padded.Length >> 8), .. Encoding.Latin1.GetBytes(padded)];
        var data = values.ToArray();
        AtomicFile.Write(path, stream =>
        {
            stream.Write(header);
            stream.Write(MemoryMarshal.AsBytes<float>(data));
        });
    }

    private Entry Find(string name) =>
        entries.TryGetValue(name, out var entry) ? entry : throw new CheckpointException(Origin, $"has no array '{name}'.");

    /// <summary>0x93 NUMPY, version, length, then a Python dictionary with descr, fortran_order and shape.</summary>
    private Entry ReadHeader(string member, long offset, long length)
    {
        var shown = Printable.Short(member);
        if (length < 12)
            throw new CheckpointException(Origin, $"holds '{shown}', which is too short for an array.");
        var start = source.Read(offset, 12);
        if (start is not [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', ..] || start[6] is < 1 or > 3)
            throw new CheckpointException(Origin, $"holds '{shown}', which is no NumPy array of version 1 to 3.");
        var (before, size) = start[6] == 1 ? (10, BinaryPrimitives.ReadUInt16LittleEndian(start.AsSpan(8)))
            : (12L, BinaryPrimitives.ReadUInt32LittleEndian(start.AsSpan(8)));
        if (size > MaxHeaderBytes || size > length - before)
            throw new CheckpointException(Origin,
                $"has a header of {size} bytes at '{shown}', more than {MaxHeaderBytes} or than there are.");
        var header = Header().Match(Encoding.Latin1.GetString(source.Read(offset + before, (int)size)));
        if (!header.Success)
            throw new CheckpointException(Origin, $"has a header at '{shown}' that is not that of a plain array.");
        if (PickleGlobals.NumpyType(header.Groups["type"].Value) is not { } type)
            throw new CheckpointException(Origin, $"holds '{shown}' of type '{Printable.Short(header.Groups["type"].Value)}'; " +
                "objects, texts and big-endian numbers are refused. Save numbers in this machine's order.");
        var sizes = header.Groups["shape"].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var shape = new long[sizes.Length];
        for (var d = 0; d < shape.Length; d++)
            if (!long.TryParse(sizes[d], out shape[d]) || d >= 64)
                throw new CheckpointException(Origin, $"gives '{shown}' a shape that is none.");
        var bytes = PickleGlobals.Product(shape, type.Bytes);
        if (bytes < 0 || bytes != length - before - size)
            throw new CheckpointException(Origin,
                $"is truncated or damaged: '{shown}' of shape [{string.Join(", ", shape)}] has {length - before - size} bytes.");
        return new(type, shape, header.Groups["order"].Value == "True", offset + before + size);
    }

    private sealed record Entry(PickleDtype Type, long[] Shape, bool ColumnMajor, long Data);

    [GeneratedRegex(@"^\{'descr': '(?<type>[^']{1,20})', 'fortran_order': (?<order>True|False), 'shape': \((?<shape>[\d, ]*)\), \}\s*$",
        RegexOptions.NonBacktracking)]
    private static partial Regex Header();
}
