using Schane.Data.Transforms;
using Schane.Tensors;

namespace Schane.Data;

/// <summary>Keeps decoded images in memory, so that each is read once: for small sets and those of small pictures.</summary>
/// <remarks>With <c>first</c>, a step that draws no random numbers (usually a <see cref="Resize"/>), what is kept is the picture after it. Once the limit is reached, further images are read anew each time.</remarks>
/// <param name="inner">The images.</param>
/// <param name="first">What is done once before an image is kept, null for nothing.</param>
/// <param name="maxMegabytes">How many MiB of pixels are kept, 1024 by default.</param>
public sealed class CachedDataset(IImageDataset inner, ImageStep? first = null, int maxMegabytes = 1024) : IImageDataset
{
    private readonly Image8?[] kept = new Image8?[inner.Count];
    private readonly long limit = (long)Require.AtLeast(maxMegabytes, 0, nameof(maxMegabytes)) << 20;
    private long bytes;

    /// <summary>MiB of pixels that are kept at the moment.</summary>
    public double Megabytes => Interlocked.Read(ref bytes) / (double)(1 << 20);

    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes => inner.Classes;

    /// <inheritdoc/>
    public int Count => inner.Count;

    /// <inheritdoc/>
    public int LabelOf(int index) => inner.LabelOf(index);

    /// <inheritdoc/>
    public string NameOf(int index) => inner.NameOf(index);

    /// <inheritdoc/>
    public Image8 Read(int index)
    {
        if (Volatile.Read(ref kept[index]) is { } known)
            return known;
        var image = inner.Read(index);
        if (first is not null)
        {
            var canvas = new Canvas();
            canvas.Load(image);
            var random = new SampleRandom(index);
            first.Apply(canvas, ref random);
            image = canvas.ToImage();
        }
        if (Interlocked.Add(ref bytes, image.Pixels.Length) <= limit)
        {
            if (Interlocked.CompareExchange(ref kept[index], image, null) is not null)
                Interlocked.Add(ref bytes, -image.Pixels.Length);
        }
        else
            Interlocked.Add(ref bytes, -image.Pixels.Length);
        return image;
    }
}
