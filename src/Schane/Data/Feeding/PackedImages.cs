namespace Schane.Data.Feeding;

/// <summary>Images of one size in memory, channel by channel or pixel by pixel as their file had them.</summary>
internal sealed class PackedImages : IImageDataset
{
    private readonly int width, height, stride, offset;
    private readonly bool planar;
    private readonly byte[] bytes;
    private readonly int[] labels;
    private readonly string prefix;

    /// <param name="name">Name of the data set.</param>
    /// <param name="classes">Class names.</param>
    /// <param name="labels">Label of each image.</param>
    /// <param name="bytes">RGB samples, image after image.</param>
    /// <param name="size">Width and height.</param>
    /// <param name="stride">Bytes from one image to the next.</param>
    /// <param name="offset">Bytes before the first sample of an image.</param>
    /// <param name="planar">Red, green and blue planes rather than pixels.</param>
    internal PackedImages(string name, IReadOnlyList<string> classes, int[] labels, byte[] bytes, (int Width, int Height) size,
        int stride, int offset, bool planar)
    {
        (Name, Classes, this.labels, this.bytes, this.stride, this.offset, this.planar) = (name, classes, labels,
            bytes, stride, offset, planar);
        (width, height) = size;
        prefix = name.Replace(':', '/');
        if (bytes.Length < (long)stride * (labels.Length - 1) + offset + width * height * 3)
            throw new SchaneException($"{name} has {labels.Length} labels but {bytes.Length} bytes of images; the file is cut off.");
        if (Array.FindIndex(labels, l => l < 0 || l >= classes.Count) is var bad and >= 0)
            throw new SchaneException(
                $"{name}: image {bad} has label {labels[bad]}; there are {classes.Count} classes. The file is damaged.");
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes { get; }

    /// <inheritdoc/>
    public int Count => labels.Length;

    /// <inheritdoc/>
    public int LabelOf(int index) => labels[index];

    /// <inheritdoc/>
    public string NameOf(int index) => $"{prefix}/{index:d6}";

    /// <inheritdoc/>
    public Image8 Read(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)labels.Length, nameof(index));
        var plane = width * height;
        var from = bytes.AsSpan(index * stride + offset, 3 * plane);
        var pixels = new byte[3 * plane];
        if (!planar)
            from.CopyTo(pixels);
        else
            for (int i = 0, to = 0; i < plane; i++, to += 3)
                (pixels[to], pixels[to + 1], pixels[to + 2]) = (from[i], from[plane + i], from[2 * plane + i]);
        return new(width, height, 3, pixels);
    }
}
