using System.Globalization;
using System.Numerics.Tensors;

namespace Schane.Data.Reading;

/// <summary>Tells of images of 16 bits a sample that fill little of their range, as the 12 bits of a camera or scanner do: of 256 levels
/// few are left of them. Thread-safe.</summary>
internal sealed class NarrowRange
{
    /// <summary>Levels of 256 that an image spans at most to be told of: 14 bits in 16.</summary>
    private const int MostLevels = 64;

    private readonly Lock guard = new();
    private int count;
    private byte least = byte.MaxValue, most;
    private string? first;

    /// <summary>Looks at an image.</summary>
    /// <param name="image">What was decoded.</param>
    /// <param name="name">Its name in the data set.</param>
    /// <param name="file">Its file, which is asked for only where the levels are few.</param>
    public void Look(Image8 image, string name, Func<byte[]?> file)
    {
        var (low, high) = (TensorPrimitives.Min<byte>(image.Pixels), TensorPrimitives.Max<byte>(image.Pixels));
        if (high - low >= MostLevels || file() is not { } bytes || BitsOf(bytes, name) < 16)
            return;
        lock (guard)
        {
            count++;
            (least, most) = (Math.Min(least, low), Math.Max(most, high));
            first = first is null || string.CompareOrdinal(name, first) < 0 ? name : first;
        }
    }

    /// <summary>How many there are, what is left of them and what to do; null where there are none.</summary>
    public string? Sentence => count == 0 ? null : string.Create(CultureInfo.InvariantCulture,
        $"{count:N0} {(count == 1 ? "image has" : "images have")} 16 bits a sample and {(count == 1 ? "fills" : "fill")} little of that " +
        $"range, so that at most {most - least + 1} of 256 levels are left ('{Printable.Escape(first!)}'). Stretch them, those to be " +
        $"predicted too, by the same factor: `magick mogrify -level {Math.Max(0, least - 0.5) / 2.55:0.##}%," +
        $"{(most + 0.5) / 2.55:0.##}% -depth 8 FILES`.");

    private static int BitsOf(ReadOnlySpan<byte> bytes, string name) => Magic.Sniff(bytes) == ImageFormat.Png
        ? bytes.Length > 24 ? bytes[24] : 0                               // the ninth byte of its header, which comes first
        : OtherFormats.BitsOf(bytes, name);
}
