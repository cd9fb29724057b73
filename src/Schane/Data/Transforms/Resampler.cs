using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Schane.Data.Transforms;

/// <summary>How a resize weighs the source pixels. The support grows with the shrinkage, so that shrinking is antialiased, as PIL does.</summary>
public enum Interpolation
{
    /// <summary>The source pixel under the centre.</summary>
    Nearest,

    /// <summary>A triangle one pixel wide on either side.</summary>
    Bilinear,

    /// <summary>Keys' cubic with a = −0.5, two pixels on either side.</summary>
    Bicubic,

    /// <summary>A box of half a pixel on either side: the mean of the area when shrinking.</summary>
    Box,

    /// <summary>Three lobes of sinc.</summary>
    Lanczos,
}

/// <summary>
/// Antialiased resize with PIL's coefficients and order (Pillow, Resample.c): across, rounded to 8 bits, then down, rounded again. PIL's weights
/// are fixed-point numbers of 22 bits, ours are floats, so single samples differ by at most one level.
/// </summary>
internal static class Resampler
{
    [ThreadStatic] private static float[]? line, weights;
    [ThreadStatic] private static byte[]? narrow;
    [ThreadStatic] private static int[]? starts;

    /// <summary>Resizes a box of the picture. <paramref name="source"/> is rows of <paramref name="stride"/> bytes that begin at the box's corner.</summary>
    public static unsafe void Resize(
        ReadOnlySpan<byte> source, int stride, int width, int height, int channels, Interpolation filter, Span<byte> destination, int outWidth, int outHeight)
    {
        var (n, outStride) = (width * channels, outWidth * channels);
        if (source.Length < stride * (height - 1) + n || destination.Length < outStride * outHeight)
            throw new ArgumentException("The picture is smaller than its stated size.");
        var (tapsX, tapsY) = (Taps(width, outWidth, filter), Taps(height, outHeight, filter));
        var w = Grow(ref weights, tapsX * outWidth + tapsY * outHeight);
        var first = Grow(ref starts, outWidth + outHeight);
        Coefficients(width, outWidth, filter, tapsX, w.AsSpan(0, tapsX * outWidth), first.AsSpan(0, outWidth));
        Coefficients(height, outHeight, filter, tapsY, w.AsSpan(tapsX * outWidth, tapsY * outHeight), first.AsSpan(outWidth, outHeight));

        fixed (byte* from = source, to = destination, middle = Grow(ref narrow, outStride * height + 32))
        fixed (float* floats = Grow(ref line, n + 64), wx = w)
        fixed (int* startX = first)
        {
            for (var y = 0; y < height; y++)
            {
                Widen(from + (long)y * stride, floats, n);
                Across(floats, wx, startX, tapsX, width, channels, middle + (long)y * outStride, outWidth);
            }
            var wy = wx + tapsX * outWidth;
            var startY = startX + outWidth;
            for (var y = 0; y < outHeight; y++)
                Down(middle + (long)startY[y] * outStride, outStride, wy + y * tapsY, Math.Min(tapsY, height - startY[y]), to + (long)y * outStride, outStride);
        }
    }

    private static T[] Grow<T>(ref T[]? buffer, int length) => buffer is not null && buffer.Length >= length ? buffer : buffer = new T[length + length / 4];

    private static int Taps(int size, int outSize, Interpolation filter) => (int)Math.Ceiling(Support(filter) * Math.Max((double)size / outSize, 1)) * 2 + 1;

    private static double Support(Interpolation filter) => filter switch { Interpolation.Bilinear => 1, Interpolation.Bicubic => 2, Interpolation.Lanczos => 3, _ => 0.5 };

    // Each output sample has `taps` weights, zero beyond its support; rows and columns outside the picture have none.
    private static void Coefficients(int size, int outSize, Interpolation filter, int taps, Span<float> weights, Span<int> starts)
    {
        var scale = (double)size / outSize;
        var stretch = Math.Max(scale, 1);
        var support = Support(filter) * stretch;
        Span<double> exact = taps <= 256 ? stackalloc double[taps] : new double[taps];
        for (var i = 0; i < outSize; i++)
        {
            var center = (i + 0.5) * scale;
            if (filter == Interpolation.Nearest)
            {
                starts[i] = Math.Min((int)center, size - 1);
                weights.Slice(i * taps, taps).Clear();
                weights[i * taps] = 1;
                continue;
            }
            var low = Math.Max((int)(center - support + 0.5), 0);
            var count = Math.Min((int)(center + support + 0.5), size) - low;
            var sum = 0.0;
            for (var k = 0; k < count; k++)
                sum += exact[k] = Kernel((k + low - center + 0.5) / stretch, filter);
            var own = weights.Slice(i * taps, taps);
            own.Clear();
            for (var k = 0; k < count; k++)
                own[k] = (float)(exact[k] / sum);
            starts[i] = low;
        }
    }

