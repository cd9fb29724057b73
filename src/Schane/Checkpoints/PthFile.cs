using System.Buffers.Binary;
using System.Numerics;
using static TorchSharp.torch;

namespace Schane.Checkpoints;

/// <summary>
/// A PyTorch checkpoint (<c>.pth</c>, <c>.pt</c>, <c>.bin</c>), in the zip form and in that of before version 1.6, read by a restricted
/// unpickler that calls nothing. The published nestings (<c>model</c>, <c>state_dict</c>, <c>module</c>) are taken off. Tensors are read
/// from the file when they are asked for.
/// </summary>
internal sealed class PthFile : ICheckpoint
{
    private const int MaxPickleBytes = 16 << 20;
    private const int ChunkBytes = 1 << 28;
    private const long SmallTensor = 64 << 20;                            // an expanded tensor may be larger than its storage up to here
    private const int LegacyProtocol = 1001;
    private static readonly BigInteger LegacyMagic = BigInteger.Parse("119547037146038801333356");   // 0x1950a86a20f9469cfc6c
    private static readonly string[] Nestings = ["model", "state_dict", "module", "model_state_dict", "model_state", "net", "weights"];

    private readonly ByteSource source;
    private readonly Dictionary<string, object> tensors;
    private readonly Dictionary<string, (long Offset, long Length)> storages;

