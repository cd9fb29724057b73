namespace Schane.Data.Reading;

/// <summary>Image files that a list names, with the label it gives them. No file is looked at before it is read.</summary>
internal sealed class ListedImages : IImageDataset, IImageFiles
{
    private readonly IReadOnlyList<(string File, int Label)> images;
    private readonly ImageLimits limits;

    private readonly IReadOnlyList<int[]>? sets;

    /// <param name="name">Name of the data set.</param>
    /// <param name="root">The folder that names are relative to.</param>
    /// <param name="classes">Class names.</param>
    /// <param name="images">File and label of each image.</param>
    /// <param name="limits">What is refused; null for the default.</param>
    /// <param name="sets">All labels of each image, where they may have several.</param>
    internal ListedImages(string name, string root, IReadOnlyList<string> classes,
        IReadOnlyList<(string File, int Label)> images, ImageLimits? limits = null, IReadOnlyList<int[]>? sets = null)
    {
        this.sets = sets;
        (Name, Root, Classes, this.images, this.limits) = (name, root, classes, images, limits ?? ImageLimits.Default);
        foreach (var (file, label) in images)
            if (label < 0 || label >= classes.Count)
                throw new SchaneException($"{name}: '{Printable.Escape(file)}' has label {label}; there are {classes.Count} classes. The " +
                    "lists don't belong together.");
    }

    /// <summary>The folder that names are relative to.</summary>
    public string Root { get; }

    /// <summary>The same with other limits.</summary>
    internal ListedImages With(ImageLimits other) => new(Name, Root, Classes, images, other, sets);

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes { get; }

    /// <inheritdoc/>
    public int Count => images.Count;

    /// <inheritdoc/>
    public int LabelOf(int index) => images[index].Label;

    /// <inheritdoc/>
    public bool IsMultiLabel => sets is not null;

    /// <inheritdoc/>
    public IReadOnlyList<int> LabelsOf(int index) => sets?[index] ?? [LabelOf(index)];

    /// <inheritdoc/>
    public string NameOf(int index) => images[index].File;

    /// <summary>Full path of image <paramref name="index"/>.</summary>
    public string PathOf(int index) => Path.Combine(Root, images[index].File);

    /// <inheritdoc/>
    public Image8 Read(int index) => ImageDecoder.DecodeFile(PathOf(index), PathOf(index), limits);

    ImageLimits IImageFiles.Limits => limits;

    (byte[] Bytes, string Name)? IImageFiles.ReadFile(int index) =>
        (ImageDecoder.ReadBytes(PathOf(index), PathOf(index), limits), PathOf(index));
}
