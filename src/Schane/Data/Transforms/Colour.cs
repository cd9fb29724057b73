namespace Schane.Data.Transforms;

/// <summary>
/// Changes of colour on 8-bit samples, in place, as PIL's ImageEnhance does them: each blends the image with a degenerate one,
/// degenerate + factor · (image − degenerate), cut off at 0 and 255.
/// </summary>
internal static class Colour
{
    /// <summary>Blend with black.</summary>
    public static void Brightness(Span<byte> pixels, float factor) => Table(pixels, 0, factor);

    /// <summary>Blend with the mean luma of the image, rounded.</summary>
    public static void Contrast(Span<byte> pixels, int channels, float factor)
    {
        long sum = 0;
        var count = pixels.Length / channels;
        if (channels == 1)
            foreach (var p in pixels)
                sum += p;
        else
            for (var i = 0; i < pixels.Length; i += 3)
                sum += Luma(pixels[i], pixels[i + 1], pixels[i + 2]);
        Table(pixels, (byte)((double)sum / count + 0.5), factor);
    }

    /// <summary>Blend with the gray image; a gray image stays as it is.</summary>
    public static void Saturation(Span<byte> pixels, int channels, float factor)
    {
        if (channels == 1)
            return;
        for (var i = 0; i < pixels.Length; i += 3)
        {
            float gray = Luma(pixels[i], pixels[i + 1], pixels[i + 2]);
            for (var k = i; k < i + 3; k++)
                pixels[k] = Clip(gray + factor * (pixels[k] - gray));
        }
    }

    /// <summary>Luma in all three channels.</summary>
    public static void Gray(Span<byte> rgb)
    {
        for (var i = 0; i < rgb.Length; i += 3)
            rgb[i] = rgb[i + 1] = rgb[i + 2] = (byte)Luma(rgb[i], rgb[i + 1], rgb[i + 2]);
    }

    /// <summary>Turns the hue by a share of the circle, −0.5 to 0.5, through PIL's 8-bit HSV; a gray image stays as it is.</summary>
    public static void Hue(Span<byte> pixels, int channels, double share)
    {
        if (channels == 1)
            return;
        var shift = (byte)(int)(share * 255);
        for (var i = 0; i < pixels.Length; i += 3)
        {
            var (r, g, b) = (pixels[i], pixels[i + 1], pixels[i + 2]);
            var (max, min) = (Math.Max(r, Math.Max(g, b)), Math.Min(r, Math.Min(g, b)));
            if (max == min)
                continue;
            float chroma = max - min;
            var saturation = (byte)Math.Clamp((int)(chroma / max * 255), 0, 255);
            var (rc, gc, bc) = ((max - r) / chroma, (max - g) / chroma, (max - b) / chroma);
            var hue = r == max ? bc - gc : g == max ? 2 + rc - bc : 4 + gc - rc;
            hue = hue / 6 + 1;
            hue -= (int)hue;
            var h = unchecked((byte)((byte)Math.Clamp((int)(hue * 255), 0, 255) + shift));
            (pixels[i], pixels[i + 1], pixels[i + 2]) = FromHsv(h, saturation, max);
        }
    }

    private static (byte, byte, byte) FromHsv(byte h, byte s, byte v)
    {
        if (s == 0)
            return (v, v, v);
        var six = h * 6 / 255f;
        var sector = (int)six;
        var f = six - sector;
        var fs = s / 255f;
        var p = Clip(MathF.Round(v * (1 - fs), MidpointRounding.AwayFromZero));
        var q = Clip(MathF.Round(v * (1 - fs * f), MidpointRounding.AwayFromZero));
        var t = Clip(MathF.Round(v * (1 - fs * (1 - f)), MidpointRounding.AwayFromZero));
        return (sector % 6) switch { 0 => (v, t, p), 1 => (q, v, p), 2 => (p, v, t), 3 => (p, q, v), 4 => (t, p, v), _ => (v, p, q) };
    }

    internal static int Luma(int r, int g, int b) => (19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16;

    private static void Table(Span<byte> pixels, byte degenerate, float factor)
    {
        Span<byte> table = stackalloc byte[256];
        for (var v = 0; v < 256; v++)
            table[v] = Clip(degenerate + factor * (v - degenerate));
        foreach (ref var p in pixels)
            p = table[p];
    }

    private static byte Clip(float value) => value <= 0 ? (byte)0 : value >= 255 ? (byte)255 : (byte)value;
}
