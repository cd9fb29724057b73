using System.Runtime.Intrinsics;

namespace Schane.Data.Reading;

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

    /// <summary>The pixels of a row of RGB from last to first.</summary>
    public static void Mirror(ReadOnlySpan<byte> rgb, Span<byte> mirrored)
    {
        var (at, to) = (rgb.Length, 0);
        if (Vector128.IsHardwareAccelerated)
        {
            var turn = Vector128.Create((byte)13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3, 0x80);
            for (; at >= 16 && to + 16 <= mirrored.Length; at -= 15, to += 15)      // the last byte is written over by the next round
                Vector128.Shuffle(Vector128.Create(rgb.Slice(at - 16, 16)), turn).CopyTo(mirrored[to..]);
        }
        for (; to < mirrored.Length; to += 3)
        {
            at -= 3;
            (mirrored[to], mirrored[to + 1], mirrored[to + 2]) = (rgb[at], rgb[at + 1], rgb[at + 2]);
        }
    }

    /// <summary>RGB as three planes, [3 · n] after [n · 3].</summary>
    public static void Separate(ReadOnlySpan<byte> rgb, Span<byte> planes)
    {
        var n = planes.Length / 3;
        var red = planes[..n];
        var green = planes.Slice(n, n);
        var blue = planes[(2 * n)..];
        var i = 0;
        if (Vector128.IsHardwareAccelerated)
            for (; i + 16 <= n; i += 16)
            {
                var (r, g, b) = Separate(rgb.Slice(3 * i, 48));
                r.CopyTo(red[i..]);
                g.CopyTo(green[i..]);
                b.CopyTo(blue[i..]);
            }
        for (; i < n; i++)
            (red[i], green[i], blue[i]) = (rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]);
    }

    /// <summary>Sixteen pixels, one vector a channel.</summary>
    private static (Vector128<byte> R, Vector128<byte> G, Vector128<byte> B) Separate(ReadOnlySpan<byte> rgb)
    {
        var (a, b, c) = (Vector128.Create(rgb[..16]), Vector128.Create(rgb.Slice(16, 16)), Vector128.Create(rgb.Slice(32, 16)));
        const byte no = 0x80;
        return (
            Vector128.Shuffle(a, Vector128.Create((byte)0, 3, 6, 9, 12, 15, no, no, no, no, no, no, no, no, no, no))
                | Vector128.Shuffle(b, Vector128.Create(no, no, no, no, no, no, (byte)2, 5, 8, 11, 14, no, no, no, no, no))
                | Vector128.Shuffle(c, Vector128.Create(no, no, no, no, no, no, no, no, no, no, no, (byte)1, 4, 7, 10, 13)),
            Vector128.Shuffle(a, Vector128.Create((byte)1, 4, 7, 10, 13, no, no, no, no, no, no, no, no, no, no, no))
                | Vector128.Shuffle(b, Vector128.Create(no, no, no, no, no, (byte)0, 3, 6, 9, 12, 15, no, no, no, no, no))
                | Vector128.Shuffle(c, Vector128.Create(no, no, no, no, no, no, no, no, no, no, no, (byte)2, 5, 8, 11, 14)),
            Vector128.Shuffle(a, Vector128.Create((byte)2, 5, 8, 11, 14, no, no, no, no, no, no, no, no, no, no, no))
                | Vector128.Shuffle(b, Vector128.Create(no, no, no, no, no, (byte)1, 4, 7, 10, 13, no, no, no, no, no, no))
                | Vector128.Shuffle(c, Vector128.Create(no, no, no, no, no, no, no, no, no, no, (byte)0, 3, 6, 9, 12, 15)));
    }

    /// <summary>level · factor + shift of each sample, every operation rounded.</summary>
    public static void Scale(ReadOnlySpan<byte> levels, float factor, float shift, Span<float> destination)
    {
        var i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            var (by, plus) = (Vector256.Create(factor), Vector256.Create(shift));
            for (; i + 32 <= levels.Length; i += 32)
            {
                var (low, high) = Vector256.Widen(Vector256.Create(levels.Slice(i, 32)));
                var (a, b) = Vector256.Widen(low);
                var (c, d) = Vector256.Widen(high);
                var to = destination.Slice(i, 32);
                (Vector256.ConvertToSingle(a.AsInt32()) * by + plus).CopyTo(to);
                (Vector256.ConvertToSingle(b.AsInt32()) * by + plus).CopyTo(to[8..]);
                (Vector256.ConvertToSingle(c.AsInt32()) * by + plus).CopyTo(to[16..]);
                (Vector256.ConvertToSingle(d.AsInt32()) * by + plus).CopyTo(to[24..]);
            }
        }
        for (; i < levels.Length; i++)
            destination[i] = levels[i] * factor + shift;
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
