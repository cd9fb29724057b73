using System.Numerics.Tensors;
using MathNet.Numerics.LinearAlgebra;

namespace Schane.Data.Reading;

/// <summary>
/// Whether two images may be nearly the same. One is laid over the other: stretched and moved a little along both axes, its brightness and
/// contrast free, by Gauss-Newton steps on the correlation (Lucas and Kanade 1981). They may be the same where the gray levels correlate,
/// no place of the image differs by itself, and the colours agree.
/// </summary>
/// <remarks>The bounds were chosen on planted copies and on the pairs of different classes that come nearest:
/// <c>bench/Schane.Benchmarks -- copies</c>.</remarks>
internal readonly record struct FingerprintMatch(double Correlation, double WorstPlace, double Colour, double Stretch, double Shift)
{
    private const int Side = Fingerprint.Side, Pixels = Side * Side, Places = 4, Steps = 6;
    private const float Half = (Side - 1) / 2f;

    [ThreadStatic] private static float[]? room;

    /// <summary>Whether the two may be the same.</summary>
    public bool MayBeCopy => Correlation >= 0.97 && WorstPlace <= 0.11 && Colour <= 1 && Stretch <= 0.12 && Shift <= 0.06;

    /// <summary>The better of both ways: either may be a part of the other.</summary>
    public static FingerprintMatch Of(Fingerprint one, Fingerprint other)
    {
        var (a, b) = (Over(one, other), Over(other, one));
        return a.MayBeCopy || (!b.MayBeCopy && a.Correlation >= b.Correlation) ? a : b;
    }

    /// <summary>Lays the first image over the second.</summary>
    private static FingerprintMatch Over(Fingerprint moved, Fingerprint still)
    {
        room ??= new float[8 * Pixels];
        Span<float> from = room.AsSpan(0, Pixels), to = room.AsSpan(Pixels, Pixels), warped = room.AsSpan(2 * Pixels, Pixels),
            error = room.AsSpan(3 * Pixels, Pixels), slopes = room.AsSpan(4 * Pixels, 4 * Pixels);
        Smooth(moved.Gray, from);
        Smooth(still.Gray, to);
        Normalise(to);
        var best = new FingerprintMatch(-1, 0, 0, 0, 0);
        foreach (var start in (ReadOnlySpan<float>)[0, -0.06f])
        {
            Span<float> p = [start, 0, start, 0];                         // stretch and shift across, then down
            for (var step = 0; ; step++)
            {
                Warp(from, Side, p, warped);
                if (step == Steps)
                    break;
                Slopes(warped, slopes);
                var scale = 1 / Normalise(warped);
                TensorPrimitives.Multiply(slopes, scale, slopes);
                TensorPrimitives.Subtract(to, warped, error);
                Improve(p, slopes, warped, error);
            }
            Normalise(warped);
            var correlation = TensorPrimitives.Dot<float>(warped, to);
            if (correlation > best.Correlation)
            {
                TensorPrimitives.Subtract(to, warped, error);
                best = new(correlation, WorstOf(error), ColourDifference(moved.Colour, still.Colour, p),
                    Math.Max(Math.Abs(p[0]), Math.Abs(p[2])), Math.Max(Math.Abs(p[1]), Math.Abs(p[3])));
            }
        }
        return best;
    }

    /// <summary>One Gauss-Newton step; a fifth unknown takes up a difference in contrast.</summary>
    private static void Improve(Span<float> p, ReadOnlySpan<float> slopes, ReadOnlySpan<float> warped, ReadOnlySpan<float> error)
    {
        var (left, right) = (Matrix<double>.Build.Dense(5, 5), Vector<double>.Build.Dense(5));
        for (var i = 0; i < 5; i++)
        {
            var one = i < 4 ? slopes.Slice(i * Pixels, Pixels) : warped;
            right[i] = TensorPrimitives.Dot(one, error);
            for (var j = 0; j <= i; j++)
                left[i, j] = left[j, i] = TensorPrimitives.Dot(one, j < 4 ? slopes.Slice(j * Pixels, Pixels) : warped);
        }
        var ridge = 1e-4 * left.Trace() / 5 + 1e-12;
        for (var i = 0; i < 5; i++)
            left[i, i] += ridge;
        var step = left.Cholesky().Solve(right);
        for (var i = 0; i < 4; i++)
            p[i] = Math.Clamp(p[i] + (float)step[i], -0.16f, 0.16f);
    }

    /// <summary>How the levels change with stretch and shift across, then down, each with mean 0.</summary>
    private static void Slopes(ReadOnlySpan<float> image, Span<float> slopes)
    {
        for (var y = 0; y < Side; y++)
            for (var x = 0; x < Side; x++)
            {
                var i = y * Side + x;
                var (left, right) = (Math.Max(x - 1, 0), Math.Min(x + 1, Side - 1));
                var (up, down) = (Math.Max(y - 1, 0), Math.Min(y + 1, Side - 1));
                var across = (image[y * Side + right] - image[y * Side + left]) / (right - left) * Half;
                var along = (image[down * Side + x] - image[up * Side + x]) / (down - up) * Half;
                (slopes[i], slopes[Pixels + i]) = (across * (x - Half) / Half, across);
                (slopes[2 * Pixels + i], slopes[3 * Pixels + i]) = (along * (y - Half) / Half, along);
            }
        for (var k = 0; k < 4; k++)
            Centre(slopes.Slice(k * Pixels, Pixels));
    }

    /// <summary>The image at the places that <paramref name="p"/> moves each pixel's place to, between pixels in proportion.</summary>
    private static void Warp(ReadOnlySpan<float> image, int side, ReadOnlySpan<float> p, Span<float> warped)
    {
        var half = (side - 1) / 2f;
        for (var y = 0; y < side; y++)
        {
            var v = Math.Clamp(((1 + p[2]) * (y - half) / half + p[3]) * half + half, 0, side - 1);
            var (top, below) = ((int)v, Math.Min((int)v + 1, side - 1));
            for (var x = 0; x < side; x++)
            {
                var u = Math.Clamp(((1 + p[0]) * (x - half) / half + p[1]) * half + half, 0, side - 1);
                var (left, beside) = ((int)u, Math.Min((int)u + 1, side - 1));
                var (du, dv) = (u - left, v - top);
                warped[y * side + x] = (1 - dv) * ((1 - du) * image[top * side + left] + du * image[top * side + beside])
                    + dv * ((1 - du) * image[below * side + left] + du * image[below * side + beside]);
            }
        }
    }

    /// <summary>Weights 1 2 1 along both axes.</summary>
    private static void Smooth(ReadOnlySpan<byte> gray, Span<float> smooth)
    {
        for (var y = 0; y < Side; y++)
            for (var x = 0; x < Side; x++)
            {
                var sum = 0;
                for (var dy = -1; dy <= 1; dy++)
                    for (var dx = -1; dx <= 1; dx++)
                        sum += (2 - Math.Abs(dy)) * (2 - Math.Abs(dx))
                            * gray[Math.Clamp(y + dy, 0, Side - 1) * Side + Math.Clamp(x + dx, 0, Side - 1)];
                smooth[y * Side + x] = sum / 16f;
            }
    }

    private static void Centre(Span<float> values) => TensorPrimitives.Subtract(values, TensorPrimitives.Average<float>(values), values);

    /// <summary>Brings mean to 0 and length to 1; gives the length before.</summary>
    private static float Normalise(Span<float> values)
    {
        Centre(values);
        var length = TensorPrimitives.Norm<float>(values) + 1e-6f;
        TensorPrimitives.Divide(values, length, values);
        return length;
    }

    /// <summary>Length of the difference in the place, of 4 × 4, where it is largest.</summary>
    private static double WorstOf(ReadOnlySpan<float> error)
    {
        Span<double> places = stackalloc double[Places * Places];
        for (var i = 0; i < Pixels; i++)
            places[i / Side / (Side / Places) * Places + i % Side / (Side / Places)] += error[i] * error[i];
        var worst = 0.0;
        foreach (var place in places)
            worst = Math.Max(worst, place);
        return Math.Sqrt(worst);
    }

    /// <summary>Mean difference of the coarse colours, the first laid over the second, as a share of what is allowed: 6 levels, and a
    /// fifth of how far the colours are from gray. A place of which many more pixels are as bright as they can be in one of them than in
    /// the other says little, from an eighth of them on nothing.</summary>
    private static double ColourDifference(byte[] moved, byte[] still, ReadOnlySpan<float> p)
    {
        const int n = Fingerprint.ColourSide * Fingerprint.ColourSide;
        Span<float> plane = stackalloc float[n], warped = stackalloc float[n], weights = stackalloc float[n];
        var (sum, allowed) = (0.0, 1e-6);
        foreach (var k in (ReadOnlySpan<int>)[2, 0, 1])
        {
            for (var i = 0; i < n; i++)
                plane[i] = moved[k * n + i];
            Warp(plane, Fingerprint.ColourSide, p, warped);
            for (var i = 0; i < n; i++)
                if (k == 2)
                    weights[i] = Math.Max(0, 1 - 8 * Math.Abs(warped[i] - still[k * n + i]) / 255);
                else
                {
                    sum += weights[i] * Math.Abs(warped[i] - still[k * n + i]);
                    allowed += weights[i] * (6 + Math.Abs(still[k * n + i] - 128) / 5.0);
                }
        }
        return sum / allowed;
    }
}
