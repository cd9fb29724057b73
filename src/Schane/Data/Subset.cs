namespace Schane.Data;

/// <summary>Some images of a data set, under the same classes.</summary>
/// <param name="inner">The whole.</param>
/// <param name="indices">Which images, in which order.</param>
/// <param name="name">Name of the part; the whole's if null.</param>
public sealed class Subset(IImageDataset inner, IReadOnlyList<int> indices, string? name = null) : IImageDataset
{
    /// <summary>Indices into the whole.</summary>
    public IReadOnlyList<int> Indices => indices;

    /// <inheritdoc/>
    public string Name => name ?? inner.Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes => inner.Classes;

    /// <inheritdoc/>
    public int Count => indices.Count;

    /// <inheritdoc/>
    public int LabelOf(int index) => inner.LabelOf(indices[index]);

    /// <inheritdoc/>
    public string NameOf(int index) => inner.NameOf(indices[index]);

    /// <inheritdoc/>
    public Image8 Read(int index) => inner.Read(indices[index]);
}
