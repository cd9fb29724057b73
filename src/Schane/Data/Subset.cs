using Schane.Tensors;

namespace Schane.Data;

/// <summary>Some images of a data set, under the same classes.</summary>
/// <param name="inner">The whole.</param>
/// <param name="indices">Which images, in which order.</param>
/// <param name="name">Name of the part; the whole's if null.</param>
public sealed class Subset(IImageDataset inner, IReadOnlyList<int> indices, string? name = null) : IImageDataset, IImageFiles
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

    ImageLimits IImageFiles.Limits => inner is IImageFiles files ? files.Limits : ImageLimits.Default;

    (byte[] Bytes, string Name)? IImageFiles.ReadFile(int index) => (inner as IImageFiles)?.ReadFile(indices[index]);

    /// <summary>At most <paramref name="perClass"/> images of each class, drawn at random: few labels.</summary>
    /// <param name="dataset">The whole.</param>
    /// <param name="perClass">How many, at least 1; a class with fewer gives all.</param>
    /// <param name="seed">Same seed and names, same images, whatever the order of the files. More of a class contain fewer of it.</param>
    public static Subset PerClass(IImageDataset dataset, int perClass, long seed)
    {
        Require.AtLeast(perClass, 1);
        List<int> chosen = [];
        foreach (var @class in Enumerable.Range(0, dataset.Count).GroupBy(dataset.LabelOf))
        {
            var order = @class.OrderBy(dataset.NameOf, StringComparer.Ordinal).ToArray();
            new SampleRandom(seed, @class.Key).Shuffle<int>(order);
            chosen.AddRange(order.Take(perClass));
        }
        return new(dataset, [.. chosen.Order()], $"{dataset.Name}, {perClass} a class");
    }
}
