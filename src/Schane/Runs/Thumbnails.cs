using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Schane.Data;
using SkiaSharp;

namespace Schane.Runs;

/// <summary>Thumbnails of a run's images, WebP, one file each: what reports and servers show of images that may lie elsewhere
/// by then. Thread-safe.</summary>
internal sealed class Thumbnails(string folder)
{
    /// <summary>Longest side in pixels; smaller images keep their size.</summary>
    public const int Side = 96;

    /// <summary>Size of a file at most.</summary>
    public const int MostBytes = 2048;

    /// <summary>Images of one part of the data that are kept at most.</summary>
    public const int MostOfPart = 2000;

    /// <summary>What stands for a part where images are kept of where the model saw the class that it took them for.</summary>
    public static string Activations(string part) => $"{part}/activations";

    /// <summary>The thumbnail of an image; null if none is kept.</summary>
    public byte[]? Find(string part, string image)
    {
        try
        {
            return File.ReadAllBytes(PathOf(part, image));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Makes and keeps the thumbnails of images by their names, but those that are there; names that the data don't
    /// know are passed over.</summary>
    /// <param name="part">Part of the data.</param>
    /// <param name="data">Its images.</param>
    /// <param name="images">Names of those to keep.</param>
    /// <param name="hasTime">Asked before each, and the rest are left out once it says no, of every class as many; null for all.</param>
    /// <param name="cancel">Stops between images.</param>
    /// <exception cref="SchaneException">An image can't be read, or a thumbnail can't be written.</exception>
    public void Keep(string part, IImageDataset data, IEnumerable<string> images, Func<bool>? hasTime = null,
        CancellationToken cancel = default)
    {
        var wanted = images.Where(image => !File.Exists(PathOf(part, image))).ToHashSet(StringComparer.Ordinal);
        int[] rows = [.. Enumerable.Range(0, data.Count).Where(index => wanted.Contains(data.NameOf(index)))];
        if (hasTime is not null)
            rows = [.. rows.GroupBy(data.LabelOf).SelectMany(kind => kind.Select((row, place) => (row, place)))
                .OrderBy(one => one.place).Select(one => one.row)];
        Write(() => Parallel.ForEach(Partitioner.Create(rows, EnumerablePartitionerOptions.NoBuffering),
            new ParallelOptions { CancellationToken = cancel }, index =>
            {
                if (hasTime?.Invoke() != false)
                    File.WriteAllBytes(PathOf(part, data.NameOf(index)), Of(data.Read(index)));
            }));
    }

    /// <summary>Keeps one image that is decoded already.</summary>
    /// <exception cref="SchaneException">It can't be written.</exception>
    public void Keep(string part, string image, Image8 decoded) => Write(() => File.WriteAllBytes(PathOf(part, image), Of(decoded)));

    private void Write(Action write)
    {
        try
        {
            Directory.CreateDirectory(folder);
            write();
        }
        catch (AggregateException e) when (e.InnerExceptions.OfType<SchaneException>().FirstOrDefault() is { } unreadable)
        {
            throw new SchaneException(unreadable.Message, e);
        }
        catch (Exception e) when ((e is AggregateException all ? all.InnerExceptions[0] : e) is IOException or UnauthorizedAccessException)
        {
            throw new SchaneException($"The thumbnails of the run can't be written to '{Printable.Escape(folder)}' " +
                $"({Printable.Escape(e.GetBaseException().Message.TrimEnd('.'))}); train with --no-thumbnails, or make room.", e);
        }
    }

    /// <summary>The image as WebP: at most so many pixels a side and so many bytes, at the best quality that fits, smaller if none
    /// does.</summary>
    public static byte[] Of(Image8 image, int most = Side, int bytes = MostBytes)
    {
        using var bitmap = ImageEncoder.Bitmap(image);
        for (var side = most; ; side /= 2)
        {
            var scale = Math.Min(1, (double)side / Math.Max(image.Width, image.Height));
            var size = new SKImageInfo(Math.Max(1, (int)Math.Round(image.Width * scale)),
                Math.Max(1, (int)Math.Round(image.Height * scale)), SKColorType.Rgba8888, SKAlphaType.Opaque);
            using var small = bitmap.Resize(size, new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
            foreach (var quality in (int[])[80, 60, 40, 20])
            {
                using var encoded = small.Encode(SKEncodedImageFormat.Webp, quality);
                if (encoded.Size <= bytes || side == 1)
                    return encoded.ToArray();
            }
        }
    }

    /// <summary>Names may hold what no file name may, so that a hash stands for them.</summary>
    private string PathOf(string part, string image) =>
        Path.Combine(folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{part}\0{image}")).AsSpan(0, 10)) + ".webp");
}
