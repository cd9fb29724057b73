using Schane.Data;

namespace Schane.Jobs;

/// <summary>Images in memory as a data set without classes.</summary>
internal sealed class ImageList(string name, IReadOnlyList<Image8> images, IReadOnlyList<string> names) : IImageDataset
{
    public string Name => name;

    public IReadOnlyList<string> Classes => ["image"];

    public int Count => images.Count;

    public int LabelOf(int index) => 0;

    public string NameOf(int index) => names[index];

    public Image8 Read(int index) => images[index];
}

/// <summary>A data set with its labels numbered as a trained model has them.</summary>
internal sealed class ClassesOf : IImageDataset
{
    private readonly IImageDataset inner;
    private readonly int[] labels;

    /// <exception cref="SchaneException">A class that the model does not know.</exception>
    public ClassesOf(IImageDataset inner, IReadOnlyList<string> known)
    {
        this.inner = inner;
        Classes = known;
        labels = [.. inner.Classes.Select(name => known.ToList().IndexOf(name) is var at and >= 0 ? at
            : throw new SchaneException($"Class '{Printable.Escape(name)}' of {Printable.Escape(inner.Name)} is not among the " +
                $"{known.Count} classes of the run; leave it out."))];
    }

    public string Name => inner.Name;

    public IReadOnlyList<string> Classes { get; }

    public int Count => inner.Count;

    public int LabelOf(int index) => labels[inner.LabelOf(index)];

    public bool IsMultiLabel => inner.IsMultiLabel;

    public IReadOnlyList<int> LabelsOf(int index) => [.. inner.LabelsOf(index).Select(label => labels[label]).Order()];

    public string NameOf(int index) => inner.NameOf(index);

    public Image8 Read(int index) => inner.Read(index);
}
