using static TorchSharp.torch;

namespace Schane.Checkpoints;

/// <summary>
/// The closed list of names that a pickle of weights may use, and what stands for each here. Nothing of Python is ever called: a name
/// either is in this list and builds a plain value, or the file is refused.
/// </summary>
internal static class PickleGlobals
{
    private const int MaxDimensions = 64;

    private static readonly Dictionary<string, ScalarType> Storages = new()
    {
        ["torch FloatStorage"] = ScalarType.Float32,
        ["torch DoubleStorage"] = ScalarType.Float64,
        ["torch HalfStorage"] = ScalarType.Float16,
        ["torch BFloat16Storage"] = ScalarType.BFloat16,
        ["torch LongStorage"] = ScalarType.Int64,
        ["torch IntStorage"] = ScalarType.Int32,
        ["torch ShortStorage"] = ScalarType.Int16,
        ["torch CharStorage"] = ScalarType.Int8,
        ["torch ByteStorage"] = ScalarType.Byte,
        ["torch BoolStorage"] = ScalarType.Bool,
        ["torch ComplexFloatStorage"] = ScalarType.ComplexFloat32,
    };

    private static readonly Dictionary<string, ScalarType> Types = new()
    {
        ["torch float32"] = ScalarType.Float32,
        ["torch float64"] = ScalarType.Float64,
        ["torch float16"] = ScalarType.Float16,
        ["torch bfloat16"] = ScalarType.BFloat16,
        ["torch int64"] = ScalarType.Int64,
        ["torch int32"] = ScalarType.Int32,
        ["torch int16"] = ScalarType.Int16,
        ["torch int8"] = ScalarType.Int8,
        ["torch uint8"] = ScalarType.Byte,
        ["torch bool"] = ScalarType.Bool,
        ["torch complex64"] = ScalarType.ComplexFloat32,
    };

    private static readonly Dictionary<string, PickleDtype> NumpyTypes = new()
    {
        ["f8"] = new(ScalarType.Float64, 8),
        ["f4"] = new(ScalarType.Float32, 4),
        ["f2"] = new(ScalarType.Float16, 2),
        ["i8"] = new(ScalarType.Int64, 8),
        ["i4"] = new(ScalarType.Int32, 4),
        ["i2"] = new(ScalarType.Int16, 2),
        ["i1"] = new(ScalarType.Int8, 1),
        ["u1"] = new(ScalarType.Byte, 1),
        ["b1"] = new(ScalarType.Bool, 1),
    };

    private static readonly HashSet<string> Others =
    [
        "collections OrderedDict", "collections defaultdict", "builtins set", "__builtin__ set", "builtins dict", "__builtin__ dict",
        "builtins list", "__builtin__ list",
        "builtins bytearray", "__builtin__ bytearray", "argparse Namespace", "_codecs encode",
        "torch Size", "torch device", "torch.storage UntypedStorage", "torch UntypedStorage", "torch.nn.parameter Parameter",
        "torch._utils _rebuild_tensor", "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor_v3",
        "torch._utils _rebuild_parameter",
        "numpy dtype", "numpy ndarray", "numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct",
        "numpy.core.multiarray scalar", "numpy._core.multiarray scalar",
    ];

    /// <summary>A numeric NumPy type by its code (<c>f4</c>, <c>&lt;i8</c>); null for objects, texts, big-endian
    /// numbers and the rest.</summary>
    public static PickleDtype? NumpyType(string code) => NumpyTypes.GetValueOrDefault(code.TrimStart('<', '|', '='));

    /// <summary>Every name that is understood, sorted, for people to read.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Storages.Keys.Concat(Types.Keys).Concat(Others).Order(StringComparer.Ordinal)];

    private static readonly HashSet<string> Known = [.. Names];

    /// <summary>The name if it is in the list.</summary>
    /// <exception cref="CheckpointException">It isn't.</exception>
    public static PickleGlobal Find(string module, string name, string origin)
    {
        var full = $"{module} {name}";
        if (Known.Contains(full))
            return new(full);
        throw new CheckpointException(origin,
            $"asks for the Python name '{Printable.Short(module)}.{Printable.Short(name)}', which is not among those " +
            "that weights need, so it is refused and nothing of it was run. Save model.state_dict() alone, best as safetensors.");
    }

