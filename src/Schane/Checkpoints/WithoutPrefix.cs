using static TorchSharp.torch;

namespace Schane.Checkpoints;

/// <summary>A checkpoint of a model that stood inside others, under the names that its tensors have in the model itself.</summary>
internal sealed class WithoutPrefix : ICheckpoint
{
    // DataParallel and DistributedDataParallel, torch.compile, and what people call the model inside theirs.
    private static readonly string[] words = ["module", "_orig_mod", "model", "backbone", "encoder", "net", "network"];

    private readonly ICheckpoint inner;

    private WithoutPrefix(ICheckpoint inner, string prefix) =>
        (this.inner, Prefix, Names) = (inner, prefix, [.. inner.Names.Select(n => n[prefix.Length..])]);

    /// <summary>What all names began with, such as <c>module.encoder.</c>.</summary>
    public string Prefix { get; }

    /// <inheritdoc/>
    public string Origin => inner.Origin;

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Names { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Metadata => inner.Metadata;

    /// <summary>The checkpoint itself where its names share no such prefix.</summary>
    public static ICheckpoint Of(ICheckpoint checkpoint)
    {
        var prefix = "";
        if (checkpoint.Names.FirstOrDefault() is { } first)
            while (words.FirstOrDefault(w => first.AsSpan(prefix.Length).StartsWith($"{w}.")) is { } word
                && checkpoint.Names.All(n => n.StartsWith($"{prefix}{word}.", StringComparison.Ordinal)
                    && n.Length > prefix.Length + word.Length + 1))
                prefix += $"{word}.";
        return prefix.Length == 0 ? checkpoint : new WithoutPrefix(checkpoint, prefix);
    }

    /// <inheritdoc/>
    public long[] ShapeOf(string name) => inner.ShapeOf(Prefix + name);

    /// <inheritdoc/>
    public ScalarType TypeOf(string name) => inner.TypeOf(Prefix + name);

    /// <inheritdoc/>
    public Tensor Read(string name) => inner.Read(Prefix + name);

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();
}
