namespace Schane.Data.Transforms;

/// <summary>Changes of tone, channel by channel, in place, as PIL's ImageOps and ImageEnhance do them.</summary>
internal static class Tone
{
    /// <summary>Inverts the samples at and above the threshold.</summary>
    public static void Solarize(Span<byte> pixels, double threshold)
    {
        foreach (ref var p in pixels)
            p = p < threshold ? p : (byte)(255 - p);
    }

    /// <summary>Keeps the highest bits, 0 to 8.</summary>
    public static void Posterize(Span<byte> pixels, int bits)
    {
        var mask = (byte)~((1 << (8 - bits)) - 1);
        foreach (ref var p in pixels)
            p &= mask;
    }

    public static void Invert(Span<byte> pixels)
    {
        foreach (ref var p in pixels)
            p = (byte)(255 - p);
    }

    /// <summary>Stretches each channel from its least to its greatest value over 0 to 255.</summary>
    public static void AutoContrast(Span<byte> pixels, int channels) => PerChannel(pixels, channels, (histogram, table) =>
    {
        var (low, high) = (Array.FindIndex(histogram, n => n > 0), Array.FindLastIndex(histogram, n => n > 0));
        var scale = high > low ? 255.0 / (high - low) : 1;
        var offset = high > low ? -low * scale : 0;
        for (var v = 0; v < 256; v++)
            table[v] = (byte)Math.Clamp((int)(v * scale + offset), 0, 255);
    });

    /// <summary>Evens out each channel's histogram.</summary>
    public static void Equalize(Span<byte> pixels, int channels) => PerChannel(pixels, channels, (histogram, table) =>
    {
        var last = Array.FindLastIndex(histogram, n => n > 0);
        var step = last < 0 ? 0 : (histogram.Sum() - histogram[last]) / 255;
        for (int v = 0, n = step / 2; v < 256; n += histogram[v++])
            table[v] = step == 0 ? (byte)v : (byte)Math.Min(n / step, 255);
    });

    /// <summary>Blends with the picture smoothed by (1 1 1; 1 5 1; 1 1 1) / 13, whose border is the picture's own. Above 1 sharpens.</summary>
    public static void Sharpness(Canvas canvas, float factor)
    {
        var (width, height, c) = (canvas.Width, canvas.Height, canvas.Channels);
        var stride = width * c;
        var source = canvas.Pixels;
        var drawn = canvas.Draw(width, height, c);
        source.CopyTo(drawn);
        for (var y = 1; y < height - 1; y++)
            for (var i = y * stride + c; i < (y + 1) * stride - c; i++)
            {
                var sum = source[i - stride - c] + source[i - stride] + source[i - stride + c] + source[i - c] + 5 * source[i] + source[i + c]
                    + source[i + stride - c] + source[i + stride] + source[i + stride + c];
                var smooth = (byte)((sum + 6) / 13);                      // sum / 13 + ½, cut off; thirteenths never fall on a half
                var value = smooth + factor * (source[i] - smooth);
                drawn[i] = value <= 0 ? (byte)0 : value >= 255 ? (byte)255 : (byte)value;
            }
        canvas.Turn(width, height, c);
    }

    private static void PerChannel(Span<byte> pixels, int channels, Action<int[], byte[]> fill)
    {
        var (histogram, table) = (new int[256], new byte[256]);
        for (var c = 0; c < channels; c++)
        {
            Array.Clear(histogram);
            for (var i = c; i < pixels.Length; i += channels)
                histogram[pixels[i]]++;
            fill(histogram, table);
            for (var i = c; i < pixels.Length; i += channels)
                pixels[i] = table[pixels[i]];
        }
    }
}