    private static double Kernel(double x, Interpolation filter)
    {
        x = Math.Abs(x);
        return filter switch
        {
            Interpolation.Bilinear => x < 1 ? 1 - x : 0,
            Interpolation.Bicubic => x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0,
            Interpolation.Lanczos => x < 3 ? Sinc(x) * Sinc(x / 3) : 0,
            _ => x <= 0.5 ? 1 : 0,
        };
    }

    private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x);

    private static unsafe void Widen(byte* from, float* to, int n)
    {
        var x = 0;
        if (Vector256.IsHardwareAccelerated)
            for (; x + 8 <= n; x += 8)
                Floats(from + x).Store(to + x);
        for (; x < n; x++)
            to[x] = from[x];
    }

    /// <summary>One output row: the weighted sum of rows, rounded.</summary>
    private static unsafe void Down(byte* from, int stride, float* weights, int taps, byte* to, int n)
    {
        while (taps > 1 && weights[taps - 1] == 0)
            taps--;
        var x = 0;
        if (Vector256.IsHardwareAccelerated)
            for (; x + 32 <= n; x += 32)
            {
                var half = Vector256.Create(0.5f);
                var (a, b, c, d) = (half, half, half, half);
                var row = from + x;
                for (var k = 0; k < taps; k++, row += stride)
                {
                    var w = Vector256.Create(weights[k]);
                    a = Vector256.MultiplyAddEstimate(Floats(row), w, a);
                    b = Vector256.MultiplyAddEstimate(Floats(row + 8), w, b);
                    c = Vector256.MultiplyAddEstimate(Floats(row + 16), w, c);
                    d = Vector256.MultiplyAddEstimate(Floats(row + 24), w, d);
                }
                Vector256.Narrow(Vector256.Narrow(Levels(a), Levels(b)), Vector256.Narrow(Levels(c), Levels(d))).Store(to + x);
            }
        for (; x < n; x++)
        {
            var sum = 0.5f;
            for (var k = 0; k < taps; k++)
                sum += from[x + (long)k * stride] * weights[k];
            to[x] = (byte)Math.Clamp(sum, 0, 255);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Levels(Vector256<float> v) =>
        Vector256.ConvertToInt32(Vector256.Min(Vector256.Max(v, Vector256<float>.Zero), Vector256.Create(255f))).AsUInt32();

    /// <summary>One output row of bytes from one row of floats.</summary>
    private static unsafe void Across(float* from, float* weights, int* starts, int taps, int width, int channels, byte* to, int outWidth)
    {
        for (var x = 0; x < outWidth; x++, weights += taps)
        {
            var present = Math.Min(taps, width - starts[x]);
            var at = from + starts[x] * channels;
            if (channels == 3)
            {
                // Four floats at a time: three channels of a pixel and one of the next, which is ignored. The row is padded.
                var (even, odd) = (Vector128<float>.Zero, Vector128<float>.Zero);
                var k = 0;
                for (; k + 1 < present; k += 2, at += 6)
                {
                    even = Vector128.MultiplyAddEstimate(Vector128.Load(at), Vector128.Create(weights[k]), even);
                    odd = Vector128.MultiplyAddEstimate(Vector128.Load(at + 3), Vector128.Create(weights[k + 1]), odd);
                }
                if (k < present)
                    even = Vector128.MultiplyAddEstimate(Vector128.Load(at), Vector128.Create(weights[k]), even);
                var rounded = Vector128.ConvertToInt32(Vector128.Min(Vector128.Max(even + odd + Vector128.Create(0.5f), Vector128<float>.Zero), Vector128.Create(255f)));
                (to[0], to[1], to[2]) = ((byte)rounded.GetElement(0), (byte)rounded.GetElement(1), (byte)rounded.GetElement(2));
                to += 3;
            }
            else
            {
                var sum = 0f;
                for (var k = 0; k < present; k++)
                    sum += at[k] * weights[k];
                *to++ = (byte)(Math.Clamp(sum, 0, 255) + 0.5f);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe Vector256<float> Floats(byte* bytes) =>
        Avx2.IsSupported ? Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(bytes))
            : Vector256.ConvertToSingle(Vector256.WidenLower(Vector256.WidenLower(Vector256.CreateScalar(*(ulong*)bytes).AsByte())).AsInt32());
}
