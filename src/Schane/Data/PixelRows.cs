using System.Runtime.Intrinsics;

namespace Schane.Data;

/// <summary>Moves 8-bit samples between layouts.</summary>
internal static class PixelRows
{
    /// <summary>RGBA to RGB; <paramref name="rgb"/> has three quarters of the length.</summary>
    public static void DropAlpha(ReadOnlySpan<byte> rgba, Span<byte> rgb)
    {
        var at = 0;
        var to = 0;
        if (Vector128.IsHardwareAccelerated)
        {
            var pick = Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 0x80, 0x80, 0x80, 0x80);
            for (; to + 16 <= rgb.Length; at += 16, to += 12)             // the last four bytes are written over by the next round
                Vector128.Shuffle(Vector128.Create(rgba.Slice(at, 16)), pick).CopyTo(rgb[to..]);
        }
        for (; to < rgb.Length; at += 4, to += 3)
            (rgb[to], rgb[to + 1], rgb[to + 2]) = (rgba[at], rgba[at + 1], rgba[at + 2]);
    }

    /// <summary>Gray to RGB.</summary>
    public static void Spread(ReadOnlySpan<byte> gray, Span<byte> rgb)
    {
        for (var i = 0; i < gray.Length; i++)
            rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = gray[i];
    }

    /// <summary>RGB to luma as PIL's <c>convert("L")</c>: (19595 R + 38470 G + 7471 B + 0x8000) / 65536.</summary>
    public static void Luma(ReadOnlySpan<byte> rgb, Span<byte> gray)
    {
        for (var i = 0; i < gray.Length; i++)
            gray[i] = (byte)((19595 * rgb[3 * i] + 38470 * rgb[3 * i + 1] + 7471 * rgb[3 * i + 2] + 0x8000) >> 16);
    }

    /// <summary>The image with the given number of channels (1 or 3); itself if it has them.</summary>
    public static Image8 WithChannels(Image8 image, int channels)
    {
        if (image.Channels == channels)
            return image;
        var pixels = new byte[image.Width * image.Height * channels];
        if (channels == 3)
            Spread(image.Pixels, pixels);
        else
            Luma(image.Pixels, pixels);
        return new(image.Width, image.Height, channels, pixels);
    }
}