    /// <summary>What calling a name of the list with these arguments gives; null where the arguments are not those it takes.</summary>
    public static object? Call(PickleGlobal global, object?[] arguments) => (global.Name, arguments) switch
    {
        ("collections OrderedDict" or "builtins dict" or "__builtin__ dict", []) => new PickleDictionary(),
        ("collections OrderedDict", [PickleList pairs]) => FromPairs(pairs),
        ("collections defaultdict", _) => new PickleDictionary(),
        ("builtins set" or "__builtin__ set" or "builtins list" or "__builtin__ list", []) => new PickleList([]),
        ("builtins set" or "__builtin__ set" or "builtins list" or "__builtin__ list", [PickleList items]) => new PickleList(items.Items),
        ("builtins bytearray" or "__builtin__ bytearray", [byte[] bytes]) => bytes,
        ("argparse Namespace", []) => new PickleNamespace(new()),
        ("_codecs encode", [string text, "latin1" or "latin-1"]) => text.All(c => c < 256) ? text.Select(c => (byte)c).ToArray() : null,
        ("torch Size", [PickleTuple size]) => size,
        ("torch device", _) => arguments.Length > 0 && arguments[0] is string device ? device : null,
        ("torch._utils _rebuild_tensor", [PickleStorage storage, long offset, PickleTuple size, PickleTuple stride]) =>
            Tensor(storage, null, offset, size, stride),
        ("torch._utils _rebuild_tensor_v2", [PickleStorage storage, long offset, PickleTuple size, PickleTuple stride, ..]) =>
            Tensor(storage, null, offset, size, stride),
        ("torch._utils _rebuild_tensor_v3", [PickleStorage storage, long offset, PickleTuple size, PickleTuple stride, _, _,
            PickleGlobal type, ..]) => Tensor(storage, type, offset, size, stride),
        ("torch._utils _rebuild_parameter" or "torch.nn.parameter Parameter", [PickleTensor tensor, ..]) => tensor,
        ("numpy dtype", [string code, ..]) => NumpyType(code),
        ("numpy.core.multiarray _reconstruct" or "numpy._core.multiarray _reconstruct", [PickleGlobal { Name: "numpy ndarray" }, ..]) =>
            new PickleArray(),
        ("numpy.core.multiarray scalar" or "numpy._core.multiarray scalar", [PickleDtype type, byte[] bytes]) =>
            bytes.Length == type.Bytes ? new PickleArray { Type = type, Data = bytes } : null,
        _ => null,
    };

    /// <summary>Element type that a storage class stands for; untyped ones have none.</summary>
    public static bool IsStorage(PickleGlobal global, out ScalarType? type)
    {
        type = Storages.TryGetValue(global.Name, out var found) ? found : null;
        return type is not null || global.Name is "torch.storage UntypedStorage" or "torch UntypedStorage";
    }

    /// <summary>Fills an array with the state that follows it: (version, shape, dtype, column-major, bytes). False if it is not that, or
    /// the array holds objects.</summary>
    public static bool Fill(PickleArray array, object? state)
    {
        if (state is not PickleTuple { Items: [_, PickleTuple shape, PickleDtype type, bool columnMajor, var content] }
            || Longs(shape) is not { } size)
            return false;
        // Python 2 wrote bytes as text.
        var data = content as byte[]
            ?? (content is string text && text.All(c => c < 256) ? System.Text.Encoding.Latin1.GetBytes(text) : null);
        if (data is null)
            return false;
        var bytes = Product(size, type.Bytes);
        if (bytes != data.Length)
            return false;
        (array.Type, array.Size, array.ColumnMajor, array.Data) = (type, size, columnMajor, data);
        return true;
    }

    /// <summary>Product of sizes and an element's bytes; -1 where it overflows.</summary>
    public static long Product(long[] size, int bytes)
    {
        long product = bytes;
        foreach (var s in size)
            if (s > 0 && product > long.MaxValue / s)
                return -1;
            else
                product *= Math.Max(s, 1);
        return size.Contains(0) ? 0 : product;
    }

    private static PickleTensor? Tensor(PickleStorage storage, PickleGlobal? type, long offset, PickleTuple size, PickleTuple stride)
    {
        ScalarType? element = type is null ? storage.Type : Types.TryGetValue(type.Name, out var found) ? found : null;
        return element is { } known && offset >= 0 && Longs(size) is { } sizes && Longs(stride) is { } strides
            && sizes.Length == strides.Length
            ? new(storage, known, offset, sizes, strides)
            : null;
    }

    /// <summary>Sizes or strides: whole numbers from 0, not too many of them.</summary>
    private static long[]? Longs(PickleTuple tuple)
    {
        if (tuple.Items.Length > MaxDimensions)
            return null;
        var numbers = new long[tuple.Items.Length];
        for (var i = 0; i < numbers.Length; i++)
            if (tuple.Items[i] is long number and >= 0)
                numbers[i] = number;
            else
                return null;
        return numbers;
    }

    private static PickleDictionary? FromPairs(PickleList pairs)
    {
        var dictionary = new PickleDictionary();
        foreach (var pair in pairs.Items)
            switch (pair)
            {
                case PickleTuple { Items: [var key, var value] }: dictionary.Set(key, value); break;
                case PickleList { Items: [var key, var value] }: dictionary.Set(key, value); break;
                default: return null;
            }
        return dictionary;
    }
}