    /// <param name="source">The file; owned from here on.</param>
    /// <param name="files">Its members where it is a zip archive; null for the form of before 1.6.</param>
    internal PthFile(ByteSource source, Dictionary<string, (long Offset, long Length)>? files)
    {
        this.source = source;
        Origin = source.Origin;
        try
        {
            (var root, storages) = files is null ? ReadLegacy() : ReadZip(files);
            tensors = Named(root);
            Names = [.. tensors.Keys];
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>The names of Python that are understood; a file that uses another is refused.</summary>
    public static IReadOnlyList<string> UnderstoodNames => PickleGlobals.Names;

    /// <inheritdoc/>
    public string Origin { get; }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Names { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>();

    /// <inheritdoc/>
    public long[] ShapeOf(string name) => Find(name) is PickleTensor tensor ? [.. tensor.Size] : [.. ((PickleArray)Find(name)).Size];

    /// <inheritdoc/>
    public ScalarType TypeOf(string name) => Find(name) is PickleTensor tensor ? tensor.Type : ((PickleArray)Find(name)).Type!.Type;

    /// <inheritdoc/>
    public Tensor Read(string name) => Find(name) is PickleTensor tensor ? ReadTensor(name, tensor) : ReadArray((PickleArray)Find(name));

    /// <inheritdoc/>
    public void Dispose() => source.Dispose();

    private object Find(string name) =>
        tensors.TryGetValue(name, out var found) ? found : throw new CheckpointException(Origin, $"has no tensor '{name}'.");

    private (object?, Dictionary<string, (long, long)>) ReadZip(Dictionary<string, (long Offset, long Length)> files)
    {
        var pickles = files.Keys.Where(f => f.EndsWith("/data.pkl", StringComparison.Ordinal)).ToArray();
        if (pickles.Length != 1)
            throw new CheckpointException(Origin,
                $"is a zip archive but neither one of PyTorch nor of NumPy: it has {pickles.Length} members data.pkl where 1 is needed.");
        var folder = pickles[0][..^"data.pkl".Length];
        if (files.TryGetValue($"{folder}byteorder", out var order) && order.Length == 3)   // "big"
            throw new CheckpointException(Origin, "was written on a big-endian machine; save it again on another.");
        var (offset, length) = files[pickles[0]];
        if (length > MaxPickleBytes)
            throw new CheckpointException(Origin, $"has a pickle of {length} bytes; {MaxPickleBytes} are allowed.");
        var root = new PickleReader(source.Read(offset, (int)length), Origin, Storage).Read();
        var data = $"{folder}data/";
        return (root,
            files.Where(f => f.Key.StartsWith(data, StringComparison.Ordinal)).ToDictionary(f => f.Key[data.Length..], f => f.Value));
    }

    /// <summary>Magic number, protocol, system, content, keys of the storages: five pickles one after another; then each storage with
    /// its length before it.</summary>
    private (object?, Dictionary<string, (long, long)>) ReadLegacy()
    {
        var bytes = source.Read(0, (int)Math.Min(source.Length, MaxPickleBytes));
        if (bytes.Length < 2 || bytes[0] != 0x80)
            throw new CheckpointException(Origin, "is neither a zip archive nor a pickle: not a PyTorch checkpoint.");
        var sizes = new Dictionary<string, (ScalarType? Type, long Elements)>(StringComparer.Ordinal);
        var reader = new PickleReader(bytes, Origin, id =>
        {
            var storage = Storage(id);
            sizes[storage.Key] = (storage.Type, storage.Elements);
            return storage;
        });
        if (reader.Read() is not BigInteger magic || magic != LegacyMagic)
            throw new CheckpointException(Origin,
                "is a pickle but not a PyTorch checkpoint: it does not begin with PyTorch's magic number.");
        if (reader.Read(reader.Position) is not long protocol || protocol != LegacyProtocol)
            throw new CheckpointException(Origin, $"is of a PyTorch format that is not {LegacyProtocol}.");
        reader.Read(reader.Position);                                     // the writer's system: sizes of C types
        var root = reader.Read(reader.Position);
        if (reader.Read(reader.Position) is not PickleList keys)
            throw new CheckpointException(Origin, "has no list of storages after its content.");

        var storages = new Dictionary<string, (long, long)>(StringComparer.Ordinal);
        long at = reader.Position;
        Span<byte> count = stackalloc byte[8];
        foreach (var key in keys.Items)
        {
            if (key is not string name || !sizes.TryGetValue(name, out var size) || storages.ContainsKey(name))
                throw new CheckpointException(Origin, "lists a storage that nothing uses, or one twice.");
            source.Read(at, count);
            var elements = BinaryPrimitives.ReadInt64LittleEndian(count);
            long width = size.Type is { } type ? SafetensorsType.Of(type).Bytes : 1;
            if (elements < 0 || elements != size.Elements || elements > (source.Length - at - 8) / width)
                throw new CheckpointException(Origin, $"is truncated or damaged: a storage of {size.Elements} elements should stand at " +
                    $"{at}, {elements} are announced there.");
            storages.Add(name, (at + 8, elements * width));
            at += 8 + elements * width;
        }
        return (root, storages);
    }

    /// <summary>('storage', class, key, location, elements[, view]).</summary>
    private PickleStorage Storage(object? id) =>
        id is PickleTuple { Items: ["storage", PickleGlobal type, string key, string, long and >= 0 and var elements, ..] items }
        && PickleGlobals.IsStorage(type, out var element) && (items.Length == 5 || items[5] is null)
            ? new(key, element, elements)
            : throw new CheckpointException(Origin, "refers to memory in a way that is not PyTorch's, or to a view of another storage.");

    /// <summary>The tensors of the state dictionary, wherever it is nested.</summary>
    private Dictionary<string, object> Named(object? root)
    {
        for (var depth = 0; depth < 4; depth++)
        {
            if (root is not PickleDictionary dictionary)
                break;
            var named = dictionary.Entries.Where(e => e.Value is PickleTensor or PickleArray { Type: not null })
                .ToDictionary(e => e.Key, e => e.Value!);
            if (named.Count > 0)
                return named;
            root = Nestings.Select(n => dictionary.Entries.GetValueOrDefault(n)).FirstOrDefault(v => v is PickleDictionary);
        }
        throw new CheckpointException(Origin,
            $"holds no dictionary of tensors, neither at the top nor under {string.Join(", ", Nestings)}.");
    }

    private Tensor ReadTensor(string name, PickleTensor tensor)
    {
        if (!storages.TryGetValue(tensor.Storage.Key, out var storage))
            throw new CheckpointException(Origin, $"lacks the memory of '{Printable.Short(name)}'.");
        var width = SafetensorsType.Of(tensor.Type).Bytes;
        var bytes = PickleGlobals.Product(tensor.Size, width);
        if (bytes < 0 || bytes > Math.Max(storage.Length, SmallTensor))
            throw new CheckpointException(Origin, $"gives '{Printable.Short(name)}' the shape " +
                $"[{string.Join(", ", tensor.Size)}], which is far larger than its memory of {storage.Length} bytes.");
        if (bytes == 0)
            return empty(tensor.Size, dtype: tensor.Type);

        // The elements reach from Offset to the sum of (size − 1) · stride beyond it.
        Int128 reach = tensor.Offset;
        for (var d = 0; d < tensor.Size.Length; d++)
            reach += (Int128)(tensor.Size[d] - 1) * tensor.Stride[d];
        if ((reach + 1) * width > storage.Length)
            throw new CheckpointException(Origin,
                $"lets '{Printable.Short(name)}' reach to element {reach} of a memory of {storage.Length / width}.");

        using var scope = NewDisposeScope();
        var flat = empty((long)reach + 1 - tensor.Offset, dtype: tensor.Type);
        var step = ChunkBytes / width;
        for (long at = 0; at < flat.shape[0]; at += step)
        {
            using var part = flat.narrow(0, at, Math.Min(step, flat.shape[0] - at));
            source.Read(storage.Offset + (tensor.Offset + at) * width, part.bytes);
            if (tensor.Type == ScalarType.Bool)
                MakeTruth(part.bytes);
        }
        return IsContiguous(tensor) ? flat.view(tensor.Size).MoveToOuterDisposeScope()
            : flat.as_strided(tensor.Size, tensor.Stride).contiguous().MoveToOuterDisposeScope();
    }

    private static Tensor ReadArray(PickleArray array)
    {
        using var scope = NewDisposeScope();
        var size = array.ColumnMajor ? array.Size.Reverse().ToArray() : array.Size;
        var tensor = empty(size, dtype: array.Type!.Type);
        if (tensor.numel() > 0)
            array.Data.CopyTo(tensor.bytes);
        if (array.Type.Type == ScalarType.Bool && tensor.numel() > 0)
            MakeTruth(tensor.bytes);
        return (array.ColumnMajor ? tensor.permute([.. Enumerable.Range(0, size.Length).Reverse().Select(d => (long)d)]).contiguous()
            : tensor).MoveToOuterDisposeScope();
    }

    private static bool IsContiguous(PickleTensor tensor)
    {
        long expected = 1;
        for (var d = tensor.Size.Length - 1; d >= 0; d--)
        {
            if (tensor.Size[d] != 1 && tensor.Stride[d] != expected)
                return false;
            expected *= tensor.Size[d];
        }
        return true;
    }

    /// <summary>libtorch takes 0 and 1 alone for truth values.</summary>
    private static void MakeTruth(Span<byte> bytes)
    {
        foreach (ref var b in bytes)
            b = b == 0 ? (byte)0 : (byte)1;
    }
}
