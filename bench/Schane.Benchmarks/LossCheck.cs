using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Schane.Products;

namespace Schane.Benchmarks;

/// <summary>
/// SCHaNe (β = 1) in float64, written without any of the library's loss: the sums of all rows over all rows, from them the loss, and the
/// gradient of some rows. Row i is of class i mod classes.
/// </summary>
/// <remarks>
/// All N²/2 pairs in all D coordinates: 4 × 16 dot products at a time stay in registers, and so do their exponentials; 192 rows at a time
/// stay in cache. A dot product serves both its rows.
/// </remarks>
internal sealed unsafe class LossCheck : IDisposable
{
    private const int Strip = 192, Panel = 16, Sums = 4;

    private readonly int rows, width, classes;
    private readonly double temperature;
    private readonly double[] norms;
    private readonly double* units;                                                              // [rows, width]
    // 16 rows, one coordinate of all after the other
    private readonly double* panels;
    private readonly double* labels;
    // [Sums, rows]: Σ p e, Σ p s, Σ n e, Σ n e²
    private readonly double* sums;
    private readonly int padded;

    public LossCheck(float* embeddings, int rows, int width, int classes, double temperature, int threads)
    {
        (this.rows, this.width, this.classes, this.temperature) = (rows, width, classes, temperature);
        padded = (rows + Strip - 1) / Strip * Strip;
        norms = new double[rows];
        units = Zeros((long)padded * width);
        panels = Zeros((long)padded * width);
        labels = Zeros(padded);
        sums = Zeros((long)Sums * padded);
        for (var i = 0; i < padded; i++)
        {
            labels[i] = i < rows ? i % classes : -1 - i;
            var unit = units + (long)i * width;
            var sum = 0.0;
            for (var d = 0; d < width && i < rows; d++)
                sum += (double)embeddings[(long)i * width + d] * embeddings[(long)i * width + d];
            if (i < rows)
                norms[i] = Math.Sqrt(sum);
            for (var d = 0; d < width; d++)
                panels[((long)(i / Panel) * width + d) * Panel + i % Panel] = unit[d] = i < rows
                    ? embeddings[(long)i * width + d] / norms[i] : 0;
        }
        using var crew = new Crew(threads);
        var parts = Enumerable.Range(0, threads).Select(_ => (nint)Zeros((long)Sums * padded)).ToArray();
        crew.Run(t =>
        {
            // The first strips are the longest: thread t takes t, 2·threads − 1 − t, 2·threads + t, …
            for (var strip = 0; strip < padded / Strip; strip++)
                if (strip % (2 * threads) is var turn && (turn == t || turn == 2 * threads - 1 - t))
                    SumStrip(strip * Strip, (double*)parts[t]);
        }, threads);
        foreach (var part in parts)
        {
            for (var i = 0L; i < (long)Sums * padded; i++)
                sums[i] += ((double*)part)[i];
            NativeMemory.AlignedFree((void*)part);
        }
    }

    /// <summary>The mean over the rows that have a positive.</summary>
    public double Loss =>
        Enumerable.Range(0, rows).Where(i => Positives(i) > 0).Average(i => Math.Log(Denominator(i)) - sums[padded + i] / Positives(i));

    /// <summary>∂loss/∂embedding of one row.</summary>
    public double[] Gradient(int i)
    {
        var unit = units + (long)i * width;
        var anchors = Enumerable.Range(0, rows).Count(j => Positives(j) > 0);
        var gradient = new double[width];
        for (var j = 0; j < rows; j++)
        {
            if (j == i)
                continue;
            var other = units + (long)j * width;
            var s = 0.0;
            for (var d = 0; d < width; d++)
                s += unit[d] * other[d];
            s /= temperature;
            var slope = (Slope(i, j, s) + Slope(j, i, s)) / (anchors * temperature);
            for (var d = 0; d < width; d++)
                gradient[d] += slope * other[d];
        }
        var radial = 0.0;
        for (var d = 0; d < width; d++)
            radial += gradient[d] * unit[d];
        for (var d = 0; d < width; d++)
            gradient[d] = (gradient[d] - radial * unit[d]) / norms[i];
        return gradient;
    }

    public void Dispose()
    {
        foreach (var memory in (nint[])[(nint)units, (nint)panels, (nint)labels, (nint)sums])
            NativeMemory.AlignedFree((void*)memory);
    }

    private int Positives(int i) => (rows - 1 - i % classes) / classes;

