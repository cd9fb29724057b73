using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Schane.Checkpoints;

/// <summary>
/// An open safetensors file. The header is checked on opening; tensors are copied out of the memory map when they are asked for, so the
/// private memory is that of the tensors read. Reading is thread-safe; disposing while reading is not.
/// </summary>
internal sealed class SafetensorsFile : ICheckpoint
{
    private const int ChunkBytes = 1 << 28;                               // spans are limited to 2 GiB

    private readonly Dictionary<string, SafetensorsEntry> entries;
    private readonly long dataStart;
    private readonly ReadOnlyMemory<byte> memory;
    private readonly FileStream? stream;
    private readonly MemoryMappedFile? map;
    private readonly MemoryMappedViewAccessor? view;
    private readonly long length;

    internal SafetensorsFile(string path)
    {
        Origin = path;
        try
        {
            if (Directory.Exists(path))
                throw new CheckpointException(path, "is a folder; name a .safetensors file inside it.");
            stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
            length = stream.Length;
            if (length > 0)
            {
                map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read,
                    HandleInheritability.None, leaveOpen: true);
                view = map.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            }
            (entries, dataStart, Names, Metadata) = ReadHeader();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            Dispose();
            throw new CheckpointException(path,
                e is FileNotFoundException or DirectoryNotFoundException ? "does not exist." : $"can't be read: {e.Message}", e);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal SafetensorsFile(ReadOnlyMemory<byte> bytes, string origin)
    {
        (Origin, memory, length) = (origin, bytes, bytes.Length);
        (entries, dataStart, Names, Metadata) = ReadHeader();
    }

    /// <inheritdoc/>
    public string Origin { get; }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Names { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <inheritdoc/>
    public long[] ShapeOf(string name) => [.. Entry(name).Shape];

    /// <inheritdoc/>
    public ScalarType TypeOf(string name) => Entry(name).Type.Type;

    /// <inheritdoc/>
    public Tensor Read(string name)
    {
        var entry = Entry(name);
        if (stream is not null && RandomAccess.GetLength(stream.SafeFileHandle) < length)
            throw new CheckpointException(Origin, "was cut short while it was open.");
        var tensor = empty(entry.Shape, dtype: entry.Type.Type);
        using var scope = NewDisposeScope();
        var flat = tensor.view(-1);
        var step = ChunkBytes / Math.Max(entry.Type.Bytes, (int)tensor.element_size());
        for (long at = 0, count = tensor.numel(); at < count; at += step)
        {
            var n = (int)Math.Min(step, count - at);
            var source = Bytes(dataStart + entry.Begin + at * entry.Type.Bytes, n * entry.Type.Bytes);
            using var part = flat.narrow(0, at, n);
            if (entry.Type.Widened is { } widened)
                Widen(source.ToArray(), entry.Type, widened, part);
            else if (entry.Type.Type == ScalarType.Bool)
                CopyTruth(source, part.bytes);
            else
                source.CopyTo(part.bytes);
        }
        return tensor;
    }

    /// <summary>The numbers of a tensor that is small, without libtorch, whose loading takes half a second.</summary>
    /// <typeparam name="T">As the file has them: float for F32, long for I64.</typeparam>
    /// <exception cref="CheckpointException">No such tensor, or of another type.</exception>
    internal T[] Numbers<T>(string name) where T : unmanaged
    {
        var entry = Entry(name);
        if (entry.Type.Type != (typeof(T) == typeof(float) ? ScalarType.Float32 : ScalarType.Int64) || entry.Type.Widened is not null)
            throw new CheckpointException(Origin, $"has a tensor '{name}' of another type than it should.");
        var count = entry.Shape.Aggregate(1L, (all, side) => all * side);
        return MemoryMarshal.Cast<byte, T>(Bytes(dataStart + entry.Begin, checked((int)(count * entry.Type.Bytes)))).ToArray();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        view?.Dispose();
        map?.Dispose();
        stream?.Dispose();
    }

    private SafetensorsEntry Entry(string name) =>
        entries.TryGetValue(name, out var entry) ? entry : throw new CheckpointException(Origin, $"has no tensor '{name}'.");

    private (Dictionary<string, SafetensorsEntry>, long, IReadOnlyCollection<string>, IReadOnlyDictionary<string, string>) ReadHeader()
    {
        if (length < 8)
            throw new CheckpointException(Origin,
                $"is not a safetensors file: it has {length} bytes, and the length of the header alone takes 8.");
        var start = Bytes(0, 8);
        var size = BinaryPrimitives.ReadUInt64LittleEndian(start);
        CheckpointFile.RefuseOther(Bytes(0, (int)Math.Min(length, CheckpointFile.HeadBytes)), Origin);
        if (size > (ulong)(length - 8))
            throw new CheckpointException(Origin,
                $"is truncated or not a safetensors file: its header should have {size} bytes, but {length - 8} follow.");
        if (size > SafetensorsHeader.MaxBytes)
            throw new CheckpointException(Origin, $"has a header of {size} bytes; {SafetensorsHeader.MaxBytes} are allowed.");
        var header = SafetensorsHeader.Parse(Bytes(8, (int)size), length - 8 - (long)size, Origin);
        return (header.Entries.ToDictionary(e => e.Name), 8 + (long)size, [.. header.Entries.Select(e => e.Name)], header.Metadata);
    }

    private unsafe ReadOnlySpan<byte> Bytes(long at, int count)
    {
        if (view is null)
            return memory.Span.Slice((int)at, count);
        // The view stays mapped until Dispose, so the pointer outlives the reference that is given back here.
        byte* pointer = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        return new(pointer + view.PointerOffset + at, count);
    }

    /// <summary>libtorch takes 0 and 1 alone for truth values; other bytes would be undefined behaviour.</summary>
    private static void CopyTruth(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        for (var i = 0; i < source.Length; i++)
            destination[i] = source[i] == 0 ? (byte)0 : (byte)1;
    }

    private static void Widen(byte[] source, SafetensorsType type, Func<byte[], int, double> widened, Tensor part)
    {
        for (var i = 0; i < source.Length / type.Bytes; i++)
        {
            var value = widened(source, i * type.Bytes);
            switch (type.Type)
            {
                case ScalarType.Float32: MemoryMarshal.Cast<byte, float>(part.bytes)[i] = (float)value; break;
                case ScalarType.Int32: MemoryMarshal.Cast<byte, int>(part.bytes)[i] = (int)value; break;
                default: MemoryMarshal.Cast<byte, long>(part.bytes)[i] = (long)value; break;
            }
        }
    }
}
