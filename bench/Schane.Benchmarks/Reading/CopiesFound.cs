using System.Globalization;
using Schane.Data;
using Schane.Data.Reading;
using Schane.Data.Sets;
using SkiaSharp;

namespace Schane.Benchmarks.Reading;

/// <summary>How many planted copies are found (stored anew, smaller, cropped, brighter), and which pairs of different classes are called
/// nearly the same? Folders that are named, and the look-alikes.</summary>
internal static class CopiesFound
{
    private static readonly (string Name, Func<SKBitmap, byte[]> Make)[] Plants =
    [
        ("stored at quality 70", image => Jpeg(image, 70)),
        ("70 % of the size", image => Resized(image, 0.7)),
        ("4 % cut off each side", image => Cropped(image, 0.04)),
        ("15 % brighter", image => Brighter(image, 1.15f)),
    ];

    public static int Run(string[] arguments)
    {
        foreach (var folder in arguments)
            Measure(Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)), ImageFolder.Open(folder));
        foreach (var part in new[] { LookalikesPart.Train, LookalikesPart.Test })
            Measure($"look-alikes, {part}", new LookalikesDataset(part));
        return 0;
    }

    private static void Measure(string name, IImageDataset images)
    {
        var looks = new Fingerprint?[images.Count];
        var planted = new Fingerprint?[Plants.Length][];
        for (var p = 0; p < Plants.Length; p++)
            planted[p] = new Fingerprint?[images.Count];
        Parallel.For(0, images.Count, i =>
        {
            var image = images.Read(i);
            looks[i] = Fingerprint.Of(image);
            using var bitmap = Bitmap(image);
            for (var p = 0; p < Plants.Length; p++)
                planted[p][i] = Fingerprint.Of(ImageDecoder.Decode(Plants[p].Make(bitmap), "plant"));
        });
        var before = Environment.CpuUsage.TotalTime;
        var pairs = NearCopies.Pairs(looks);
        var seconds = (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        var groups = NearCopies.Groups(images.Count, pairs);
        var across = pairs.Where(p => images.LabelOf(p.First) != images.LabelOf(p.Second)).ToList();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {images.Count} images, {looks.Count(l => l is null)} of " +
            $"them plain; {groups.Count} groups, {pairs.Count} pairs, {across.Count} across classes; the search took {seconds:0.0} s of " +
            $"processor"));
        foreach (var (first, second) in across)
            Console.WriteLine($"  {images.NameOf(first)} = {images.NameOf(second)} {FingerprintMatch.Of(looks[first]!, looks[second]!)}");
        for (var p = 0; p < Plants.Length; p++)
        {
            // All images and all their plants of one kind among each other, as a folder with copies would hold them.
            Fingerprint?[] all = [.. looks, .. planted[p]];
            var groupOf = new int[all.Length];
            foreach (var (group, number) in NearCopies.Groups(all.Length, NearCopies.Pairs(all)).Select((g, n) => (g, n + 1)))
                foreach (var i in group)
                    groupOf[i] = number;
            var judged = Enumerable.Range(0, images.Count).Where(i => looks[i] is not null).ToList();
            var found = judged.Count(i => groupOf[i] != 0 && groupOf[i] == groupOf[images.Count + i]);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {Plants[p].Name}: {found} of {judged.Count} found " +
                $"({100.0 * found / judged.Count:0.0} %)"));
        }
    }

    private static SKBitmap Bitmap(Image8 image)
    {
        var bitmap = new SKBitmap(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        var (rgb, pixels) = (PixelRows.WithChannels(image, 3).Pixels, new byte[image.Width * image.Height * 4]);
        for (var i = 0; i < image.Width * image.Height; i++)
            (pixels[4 * i], pixels[4 * i + 1], pixels[4 * i + 2], pixels[4 * i + 3]) = (rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2], 255);
        System.Runtime.InteropServices.Marshal.Copy(pixels, 0, bitmap.GetPixels(), pixels.Length);
        return bitmap;
    }

    private static byte[] Jpeg(SKBitmap image, int quality)
    {
        using var data = image.Encode(SKEncodedImageFormat.Jpeg, quality);
        return data.ToArray();
    }

    private static byte[] Resized(SKBitmap image, double share)
    {
        using var small = image.Resize(new SKImageInfo((int)Math.Round(image.Width * share), (int)Math.Round(image.Height * share)),
            new SKSamplingOptions(SKCubicResampler.Mitchell));
        return Jpeg(small, 85);
    }

    private static byte[] Cropped(SKBitmap image, double share)
    {
        var (x, y) = ((int)Math.Round(image.Width * share), (int)Math.Round(image.Height * share));
        using var inner = new SKBitmap();
        image.ExtractSubset(inner, new SKRectI(x, y, image.Width - x, image.Height - y));
        return Jpeg(inner, 85);
    }

    private static byte[] Brighter(SKBitmap image, float factor)
    {
        using var brighter = new SKBitmap(image.Info);
        using var canvas = new SKCanvas(brighter);
        using var filter = SKColorFilter.CreateColorMatrix([factor, 0, 0, 0, 0, 0, factor, 0, 0, 0, 0, 0, factor, 0, 0, 0, 0, 0, 1, 0]);
        using var paint = new SKPaint { ColorFilter = filter };
        canvas.DrawBitmap(image, 0, 0, new SKSamplingOptions(SKFilterMode.Nearest), paint);
        return Jpeg(brighter, 85);
    }
}
