using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Schane.Data.Transforms;

/// <summary>Changes of tone, channel by channel, in place, as PIL's ImageOps and ImageEnhance do them.</summary>
internal static class Tone
{
    /// <summary>Inverts the samples at and above the threshold.</summary>
    public static void Solarize(Span<byte> pixels, double threshold)
    {
        if (threshold > 255)
            return;
        var first = (byte)Math.Max(Math.Ceiling(threshold), 0);
        var vectors = MemoryMarshal.Cast<byte, Vector<byte>>(pixels);
        foreach (ref var v in vectors)
            v = Vector.ConditionalSelect(Vector.LessThan(v, new(first)), v, ~v);
        foreach (ref var p in pixels[(vectors.Length * Vector<byte>.Count)..])
            p = p < first ? p : (byte)~p;
    }

    /// <summary>Keeps the highest bits, 0 to 8.</summary>
    public static void Posterize(Span<byte> pixels, int bits)
    {
        var mask = (byte)~((1 << (8 - bits)) - 1);
        var vectors = MemoryMarshal.Cast<byte, Vector<byte>>(pixels);
        foreach (ref var v in vectors)
            v &= new Vector<byte>(mask);
        foreach (ref var p in pixels[(vectors.Length * Vector<byte>.Count)..])
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

    /// <summary>Blends with the image smoothed by (1 1 1; 1 5 1; 1 1 1) / 13, whose border is the image's
    /// own. Above 1 sharpens.</summary>
    public static void Sharpness(Canvas canvas, float factor)
    {
        var (width, height, c) = (canvas.Width, canvas.Height, canvas.Channels);
        var stride = width * c;
        var source = canvas.Pixels;
        var drawn = canvas.Draw(width, height, c);
        source.CopyTo(drawn);
        for (var y = 1; y < height - 1; y++)
            for (var i = SharpenVectors(source, drawn, y * stride + c, (y + 1) * stride - c, stride, c,
                factor); i < (y + 1) * stride - c; i++)
            {
                var sum = source[i - stride - c] + source[i - stride] + source[i - stride + c] + source[i - c]
                    + 5 * source[i] + source[i + c]
                    + source[i + stride - c] + source[i + stride] + source[i + stride + c];
                var smooth = (byte)((sum + 6) / 13);                      // sum / 13 + ½, cut off; thirteenths never fall on a half
                var value = smooth + factor * (source[i] - smooth);
                drawn[i] = value <= 0 ? (byte)0 : value >= 255 ? (byte)255 : (byte)value;
            }
        canvas.Turn(width, height, c);
    }

    /// <summary>The same for as many samples of a row as fill vectors of 16; returns where it stopped.</summary>
    private static unsafe int SharpenVectors(ReadOnlySpan<byte> source, Span<byte> drawn, int from, int end,
        int stride, int c, float factor)
    {
        if (!Avx2.IsSupported)
            return from;
        var times = Vector256.Create(factor);
        fixed (byte* start = source, to = drawn)
            for (; from + 16 <= end; from += 16)
            {
                var at = start + from;
                var middle = Wide(at);
                var sum = Wide(at - stride - c) + Wide(at - stride) + Wide(at - stride + c) + Wide(at - c) + middle
                    + Vector256.ShiftLeft(middle, 2) + Wide(at + c)
                    + Wide(at + stride - c) + Wide(at + stride) + Wide(at + stride + c);
                // · 5042 / 65536 is / 13 for whole numbers up to 6553; the sum is at most 3315.
                var smooth = Avx2.MultiplyHigh(sum + Vector256.Create((ushort)6), Vector256.Create((ushort)5042));
                var words = Avx2.PackSignedSaturate(Blend(smooth.GetLower(), middle.GetLower(), times),
                    Blend(smooth.GetUpper(), middle.GetUpper(), times));
                words = Avx2.Permute4x64(words.AsInt64(), 0b11_01_10_00).AsInt16();
                Sse2.PackUnsignedSaturate(words.GetLower(), words.GetUpper()).Store(to + from);
            }
        return from;

        static Vector256<ushort> Wide(byte* at) => Avx2.ConvertToVector256Int16(at).AsUInt16();

        static Vector256<int> Blend(Vector128<ushort> smooth, Vector128<ushort> sample, Vector256<float> times)
        {
            var (s, p) = (Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(smooth)),
                Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(sample)));
            return Avx.ConvertToVector256Int32WithTruncation(s + times * (p - s));
        }
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
