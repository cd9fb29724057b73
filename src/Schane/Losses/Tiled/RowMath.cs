using System.Numerics;
using System.Runtime.CompilerServices;

namespace Schane.Losses.Tiled;

/// <summary>What is done to single rows, in whatever vectors there are. Optimised from the first call: a run's first steps would else spend
/// most of their time here.</summary>
internal static class RowMath
{
    /// <summary>a·b, added in double: the square of 1e-30 or 1e30 is not lost.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var (low, high) = (Vector<double>.Zero, Vector<double>.Zero);
        var i = 0;
        for (; i <= a.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(a[i..]), out var aLow, out var aHigh);
            Vector.Widen(new Vector<float>(b[i..]), out var bLow, out var bHigh);
            low += aLow * bLow;
            high += aHigh * bHigh;
        }
        var sum = Vector.Sum(low + high);
        for (; i < a.Length; i++)
            sum += (double)a[i] * b[i];
        return sum;
    }

    /// <summary>a·b in double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<double> b)
    {
        var (first, second) = (Vector<double>.Zero, Vector<double>.Zero);
        var i = 0;
        for (; i <= a.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(a[i..]), out var low, out var high);
            first += low * new Vector<double>(b[i..]);
            second += high * new Vector<double>(b[(i + Vector<double>.Count)..]);
        }
        var sum = Vector.Sum(first + second);
        for (; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Divide(ReadOnlySpan<float> row, float by, Span<float> result)
    {
        var i = 0;
        for (; i <= row.Length - Vector<float>.Count; i += Vector<float>.Count)
            (new Vector<float>(row[i..]) / new Vector<float>(by)).CopyTo(result[i..]);
        for (; i < row.Length; i++)
            result[i] = row[i] / by;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(Span<double> sum, ReadOnlySpan<float> row)
    {
        var i = 0;
        for (; i <= row.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(row[i..]), out var low, out var high);
            (new Vector<double>(sum[i..]) + low).CopyTo(sum[i..]);
            (new Vector<double>(sum[(i + Vector<double>.Count)..]) + high).CopyTo(sum[(i + Vector<double>.Count)..]);
        }
        for (; i < row.Length; i++)
            sum[i] += row[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(Span<float> sum, ReadOnlySpan<float> row)
    {
        var i = 0;
        for (; i <= row.Length - Vector<float>.Count; i += Vector<float>.Count)
            (new Vector<float>(sum[i..]) + new Vector<float>(row[i..])).CopyTo(sum[i..]);
        for (; i < row.Length; i++)
            sum[i] += row[i];
    }

    /// <summary>(row − factor · other) / by.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SubtractAndDivide(ReadOnlySpan<float> row, ReadOnlySpan<float> other, float factor, float by, Span<float> result)
    {
        var i = 0;
        for (; i <= row.Length - Vector<float>.Count; i += Vector<float>.Count)
            ((new Vector<float>(row[i..]) - new Vector<float>(other[i..]) * factor) / new Vector<float>(by)).CopyTo(result[i..]);
        for (; i < row.Length; i++)
            result[i] = (row[i] - factor * other[i]) / by;
    }
}