    private double Denominator(int i) =>
        sums[i] + (rows - 1 - Positives(i) is > 0 and var negatives ? negatives * sums[3L * padded + i] / sums[2L * padded + i] : 0);

    // d loss(i) / d s(i, j).
    private double Slope(int i, int j, double s)
    {
        if (Positives(i) == 0)
            return 0;
        var (e, norm, hard) = (Math.Exp(s), sums[2L * padded + i], sums[3L * padded + i]);
        return i % classes == j % classes
            ? e / Denominator(i) - 1.0 / Positives(i)
            : (rows - 1 - Positives(i)) / (Denominator(i) * norm) * (2 * e * e - e * hard / norm);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SumStrip(int first, double* to)
    {
        var block = stackalloc double[4 * Panel];
        var across = stackalloc double[Strip * Sums * 8];                                        // the rows' own sums, eight lanes each
        new Span<double>(across, Strip * Sums * 8).Clear();
        for (var j = first; j < padded; j += Panel)
        {
            var panel = panels + (long)j * width;
            for (var i = first; i < first + Strip && i < j + Panel; i += 4)
            {
                Dots(units + (long)i * width, panel, block);
                for (var r = 0; r < 4; r++)
                {
                    for (var half = 0; half < Panel; half += 8)
                        Add(i + r, j + half, Vector512.Load(block + r * Panel + half), across + (i + r - first) * Sums * 8, to);
                }
            }
        }
        for (var i = 0; i < Strip; i++)
            for (var q = 0; q < Sums; q++)
                to[(long)q * padded + first + i] += Vector512.Sum(Vector512.Load(across + (i * Sums + q) * 8));
    }

    // 4 × 16 dot products.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Dots(double* a, double* b, double* to)
    {
        Vector512<double> c00 = default, c01 = default, c10 = default, c11 = default, c20 = default,
            c21 = default, c30 = default, c31 = default;
        for (var k = 0; k < width; k++, a++, b += Panel)
        {
            var (b0, b1) = (Vector512.Load(b), Vector512.Load(b + 8));
            var x = Vector512.Create(*a);
            (c00, c01) = (Vector512.FusedMultiplyAdd(x, b0, c00), Vector512.FusedMultiplyAdd(x, b1, c01));
            x = Vector512.Create(a[width]);
            (c10, c11) = (Vector512.FusedMultiplyAdd(x, b0, c10), Vector512.FusedMultiplyAdd(x, b1, c11));
            x = Vector512.Create(a[2L * width]);
            (c20, c21) = (Vector512.FusedMultiplyAdd(x, b0, c20), Vector512.FusedMultiplyAdd(x, b1, c21));
            x = Vector512.Create(a[3L * width]);
            (c30, c31) = (Vector512.FusedMultiplyAdd(x, b0, c30), Vector512.FusedMultiplyAdd(x, b1, c31));
        }
        c00.Store(to);
        c01.Store(to + 8);
        c10.Store(to + 16);
        c11.Store(to + 24);
        c20.Store(to + 32);
        c21.Store(to + 40);
        c30.Store(to + 48);
        c31.Store(to + 56);
    }

    // Row i with eight columns from j on, above the diagonal.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Add(int i, int j, Vector512<double> cosine, double* across, double* to)
    {
        if (i >= rows || j + 7 <= i)
            return;
        var columns = Vector512.CreateSequence((double)j, 1);
        var there = Vector512.GreaterThan(columns, Vector512.Create((double)i)) & Vector512.LessThan(columns,
            Vector512.Create((double)rows));
        var same = Vector512.Equals(Vector512.Load(labels + j), Vector512.Create(labels[i])) & there;
        var s = cosine * (1 / temperature);
        var e = Vector512.Exp(s);
        if (same.AsUInt64() != Vector512<ulong>.Zero)
        {
            Put(same & e, to + j, across);
            Put(same & s, to + padded + j, across + 8);
        }
        var n = Vector512.AndNot(there, same) & e;
        Put(n, to + 2L * padded + j, across + 16);
        Put(n * e, to + 3L * padded + j, across + 24);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(Vector512<double> value, double* column, double* row)
    {
        (Vector512.Load(column) + value).Store(column);
        (Vector512.Load(row) + value).Store(row);
    }

    private static double* Zeros(long count)
    {
        var memory = (double*)NativeMemory.AlignedAlloc((nuint)(count * sizeof(double)), 64);
        NativeMemory.Clear(memory, (nuint)(count * sizeof(double)));
        return memory;
    }
}
