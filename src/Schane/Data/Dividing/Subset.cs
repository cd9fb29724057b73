using Schane.Data.Listing;
using Schane.Data.Reading;
using Schane.Tensors;

namespace Schane.Data.Dividing;

/// <summary>Some images of a data set, under the same classes.</summary>
/// <param name="inner">The whole.</param>
/// <param name="indices">Which images, in which order.</param>
/// <param name="name">Name of the part; the whole's if null.</param>
internal sealed class Subset(IImageDataset inner, IReadOnlyList<int> indices, string? name = null) : IAccounted, IImageFiles
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
    public bool IsMultiLabel => inner.IsMultiLabel;

    /// <inheritdoc/>
    public IReadOnlyList<int> LabelsOf(int index) => inner.LabelsOf(indices[index]);

    /// <inheritdoc/>
    public string NameOf(int index) => inner.NameOf(indices[index]);

    /// <inheritdoc/>
    public Image8 Read(int index) => inner.Read(indices[index]);

    /// <summary>That of the whole.</summary>
    public InputAccount Account => IAccounted.Of(inner);

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

    /// <summary>
    /// A long tail (Cui et al. 2019, arXiv:1901.05555): from one class to the next the images kept fall by a constant factor, from the size
    /// of the largest class to 1 ÷ <paramref name="ratio"/> of it, at least one each.
    /// </summary>
    /// <param name="dataset">The whole. Classes fall off in the order of their labels, as in CIFAR-LT; those without
    /// images are passed over.</param>
    /// <param name="ratio">Largest ÷ smallest class, 1 or more; a class with fewer images than its share gives all.</param>
    /// <param name="seed">Same seed and names, same images, whatever the order of the files.</param>
    public static Subset LongTail(IImageDataset dataset, double ratio, long seed)
    {
        if (!(ratio >= 1 && double.IsFinite(ratio)))
            throw new ArgumentOutOfRangeException(nameof(ratio), $"ratio must be at least 1 but is {ratio}.");
        var classes = Enumerable.Range(0, dataset.Count).GroupBy(dataset.LabelOf).OrderBy(c => c.Key)
            .Select(c => c.OrderBy(dataset.NameOf, StringComparer.Ordinal).ToArray()).ToList();
        var largest = classes.Max(c => c.Length);
        List<int> chosen = [];
        for (var c = 0; c < classes.Count; c++)
        {
            new SampleRandom(seed, dataset.LabelOf(classes[c][0])).Shuffle<int>(classes[c]);
            chosen.AddRange(classes[c]
                .Take(Math.Max(1, (int)(largest * Math.Pow(ratio, classes.Count == 1 ? 0 : -(double)c / (classes.Count - 1)) + 1e-9))));
        }
        return new(dataset, [.. chosen.Order()], $"{dataset.Name}, long tail 1 in {ratio:0.###}");
    }
}
