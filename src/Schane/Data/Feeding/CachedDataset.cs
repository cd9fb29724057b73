using Schane.Data.Reading;
using Schane.Data.Transforms;
using Schane.Tensors;

namespace Schane.Data.Feeding;

/// <summary>Keeps decoded images in memory, so that each is read once: for small sets and those of small images.</summary>
/// <remarks>With <c>first</c>, a step that draws no random numbers (usually a <see cref="Resize"/>), what is kept is the image after it.
/// Once the limit is reached, further images are read anew each time.</remarks>
/// <param name="inner">The images.</param>
/// <param name="first">What is done once before an image is kept, null for nothing.</param>
/// <param name="maxMegabytes">How many MiB of pixels are kept, 1024 by default.</param>
internal sealed class CachedDataset(IImageDataset inner, ImageStep? first = null, int maxMegabytes = 1024) : IImageDataset
{
    private readonly Image8?[] kept = new Image8?[inner.Count];
    private readonly long limit = (long)Require.AtLeast(maxMegabytes, 0, nameof(maxMegabytes)) << 20;
    private long bytes;

    /// <summary>The data set with a cache around it where all its images are likely to fit, judged by a few of them; else the data set
    /// itself, of whose files no more is decoded than a crop needs.</summary>
    /// <param name="inner">The images.</param>
    /// <param name="maxMegabytes">How many MiB of pixels may be kept.</param>
    public static IImageDataset Around(IImageDataset inner, int maxMegabytes = 1024)
    {
        const int looked = 16;
        List<long> sizes = [];
        for (var i = 0; i < Math.Min(looked, inner.Count); i++)
            try
            {
                var index = (int)((long)i * inner.Count / looked);
                var (width, height) = inner is IImageFiles files && files.ReadFile(index) is var (bytes, name)
                    ? ImageDecoder.Measure(bytes, name, files.Limits)
                    : inner.Read(index) is var image ? (image.Width, image.Height) : default;
                sizes.Add(3L * width * height);
            }
            catch (SchaneException)
            {
                // Whoever asks for that image is told.
            }
        return sizes.Count > 0 && sizes.Average() * inner.Count <= (long)maxMegabytes << 20
            ? new CachedDataset(inner, maxMegabytes: maxMegabytes) : inner;
    }

    /// <summary>The images behind the cache.</summary>
    internal IImageDataset Inner => inner;

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
    public bool IsMultiLabel => inner.IsMultiLabel;

    /// <inheritdoc/>
    public IReadOnlyList<int> LabelsOf(int index) => inner.LabelsOf(index);

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
