using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Schane.Data.Transforms;

/// <summary>How a resize weighs the source pixels. The support grows with the shrinkage, so that shrinking is
/// antialiased, as PIL does.</summary>
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
/// Antialiased resize with PIL's coefficients and order (Pillow, Resample.c): across, rounded to 8 bits, then down, rounded again. PIL's
/// weights are fixed-point numbers of 22 bits; ours are of 15 bits, so that two are multiplied at once, and floats across gray. Single
/// samples differ by at most one level.
/// </summary>
internal static class Resampler
{
    [ThreadStatic] private static float[]? line;
    [ThreadStatic] private static byte[]? narrow, lastRows;
    [ThreadStatic] private static Axis? axisX, axisY;

    /// <summary>Resizes a box of the image. <paramref name="source"/> is rows of <paramref name="stride"/> bytes that begin
    /// at the box's corner.</summary>
    public static unsafe void Resize(
        ReadOnlySpan<byte> source, int stride, int width, int height, int channels, Interpolation filter,
        Span<byte> destination, int outWidth, int outHeight)
    {
        var (n, outStride) = (width * channels, outWidth * channels);
        if (source.Length < stride * (height - 1) + n || destination.Length < outStride * outHeight)
            throw new ArgumentException("The image is smaller than its stated size.");
        var x = axisX ??= new();
        x.Set(width, outWidth, filter);
        var d = axisY ??= new();
        d.Set(height, outHeight, filter);
        fixed (byte* from = source, to = destination, middle = Grow(ref narrow, outStride * height + 32))
        fixed (float* wx = x.Weights)
        fixed (short* wy = d.Whole)
        fixed (int* startX = x.Starts, startY = d.Starts)
        {
            if (channels == 3)
                AcrossRgb(from, source.Length, stride, height, x, middle);
            else
                fixed (float* floats = Grow(ref line, n + 64))
                    for (var y = 0; y < height; y++)
                    {
                        Widen(from + (long)y * stride, floats, n);
                        Across(floats, wx, startX, x.Taps, width, middle + (long)y * outStride, outWidth);
                    }
            for (var y = 0; y < outHeight; y++)
                Down(middle + (long)startY[y] * outStride, outStride, wy + y * d.Taps, Math.Min(d.Taps, height - startY[y]), d.Bits,
                    to + (long)y * outStride, outStride);
        }
    }

    internal static T[] Grow<T>(ref T[]? buffer, int length) =>
        buffer is not null && buffer.Length >= length ? buffer : buffer = new T[length + length / 4];

    private static unsafe void Widen(byte* from, float* to, int n)
    {
        var x = 0;
        if (Vector256.IsHardwareAccelerated)
            for (; x + 8 <= n; x += 8)
                Floats(from + x).Store(to + x);
        for (; x < n; x++)
            to[x] = from[x];
    }

