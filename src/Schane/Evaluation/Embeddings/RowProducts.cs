using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Schane.Evaluation.Episodes;

namespace Schane.Evaluation.Embeddings;

/// <summary>Rows of float64 side by side, each padded with zeros to whole vectors.</summary>
internal sealed class PaddedRows(int rows, int width)
{
    private readonly double[] values = new double[rows * Padded(width)];

    /// <summary>Numbers from one row to the next.</summary>
    public int Stride { get; } = Padded(width);

    /// <summary>Vectors of a row.</summary>
    public int Vectors => Stride / Vector<double>.Count;

    /// <summary>The first vector of a row; the others follow.</summary>
    public ref Vector<double> this[int row] => ref MemoryMarshal.GetReference(All(row));

    /// <summary>Widens a row and scales it. Compiled at its best at once, as the loops that it stands beside: a thousand episodes are over
    /// before the runtime would come to it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Set(int row, ScaledRow from)
    {
        var source = from.Values.AsSpan(from.Start, width);
        var target = values.AsSpan(row * Stride, Stride);
        var scale = new Vector<double>(from.Scale);
        var d = 0;
        for (; d + Vector<float>.Count <= width; d += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(source[d..]), out var low, out var high);
            (low * scale).CopyTo(target[d..]);
            (high * scale).CopyTo(target[(d + Vector<double>.Count)..]);
        }
        for (; d < width; d++)
            target[d] = source[d] * from.Scale;
    }

    /// <summary>The numbers of a row, without the padding.</summary>
    public Span<double> Row(int row) => values.AsSpan(row * Stride, width);

    public void Clear(int row) => All(row).Clear();

    /// <summary>Adds a multiple of another's row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(int row, PaddedRows other, int otherRow, double factor)
    {
        var target = All(row);
        var source = other.All(otherRow);
        var times = new Vector<double>(factor);
        for (var d = 0; d < target.Length; d++)
            target[d] = Vector.FusedMultiplyAdd(times, source[d], target[d]);
    }

    private Span<Vector<double>> All(int row) => MemoryMarshal.Cast<double, Vector<double>>(values.AsSpan(row * Stride, Stride));

    private static int Padded(int width) => (width + Vector<double>.Count - 1) / Vector<double>.Count * Vector<double>.Count;
}

/// <summary>Inner products of rows, eight at a time: two rows of one side with four of the other.</summary>
internal static class RowProducts
{
    private const int Down = 2, Across = 4;

    /// <param name="first">One side.</param>
    /// <param name="rows">Rows of it.</param>
    /// <param name="second">The other.</param>
    /// <param name="columns">Rows of that.</param>
    /// <param name="found">Told each product.</param>
    /// <param name="half">Both sides are the same: blocks wholly below the diagonal are left out.</param>
    public static void All(PaddedRows first, int rows, PaddedRows second, int columns, Action<int, int, double> found, bool half = false)
    {
        Span<double> products = stackalloc double[Down * Across];
        for (var i = 0; i < rows; i += Down)
            for (var j = half ? i / Across * Across : 0; j < columns; j += Across)
            {
                // Rows past the end repeat the last: their products are not told.
                Block(ref first[i], ref first[Math.Min(i + 1, rows - 1)], ref second[j], ref second[Math.Min(j + 1, columns - 1)],
                    ref second[Math.Min(j + 2, columns - 1)], ref second[Math.Min(j + 3, columns - 1)], first.Vectors, products);
                for (var down = 0; down < Down && i + down < rows; down++)
                    for (var across = 0; across < Across && j + across < columns; across++)
                        found(i + down, j + across, products[down * Across + across]);
            }
    }

    /// <summary>Eight sums that stay in registers; a method of its own, since beside the loops above they would not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block(ref Vector<double> a, ref Vector<double> b, ref Vector<double> p, ref Vector<double> q, ref Vector<double> r,
        ref Vector<double> s, int vectors, Span<double> products)
    {
        Vector<double> ap = default, aq = default, ar = default, at = default, bp = default, bq = default, br = default, bt = default;
        for (var d = 0; d < vectors; d++)
        {
            var (x, y) = (Unsafe.Add(ref a, d), Unsafe.Add(ref b, d));
            var v = Unsafe.Add(ref p, d);
            ap = Vector.FusedMultiplyAdd(x, v, ap);
            bp = Vector.FusedMultiplyAdd(y, v, bp);
            v = Unsafe.Add(ref q, d);
            aq = Vector.FusedMultiplyAdd(x, v, aq);
            bq = Vector.FusedMultiplyAdd(y, v, bq);
            v = Unsafe.Add(ref r, d);
            ar = Vector.FusedMultiplyAdd(x, v, ar);
            br = Vector.FusedMultiplyAdd(y, v, br);
            v = Unsafe.Add(ref s, d);
            at = Vector.FusedMultiplyAdd(x, v, at);
            bt = Vector.FusedMultiplyAdd(y, v, bt);
        }
        (products[0], products[1], products[2], products[3]) = (Vector.Sum(ap), Vector.Sum(aq), Vector.Sum(ar), Vector.Sum(at));
        (products[4], products[5], products[6], products[7]) = (Vector.Sum(bp), Vector.Sum(bq), Vector.Sum(br), Vector.Sum(bt));
    }
}
