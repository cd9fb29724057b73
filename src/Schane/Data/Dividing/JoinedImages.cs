using Schane.Data.Listing;
using Schane.Data.Reading;

namespace Schane.Data.Dividing;

/// <summary>The images of one data set, then those of another with the same classes.</summary>
internal sealed class JoinedImages(IImageDataset first, IImageDataset second) : IAccounted, IImageFiles
{
    /// <inheritdoc/>
    public string Name => first.Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes => first.Classes;

    /// <inheritdoc/>
    public int Count => first.Count + second.Count;

    /// <inheritdoc/>
    public int LabelOf(int index)
    {
        var (images, at) = Of(index);
        return images.LabelOf(at);
    }

    /// <inheritdoc/>
    public string NameOf(int index)
    {
        var (images, at) = Of(index);
        return images.NameOf(at);
    }

    /// <inheritdoc/>
    public Image8 Read(int index)
    {
        var (images, at) = Of(index);
        return images.Read(at);
    }

    /// <summary>That of the first.</summary>
    public InputAccount Account => IAccounted.Of(first);

    ImageLimits IImageFiles.Limits => first is IImageFiles files ? files.Limits : ImageLimits.Default;

    (byte[] Bytes, string Name)? IImageFiles.ReadFile(int index)
    {
        var (images, at) = Of(index);
        return (images as IImageFiles)?.ReadFile(at);
    }

    private (IImageDataset Images, int Index) Of(int index) => index < first.Count ? (first, index) : (second, index - first.Count);
}
