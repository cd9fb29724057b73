using System.Buffers.Binary;
using System.Text;

namespace Schane.Checkpoints;

/// <summary>
/// The files of a zip archive that are stored as they are, with where their bytes begin: what PyTorch and NumPy write, zip64 included.
/// Compressed and encrypted members are refused, so nothing can unpack to more than the archive holds.
/// </summary>
internal static class ZipDirectory
{
    private const uint EndSignature = 0x06054b50, End64Signature = 0x06064b50, Locator64Signature = 0x07064b50,
        EntrySignature = 0x02014b50, LocalSignature = 0x04034b50;
    private const int EndBytes = 22, EntryBytes = 46, LocalBytes = 30;
    private const long MaxDirectoryBytes = 64 << 20;

    /// <summary>Name → offset and length of its bytes.</summary>
    /// <exception cref="CheckpointException">A rule of the format is broken, or a member is compressed.</exception>
    public static Dictionary<string, (long Offset, long Length)> Read(ByteSource source)
    {
        var (start, size, count) = FindDirectory(source);
        if (size > MaxDirectoryBytes || start < 0 || size < 0 || start > source.Length - size)
            throw new CheckpointException(source.Origin,
                $"is truncated or damaged: its zip directory should have {size} bytes at {start}.");
        var directory = source.Read(start, (int)size).AsSpan();
        var files = new Dictionary<string, (long, long)>(StringComparer.Ordinal);
        while (directory.Length >= EntryBytes && U32(directory) == EntrySignature)
        {
            var (nameLength, extraLength, commentLength) = (U16(directory[28..]), U16(directory[30..]), U16(directory[32..]));
            var entryLength = EntryBytes + nameLength + extraLength + commentLength;
            if (entryLength > directory.Length)
                throw new CheckpointException(source.Origin, "has a damaged zip directory: an entry is longer than the directory.");
            var name = Encoding.UTF8.GetString(directory.Slice(EntryBytes, nameLength));
            var (flags, method) = (U16(directory[8..]), U16(directory[10..]));
            long packed = U32(directory[20..]), length = U32(directory[24..]), local = U32(directory[42..]);
            ReadExtra64(directory.Slice(EntryBytes + nameLength, extraLength), ref length, ref packed, ref local);
            if ((flags & 1) != 0 || method != 0 || packed != length)
                throw new CheckpointException(source.Origin, $"has the member '{Printable.Short(name)}' compressed or encrypted; " +
                    "in archives of weights members are stored as they are (numpy.savez, not savez_compressed).");
            if (!files.TryAdd(name, (local, length)))
                throw new CheckpointException(source.Origin, $"has the member '{Printable.Short(name)}' twice.");
            directory = directory[entryLength..];
            count--;
        }
        if (count != 0 || !directory.IsEmpty)
            throw new CheckpointException(source.Origin, "has a damaged zip directory: the number of its entries is wrong.");
        return files.ToDictionary(f => f.Key, f => (Data(source, f.Key, f.Value.Item1, f.Value.Item2), f.Value.Item2));
    }

    /// <summary>Where the bytes of a member begin: behind its local header.</summary>
    private static long Data(ByteSource source, string name, long local, long length)
    {
        if (local < 0 || local > source.Length - LocalBytes)
            throw new CheckpointException(source.Origin,
                $"is truncated: the member '{Printable.Short(name)}' should begin at {local}.");
        Span<byte> header = stackalloc byte[LocalBytes];
        source.Read(local, header);
        var data = local + LocalBytes + U16(header[26..]) + U16(header[28..]);
        if (U32(header) != LocalSignature || length < 0 || data > source.Length - length)
            throw new CheckpointException(source.Origin, $"is truncated or damaged at the member '{Printable.Short(name)}'.");
        return data;
    }

    private static (long Start, long Size, long Count) FindDirectory(ByteSource source)
    {
        var tailLength = (int)Math.Min(source.Length, EndBytes + ushort.MaxValue);
        var tailStart = source.Length - tailLength;
        var tail = source.Read(tailStart, tailLength).AsSpan();
        for (var at = tailLength - EndBytes; at >= 0; at--)
        {
            if (U32(tail[at..]) != EndSignature || at + EndBytes + U16(tail[(at + 20)..]) != tailLength)
                continue;
            long count = U16(tail[(at + 10)..]), size = U32(tail[(at + 12)..]), start = U32(tail[(at + 16)..]);
            var locator = tailStart + at - 20;
            if (locator >= 0 && U32(source.Read(locator, 4)) == Locator64Signature)
            {
                var end64 = I64(source.Read(locator + 8, 8));
                if (end64 < 0 || end64 > source.Length - 56)
                    throw new CheckpointException(source.Origin, "has a damaged zip64 directory.");
                var record = source.Read(end64, 56).AsSpan();
                if (U32(record) != End64Signature)
                    throw new CheckpointException(source.Origin, "has a damaged zip64 directory.");
                (count, size, start) = (I64(record[32..]), I64(record[40..]), I64(record[48..]));
            }
            return (start, size, count);
        }
        throw new CheckpointException(source.Origin,
            "is truncated: it begins as a zip archive but has no directory at its end. Fetch it again.");
    }

    /// <summary>Sizes and offsets of 32 bits that are full stand in extra field 1, in this order.</summary>
    private static void ReadExtra64(ReadOnlySpan<byte> extra, ref long length, ref long packed, ref long local)
    {
        while (extra.Length >= 4)
        {
            var (id, size) = (U16(extra), U16(extra[2..]));
            extra = extra[4..];
            if (size > extra.Length)
                return;
            if (id == 1)
            {
                var fields = extra[..size];
                Take(ref fields, ref length);
                Take(ref fields, ref packed);
                Take(ref fields, ref local);
            }
            extra = extra[size..];
        }

        static void Take(ref ReadOnlySpan<byte> fields, ref long value)
        {
            if (value != uint.MaxValue || fields.Length < 8)
                return;
            value = I64(fields);
            fields = fields[8..];
        }
    }

    private static ushort U16(ReadOnlySpan<byte> at) => BinaryPrimitives.ReadUInt16LittleEndian(at);

    private static uint U32(ReadOnlySpan<byte> at) => BinaryPrimitives.ReadUInt32LittleEndian(at);

    private static long I64(ReadOnlySpan<byte> at) => BinaryPrimitives.ReadInt64LittleEndian(at);
}
