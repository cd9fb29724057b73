using static TorchSharp.torch;

namespace Schane.Checkpoints;

// What a pickle of weights may hold, besides null, bool, long, double, string and byte[].

/// <summary>A tuple.</summary>
internal sealed record PickleTuple(object?[] Items);

/// <summary>A list, or a set, which nothing here needs to tell apart.</summary>
internal sealed record PickleList(List<object?> Items);

/// <summary>A dictionary. Entries whose key is not a string are counted but not kept: no weights stand under them.</summary>
internal sealed class PickleDictionary
{
    private Dictionary<string, object?>? entries;

    public IReadOnlyDictionary<string, object?> Entries => entries ?? [];

    public void Set(object? key, object? value)
    {
        if (key is string name)
            (entries ??= new(StringComparer.Ordinal))[name] = value;
    }
}

/// <summary>A name of the closed list, not yet called.</summary>
internal sealed record PickleGlobal(string Name);

/// <summary>Plain attributes (argparse's Namespace).</summary>
internal sealed record PickleNamespace(PickleDictionary Attributes);

/// <summary>Memory that tensors are views of, by its key in the file.</summary>
/// <param name="Key">Key in the file.</param>
/// <param name="Type">Element type; null where the tensor says it (untyped storage).</param>
/// <param name="Elements">Number of elements, of bytes where untyped.</param>
internal sealed record PickleStorage(string Key, ScalarType? Type, long Elements);

/// <summary>A view of a storage that a tensor is.</summary>
internal sealed record PickleTensor(PickleStorage Storage, ScalarType Type, long Offset, long[] Size, long[] Stride);

/// <summary>A numeric NumPy type.</summary>
internal sealed record PickleDtype(ScalarType Type, int Bytes);

/// <summary>A NumPy array; its bytes arrive after it is made.</summary>
internal sealed class PickleArray
{
    public PickleDtype? Type { get; set; }

    public long[] Size { get; set; } = [];

    public bool ColumnMajor { get; set; }

    public byte[] Data { get; set; } = [];
}
