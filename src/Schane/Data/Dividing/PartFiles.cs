using System.Collections.Concurrent;
using System.Diagnostics;
using Schane.Data.Feeding;
using Schane.Data.Reading;
using Schane.Tensors;

namespace Schane.Data.Dividing;

/// <summary>Opens the images that a training and its measurement need, before the first step: as many as a few seconds hold are decoded,
/// then headers are read for a few seconds more. What a large set has beyond that is left to training, which is said.</summary>
/// <param name="decoding">Time to decode in; the default is 4 s.</param>
/// <param name="reading">Time to read headers in afterwards; the default is as long.</param>
internal sealed class PartFiles(TimeSpan? decoding = null, TimeSpan? reading = null)
{
    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(4);

    private readonly TimeSpan decoding = decoding ?? Usual, reading = reading ?? Usual;

    private readonly ConcurrentDictionary<(IImageDataset Images, int Index), string?> looked = [];

    private readonly NarrowRange range = new();

    /// <summary>Time that the images may be compared in for <see cref="PartCopies"/>.</summary>
    public TimeSpan Comparing { get; private init; } = PartCopies.MostTime;

    /// <summary>For a run that ends with its time, of which looking takes a tenth at most, and comparing another.</summary>
    /// <param name="limit">That time; null for a run whose steps are known.</param>
    public static PartFiles Within(TimeSpan? limit)
    {
        TimeSpan Least(TimeSpan usual, double share) => limit is { } time && time * share < usual ? time * share : usual;
        return new(Least(Usual, 1.0 / 20), Least(Usual, 1.0 / 20)) { Comparing = Least(PartCopies.MostTime, 1.0 / 10) };
    }

    /// <summary>Reads an image and remembers whether that went well; null where it can't be read.</summary>
    public Image8? Read(IImageDataset images, int index)
    {
        Image8? read = null;
        Look(images, index, () =>
        {
            read = images.Read(index);
            range.Look(read, images.NameOf(index), () => Files(images)?.ReadFile(index)?.Bytes);
        });
        return read;
    }

    /// <summary>Opens what has not been looked at yet.</summary>
    /// <param name="parts">Each part by its name; those whose images are no files are passed over.</param>
    /// <param name="onBadImage">What to do about files that can't be read.</param>
    /// <param name="stop">Stops looking.</param>
    /// <returns>What is to be said: of images that are left out, were not opened, or hold few levels.</returns>
    /// <exception cref="SchaneException">A file can't be read and such are not to be skipped, or none of a part can be read.</exception>
    public IReadOnlyList<string> Check(IReadOnlyList<(string Name, IImageDataset? Images)> parts, OnBadImage onBadImage,
        CancellationToken stop)
    {
        var all = parts.Where(p => Files(p.Images) is not null)
            .SelectMany(p => Enumerable.Range(0, p.Images!.Count).Select(i => (p.Name, p.Images, Index: i))).ToArray();
        var clock = Stopwatch.StartNew();
        Parallel.For(0, all.Length, new() { CancellationToken = stop, MaxDegreeOfParallelism = ComputeThreads.Processors }, at =>
        {
            var (_, images, index) = all[at];
            if (looked.ContainsKey((images, index)))
                return;
            if (clock.Elapsed < decoding)
                Read(images, index);
            else if (clock.Elapsed < decoding + reading)
                Look(images, index, () =>
                {
                    if (Files(images)!.ReadFile(index) is var (bytes, name))
                        ImageDecoder.Measure(bytes, name, Files(images)!.Limits);
                });
        });
        var bad = all.Where(a => looked.GetValueOrDefault((a.Images, a.Index)) is not null).ToArray();
        var left = all.Count(a => !looked.ContainsKey((a.Images, a.Index)));
        var unopened = left == 0 ? null
            : $"{left:N0} of {all.Length:N0} images were not opened before training, since that would take long.";
        string[] said = [.. new[] { unopened, range.Sentence }.OfType<string>()];
        if (bad.Length == 0)
            return said;
        string Reason((string, IImageDataset Images, int Index) image) => looked[(image.Images, image.Index)]!;
        var counted = $"{bad.Length} {(bad.Length == 1 ? "image" : "images")} of {all.Length} can't be read";
        if (onBadImage == OnBadImage.Fail)
            throw new SchaneException($"{Reason(bad[0])} {counted}; --on-bad-image skip goes on without.");
        foreach (var part in bad.GroupBy(b => b.Name))
            if (part.First() is var first && part.Count() == first.Images.Count)
                throw new SchaneException(
                    $"None of the {part.Count()} images of the {part.Key} part can be read; the first: {Reason(first)}");
        return [$"{counted} and {(bad.Length == 1 ? "is" : "are")} left out; the first: {Reason(bad[0])}", .. said];
    }

    private void Look(IImageDataset images, int index, Action look)
    {
        try
        {
            look();
            looked[(images, index)] = null;
        }
        catch (SchaneException e)
        {
            looked[(images, index)] = e.Message;
        }
    }

    private static IImageFiles? Files(IImageDataset? images) => (images is CachedDataset cached ? cached.Inner : images) as IImageFiles;
}
