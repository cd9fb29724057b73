using ImageMagick;
using Schane.Data;
using Schane.Data.Listing;
using Schane.Data.Reading;

namespace Schane.Formats;

/// <summary>
/// Reads images by ImageMagick, as PIL's <c>exif_transpose</c> and <c>convert("RGB")</c> give them: the first page, upright, 16 bits
/// reduced to 8, CMYK turned to RGB by PIL's formula, alpha dropped, no colour management.
/// </summary>
/// <remarks>One decoder runs, the one that is named, whatever a file says of itself; it is given bytes and no name, so that nothing in a
/// file can name another one, a program or an address. No setting of ImageMagick is changed: they hold for the process.</remarks>
internal sealed class MagickFormats : IOtherFormats
{
    /// <summary>What libtiff and libjpeg warn of where samples are missing.</summary>
    private static readonly string[] Missing = ["Premature end", "Read error", "not enough data"];

    public MagickFormats() => _ = MagickNET.Version + MagickNET.Features;    // fails at once where there is no native part

    public (int Width, int Height) Measure(ReadOnlySpan<byte> bytes, string kind)
    {
        using var image = Header(bytes, kind);
        return (int)image.Orientation >= 5                                // turned by a quarter
            ? ((int)image.Height, (int)image.Width) : ((int)image.Width, (int)image.Height);
    }

    public int Bits(ReadOnlySpan<byte> bytes, string kind)
    {
        using var image = Header(bytes, kind);
        return (int)image.Depth;
    }

    public Image8 Decode(ReadOnlySpan<byte> bytes, string kind, bool orient)
    {
        using var image = new MagickImage();
        string? missing = null;
        image.Warning += (_, warning) => missing ??= Missing.Any(warning.Message.Contains) ? warning.Message : null;
        try
        {
            image.Read(bytes, SettingsOf(kind));
            if (missing is not null)
                throw new InvalidDataException(Plain(missing));
            if (orient)
                image.AutoOrient();
            if (image.ColorSpace is not (ColorSpace.Gray or ColorSpace.sRGB or ColorSpace.CMYK))
                image.ColorSpace = ColorSpace.sRGB;
            using var pixels = image.GetPixelsUnsafe();
            var (width, height) = ((int)image.Width, (int)image.Height);
            return image.ColorSpace switch
            {
                ColorSpace.Gray => new(width, height, 1, Samples(pixels, "R", width * height)),
                ColorSpace.CMYK => new(width, height, 3, FromInk(Samples(pixels, "CMYK", width * height * 4))),
                _ => new(width, height, 3, Samples(pixels, "RGB", width * height * 3)),
            };
        }
        catch (MagickException e)
        {
            throw Unreadable(e);
        }
    }

    public int Pages(ReadOnlySpan<byte> bytes, string kind)
    {
        try
        {
            return MagickImageInfo.ReadCollection(bytes.ToArray(), new MagickReadSettings { Format = FormatOf(kind) }).Count();
        }
        catch (MagickException e)
        {
            throw Unreadable(e);
        }
    }

    private static MagickImage Header(ReadOnlySpan<byte> bytes, string kind)
    {
        var image = new MagickImage();
        try
        {
            image.Warning += (_, _) => { };
            image.Ping(bytes, SettingsOf(kind));
            return image;
        }
        catch (MagickException e)
        {
            image.Dispose();
            throw Unreadable(e);
        }
    }

    private static byte[] Samples(IUnsafePixelCollection<byte> pixels, string channels, int count) =>
        pixels.ToByteArray(channels) is { } samples && samples.Length == count
            ? samples : throw new InvalidDataException($"its samples are not {channels}");

    /// <summary>From the amounts of four inks to light, rounded as PIL does.</summary>
    private static byte[] FromInk(byte[] ink)
    {
        var rgb = new byte[ink.Length / 4 * 3];
        for (var i = 0; i < ink.Length / 4; i++)
        {
            var light = 255 - ink[4 * i + 3];
            for (var c = 0; c < 3; c++)
            {
                var product = ink[4 * i + c] * light + 128;
                rgb[3 * i + c] = (byte)(light - ((product >> 8) + product >> 8));
            }
        }
        return rgb;
    }

    private static MagickReadSettings SettingsOf(string kind) =>
        new() { Format = FormatOf(kind), FrameIndex = 0, FrameCount = 1 };

    private static MagickFormat FormatOf(string kind) => kind switch
    {
        UnreadKinds.Heic => MagickFormat.Heic,
        UnreadKinds.Avif => MagickFormat.Avif,
        UnreadKinds.Tiff => MagickFormat.Tiff,
        UnreadKinds.Jpeg2000 => MagickFormat.Jp2,
        UnreadKinds.JpegXl => MagickFormat.Jxl,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), $"kind must be one that OtherFormats tells but is {kind}."),
    };

    private static InvalidDataException Unreadable(MagickException e) => new(Plain(e.Message), e);

    /// <summary>What the decoder says, without the names of its sources and of files in memory.</summary>
    private static string Plain(string message) => message.Split('`', '\n')[0].Trim().TrimEnd('.', ':');
}
