using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Schane.Products;

/// <summary>Copies parts of matrices into the order in which <see cref="MatrixKernel"/> reads them, so that they lie close
/// together.</summary>
internal static unsafe class Packing
{
    private const int Group = MatrixKernel.RowGroup, Width = MatrixKernel.PanelWidth;

    // Rows of a copy start in different sets of the cache.
    private const int Gap = 16;

    /// <summary>Floats that a left factor takes.</summary>
    public static long LeftLength(int rows, int depth) => (long)Groups(rows) * Group * (depth + Gap);

    /// <summary>Floats that a right factor takes.</summary>
    public static long RightLength(int columns, int depth) => (long)(columns + Width - 1) / Width * Width * depth;

    /// <summary>Packs <paramref name="rows"/> × <paramref name="depth"/> of a left factor in groups of 12 rows, the last one filled up
    /// with zeros.</summary>
    /// <returns>The first group, and the floats to the next.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (Operand First, nint Step) Left(Operand from, int rows, int depth, float* to)
    {
        var whole = rows / Group;
        if (from.Column == 1)
        {
            var step = depth + Gap;
            for (var i = 0; i < rows; i++)
                Unsafe.CopyBlockUnaligned(to + (nint)i * step, from.Start + i * from.Row, (uint)depth * sizeof(float));
            for (var i = rows; i < Groups(rows) * Group; i++)
                new Span<float>(to + (nint)i * step, depth).Clear();
            return (new(to, step, 1), (nint)Group * step);
        }
        var group = (nint)depth * Group;
        for (var k = 0; k < depth; k++)
        {
            var source = from.Start + k * from.Column;
            var target = to + (nint)k * Group;
            for (var g = 0; g < whole; g++, source += Group, target += group)
            {
                Vector256.Load(source).Store(target);
                Vector128.Load(source + 8).Store(target + 8);
            }
            if (whole * Group < rows)
            {
                for (var i = 0; i < Group; i++)
                    target[i] = whole * Group + i < rows ? source[i] : 0;
            }
        }
        return (new(to, 1, Group), group);
    }

    /// <summary>Packs <paramref name="depth"/> × <paramref name="columns"/> of a right factor in panels of 32 columns, the last one filled
    /// up with zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Right(Operand from, int columns, int depth, float* to)
    {
        for (var j = 0; j < columns; j += Width, to += (nint)depth * Width)
        {
            var start = from.Start + j * from.Column;
            var count = Math.Min(Width, columns - j);
            if (count == Width && from.Column == 1)
            {
                for (var k = 0; k < depth; k++)
                {
                    Vector512.Load(start + k * from.Row).Store(to + (nint)k * Width);
                    Vector512.Load(start + k * from.Row + 16).Store(to + (nint)k * Width + 16);
                }
                continue;
            }
            var turned = count == Width && from.Row == 1 && Avx.IsSupported ? depth / 8 * 8 : 0;
            for (var k = 0; k < turned; k += 8)
                for (var q = 0; q < Width; q += 8)
                    Turn(start + k + q * from.Column, from.Column, to + (nint)k * Width + q);
            for (var k = turned; k < depth; k++)
                for (var q = 0; q < Width; q++)
                    to[(nint)k * Width + q] = q < count ? start[k * from.Row + q * from.Column] : 0;
        }
    }

    private static int Groups(int rows) => (rows + Group - 1) / Group;

    // 8 × 8, transposed.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn(float* from, nint step, float* to)
    {
        var (r0, r1, r2, r3) = (Vector256.Load(from), Vector256.Load(from + step), Vector256.Load(from + 2 * step),
            Vector256.Load(from + 3 * step));
        from += 4 * step;
        var (r4, r5, r6, r7) = (Vector256.Load(from), Vector256.Load(from + step), Vector256.Load(from + 2 * step),
            Vector256.Load(from + 3 * step));
        var (t0, t1, t2, t3) = (Avx.UnpackLow(r0, r1), Avx.UnpackHigh(r0, r1), Avx.UnpackLow(r2, r3), Avx.UnpackHigh(r2, r3));
        var (t4, t5, t6, t7) = (Avx.UnpackLow(r4, r5), Avx.UnpackHigh(r4, r5), Avx.UnpackLow(r6, r7), Avx.UnpackHigh(r6, r7));
        (r0, r1, r2, r3) = (Pairs(t0, t2, 0x44), Pairs(t0, t2, 0xee), Pairs(t1, t3, 0x44), Pairs(t1, t3, 0xee));
        (r4, r5, r6, r7) = (Pairs(t4, t6, 0x44), Pairs(t4, t6, 0xee), Pairs(t5, t7, 0x44), Pairs(t5, t7, 0xee));
        Halves(r0, r4, to, to + 4 * Width);
        Halves(r1, r5, to + Width, to + 5 * Width);
        Halves(r2, r6, to + 2 * Width, to + 6 * Width);
        Halves(r3, r7, to + 3 * Width, to + 7 * Width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Pairs(Vector256<float> a, Vector256<float> b, [ConstantExpected] byte which) =>
        Avx.Shuffle(a, b, which);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Halves(Vector256<float> a, Vector256<float> b, float* low, float* high)
    {
        Avx.Permute2x128(a, b, 0x20).Store(low);
        Avx.Permute2x128(a, b, 0x31).Store(high);
    }
}