    /// <summary>One output row: the sum of rows weighted with whole numbers of <paramref name="bits"/> bits, rounded. Two rows
    /// are multiplied at once.</summary>
    private static unsafe void Down(byte* from, int stride, short* weights, int taps, int bits, byte* to, int n)
    {
        while (taps > 1 && weights[taps - 1] == 0)
            taps--;
        var half = 1 << (bits - 1);
        var x = 0;
        if (Avx2.IsSupported)
        {
            var (rounding, shift) = (Vector256.Create(half), Vector128.CreateScalar(bits));
            for (; x + 32 <= n; x += 32)
            {
                var (a, b, c, d) = (rounding, rounding, rounding, rounding);
                var row = from + x;
                for (var k = 0; k < taps; k += 2, row += 2 * stride)
                {
                    var next = k + 1 < taps ? row + stride : row;
                    var w = Vector256.Create((ushort)weights[k] | (k + 1 < taps ? weights[k + 1] << 16 : 0)).AsInt16();
                    var (p, q) = (Avx2.ConvertToVector256Int16(row), Avx2.ConvertToVector256Int16(next));
                    a += Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(p, q), w);
                    b += Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(p, q), w);
                    (p, q) = (Avx2.ConvertToVector256Int16(row + 16), Avx2.ConvertToVector256Int16(next + 16));
                    c += Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(p, q), w);
                    d += Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(p, q), w);
                }
                // Words of each half in order again; bytes come as quarters 0 2 1 3.
                var left = Avx2.PackSignedSaturate(Avx2.ShiftRightArithmetic(a, shift), Avx2.ShiftRightArithmetic(b, shift));
                var right = Avx2.PackSignedSaturate(Avx2.ShiftRightArithmetic(c, shift), Avx2.ShiftRightArithmetic(d, shift));
                Avx2.Permute4x64(Avx2.PackUnsignedSaturate(left, right).AsUInt64(), 0b_11_01_10_00).AsByte().Store(to + x);
            }
        }
        for (; x < n; x++)
        {
            var sum = half;
            for (var k = 0; k < taps; k++)
                sum += from[x + (long)k * stride] * weights[k];
            to[x] = (byte)Math.Clamp(sum >> bits, 0, 255);
        }
    }

    /// <summary>One output row of bytes from one row of floats, gray.</summary>
    private static unsafe void Across(float* from, float* weights, int* starts, int taps, int width, byte* to, int outWidth)
    {
        for (var x = 0; x < outWidth; x++, weights += taps)
        {
            var present = Math.Min(taps, width - starts[x]);
            var at = from + starts[x];
            var sum = 0f;
            for (var k = 0; k < present; k++)
                sum += at[k] * weights[k];
            *to++ = (byte)(Math.Clamp(sum, 0, 255) + 0.5f);
        }
    }

    /// <summary>
    /// All rows of RGB. Whole numbers, so that every machine gives the same: weights of <c>bits</c> bits that sum to 1 exactly, four taps
    /// at a time as [w0 w1 w0 w1 w0 w1 0 0 | w2 w3 w2 w3 w2 w3 0 0] beside the samples [r0 r1 g0 g1 b0 b1 0 0 | r2 r3 g2 g3 b2 b3 0 0].
    /// </summary>
    private static unsafe void AcrossRgb(byte* from, int length, int stride, int height, Axis axis, byte* to)
    {
        var (bits, half) = (axis.Bits, 1 << (axis.Bits - 1));
        // A vector reads up to 16 bytes from any pixel on that has a weight; rows too near the end of the buffer are
        // copied to where there is room.
        var reach = (axis.Size + 4 * axis.Groups) * 3 + 16;
        fixed (short* weights = axis.Pairs)
        fixed (int* starts = axis.Starts)
        fixed (byte* padded = Grow(ref lastRows, reach))
            for (var y = 0; y < height; y++, to += axis.OutSize * 3)
            {
                var row = from + (long)y * stride;
                if ((long)y * stride + reach > length)
                {
                    Buffer.MemoryCopy(row, padded, reach, axis.Size * 3);
                    row = padded;
                }
                if (Avx2.IsSupported)
                    AcrossRow(row, weights, starts, axis.Groups, bits, half, to, axis.OutSize);
                else
                    AcrossRowPlain(row, weights, starts, axis.Groups, bits, half, to, axis.OutSize);
            }
    }

    private static unsafe void AcrossRow(byte* row, short* weights, int* starts, int groups, int bits, int half, byte* to, int outWidth)
    {
        var (rounding, shift) = (Vector256.Create(half), Vector128.CreateScalar(bits));
        var x = 0;
        for (; x + 2 <= outWidth; x += 2, to += 6, weights += groups * 32)
        {
            var (one, two) = (Weighted(row + starts[x] * 3, weights, groups),
                Weighted(row + starts[x + 1] * 3, weights + groups * 16, groups));
            var sums = Avx2.Permute2x128(one, two, 0x20) + Avx2.Permute2x128(one, two, 0x31) + rounding;
            var words = Avx2.PackSignedSaturate(Avx2.ShiftRightArithmetic(sums, shift), sums);
            var bytes = Avx2.PackUnsignedSaturate(words, words).AsUInt32();
            // The fourth byte is written over by the next pixel; after the last there is room.
            *(uint*)to = bytes.ToScalar();
            *(uint*)(to + 3) = bytes.GetUpper().ToScalar();
        }
        if (x < outWidth)
        {
            var sum = Weighted(row + starts[x] * 3, weights, groups);
            var words = Sse2.PackSignedSaturate(Sse2.ShiftRightArithmetic(sum.GetLower() + sum.GetUpper() + rounding.GetLower(), shift),
                Vector128<int>.Zero);
            *(uint*)to = Sse2.PackUnsignedSaturate(words, words).AsUInt32().ToScalar();
        }
    }

    /// <summary>The weighted sum of one output pixel: R, G and B of even pairs of taps in the lower half, of
    /// odd ones in the upper.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe Vector256<int> Weighted(byte* at, short* weights, int groups)
    {
        var spread = Vector256.Create((byte)0, 0x80, 3, 0x80, 1, 0x80, 4, 0x80, 2, 0x80, 5, 0x80, 0x80, 0x80, 0x80, 0x80, 6, 0x80, 9, 0x80,
            7, 0x80, 10, 0x80, 8, 0x80, 11, 0x80, 0x80, 0x80, 0x80, 0x80);
        var sum = Avx2.MultiplyAddAdjacent(Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(at), spread).AsInt16(), Vector256.Load(weights));
        for (var g = 1; g < groups; g++)
            sum += Avx2.MultiplyAddAdjacent(Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(at + 12 * g), spread).AsInt16(),
                Vector256.Load(weights + 16 * g));
        return sum;
    }

    private static unsafe void AcrossRowPlain(byte* row, short* weights, int* starts, int groups, int bits,
        int half, byte* to, int outWidth)
    {
        for (var x = 0; x < outWidth; x++, weights += groups * 16)
        {
            var at = row + starts[x] * 3;
            var (r, g, b) = (half, half, half);
            for (var k = 0; k < 4 * groups; k++, at += 3)
            {
                var w = weights[k / 4 * 16 + k % 4 / 2 * 8 + k % 2];
                (r, g, b) = (r + w * at[0], g + w * at[1], b + w * at[2]);
            }
            (*to++, *to++, *to++) = ((byte)Math.Clamp(r >> bits, 0, 255), (byte)Math.Clamp(g >> bits, 0, 255),
                (byte)Math.Clamp(b >> bits, 0, 255));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe Vector256<float> Floats(byte* bytes) =>
        Avx2.IsSupported ? Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(bytes))
            : Vector256.ConvertToSingle(
                Vector256.WidenLower(Vector256.WidenLower(Vector256.CreateScalar(*(ulong*)bytes).AsByte())).AsInt32());
}
