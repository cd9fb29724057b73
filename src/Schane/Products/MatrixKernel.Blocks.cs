using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Schane.Products;

internal static unsafe partial class MatrixKernel
{
    // 12 × 32.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block512(float* a, nint aRow, nint aColumn, nint aJump, float* b, float* c, nint cRow, int depth, bool add)
    {
        Vector512<float> c0a = default, c1a = default, c2a = default, c3a = default, c4a = default, c5a = default, c6a = default,
            c7a = default, c8a = default, c9a = default, c10a = default, c11a = default;
        Vector512<float> c0b = default, c1b = default, c2b = default, c3b = default, c4b = default, c5b = default, c6b = default,
            c7b = default, c8b = default, c9b = default, c10b = default, c11b = default;
        var (r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11) = (1 * aRow, 2 * aRow, 3 * aRow, 4 * aRow, 5 * aRow, 6 * aRow, 7 * aRow,
            8 * aRow, 9 * aRow, 10 * aRow, 11 * aRow);
        if (add && Sse.IsSupported)
        {
            // C is met again only after the whole depth: long enough to fetch it.
            for (var r = 0; r < RowGroup; r++)
            {
                Sse.Prefetch0(c + r * cRow);
                Sse.Prefetch0(c + r * cRow + 16);
            }
        }
        for (uint k = 0; k < (uint)depth; k++)
        {
            var b0 = Vector512.Load(b);
            var b1 = Vector512.Load(b + 16);
            var x0 = Vector512.Create(*a);
            c0a = Vector512.FusedMultiplyAdd(x0, b0, c0a);
            c0b = Vector512.FusedMultiplyAdd(x0, b1, c0b);
            var x1 = Vector512.Create(a[r1]);
            c1a = Vector512.FusedMultiplyAdd(x1, b0, c1a);
            c1b = Vector512.FusedMultiplyAdd(x1, b1, c1b);
            var x2 = Vector512.Create(a[r2]);
            c2a = Vector512.FusedMultiplyAdd(x2, b0, c2a);
            c2b = Vector512.FusedMultiplyAdd(x2, b1, c2b);
            var x3 = Vector512.Create(a[r3]);
            c3a = Vector512.FusedMultiplyAdd(x3, b0, c3a);
            c3b = Vector512.FusedMultiplyAdd(x3, b1, c3b);
            var x4 = Vector512.Create(a[r4]);
            c4a = Vector512.FusedMultiplyAdd(x4, b0, c4a);
            c4b = Vector512.FusedMultiplyAdd(x4, b1, c4b);
            var x5 = Vector512.Create(a[r5]);
            c5a = Vector512.FusedMultiplyAdd(x5, b0, c5a);
            c5b = Vector512.FusedMultiplyAdd(x5, b1, c5b);
            var x6 = Vector512.Create(a[r6]);
            c6a = Vector512.FusedMultiplyAdd(x6, b0, c6a);
            c6b = Vector512.FusedMultiplyAdd(x6, b1, c6b);
            var x7 = Vector512.Create(a[r7]);
            c7a = Vector512.FusedMultiplyAdd(x7, b0, c7a);
            c7b = Vector512.FusedMultiplyAdd(x7, b1, c7b);
            var x8 = Vector512.Create(a[r8]);
            c8a = Vector512.FusedMultiplyAdd(x8, b0, c8a);
            c8b = Vector512.FusedMultiplyAdd(x8, b1, c8b);
            var x9 = Vector512.Create(a[r9]);
            c9a = Vector512.FusedMultiplyAdd(x9, b0, c9a);
            c9b = Vector512.FusedMultiplyAdd(x9, b1, c9b);
            var x10 = Vector512.Create(a[r10]);
            c10a = Vector512.FusedMultiplyAdd(x10, b0, c10a);
            c10b = Vector512.FusedMultiplyAdd(x10, b1, c10b);
            var x11 = Vector512.Create(a[r11]);
            c11a = Vector512.FusedMultiplyAdd(x11, b0, c11a);
            c11b = Vector512.FusedMultiplyAdd(x11, b1, c11b);
            a += aColumn;
            b += PanelWidth;
            if (k % PanelWidth == PanelWidth - 1)
                a += aJump;
        }
        if (add)
        {
            c0a += Vector512.Load(c + 0 * cRow);
            c0b += Vector512.Load(c + 0 * cRow + 16);
            c1a += Vector512.Load(c + 1 * cRow);
            c1b += Vector512.Load(c + 1 * cRow + 16);
            c2a += Vector512.Load(c + 2 * cRow);
            c2b += Vector512.Load(c + 2 * cRow + 16);
            c3a += Vector512.Load(c + 3 * cRow);
            c3b += Vector512.Load(c + 3 * cRow + 16);
            c4a += Vector512.Load(c + 4 * cRow);
            c4b += Vector512.Load(c + 4 * cRow + 16);
            c5a += Vector512.Load(c + 5 * cRow);
            c5b += Vector512.Load(c + 5 * cRow + 16);
            c6a += Vector512.Load(c + 6 * cRow);
            c6b += Vector512.Load(c + 6 * cRow + 16);
            c7a += Vector512.Load(c + 7 * cRow);
            c7b += Vector512.Load(c + 7 * cRow + 16);
            c8a += Vector512.Load(c + 8 * cRow);
            c8b += Vector512.Load(c + 8 * cRow + 16);
            c9a += Vector512.Load(c + 9 * cRow);
            c9b += Vector512.Load(c + 9 * cRow + 16);
            c10a += Vector512.Load(c + 10 * cRow);
            c10b += Vector512.Load(c + 10 * cRow + 16);
            c11a += Vector512.Load(c + 11 * cRow);
            c11b += Vector512.Load(c + 11 * cRow + 16);
        }
        c0a.Store(c + 0 * cRow);
        c0b.Store(c + 0 * cRow + 16);
        c1a.Store(c + 1 * cRow);
        c1b.Store(c + 1 * cRow + 16);
        c2a.Store(c + 2 * cRow);
        c2b.Store(c + 2 * cRow + 16);
        c3a.Store(c + 3 * cRow);
        c3b.Store(c + 3 * cRow + 16);
        c4a.Store(c + 4 * cRow);
        c4b.Store(c + 4 * cRow + 16);
        c5a.Store(c + 5 * cRow);
        c5b.Store(c + 5 * cRow + 16);
        c6a.Store(c + 6 * cRow);
        c6b.Store(c + 6 * cRow + 16);
        c7a.Store(c + 7 * cRow);
        c7b.Store(c + 7 * cRow + 16);
        c8a.Store(c + 8 * cRow);
        c8b.Store(c + 8 * cRow + 16);
        c9a.Store(c + 9 * cRow);
        c9b.Store(c + 9 * cRow + 16);
        c10a.Store(c + 10 * cRow);
        c10b.Store(c + 10 * cRow + 16);
        c11a.Store(c + 11 * cRow);
        c11b.Store(c + 11 * cRow + 16);
    }

    // 6 × 16 of a panel of 32.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block256(float* a, nint aRow, nint aColumn, nint aJump, float* b, float* c, nint cRow, int depth, bool add)
    {
        Vector256<float> c0a = default, c1a = default, c2a = default, c3a = default, c4a = default, c5a = default;
        Vector256<float> c0b = default, c1b = default, c2b = default, c3b = default, c4b = default, c5b = default;
        var (r1, r2, r3, r4, r5) = (1 * aRow, 2 * aRow, 3 * aRow, 4 * aRow, 5 * aRow);
        for (uint k = 0; k < (uint)depth; k++)
        {
            var b0 = Vector256.Load(b);
            var b1 = Vector256.Load(b + 8);
            var x0 = Vector256.Create(*a);
            c0a = Vector256.FusedMultiplyAdd(x0, b0, c0a);
            c0b = Vector256.FusedMultiplyAdd(x0, b1, c0b);
            var x1 = Vector256.Create(a[r1]);
            c1a = Vector256.FusedMultiplyAdd(x1, b0, c1a);
            c1b = Vector256.FusedMultiplyAdd(x1, b1, c1b);
            var x2 = Vector256.Create(a[r2]);
            c2a = Vector256.FusedMultiplyAdd(x2, b0, c2a);
            c2b = Vector256.FusedMultiplyAdd(x2, b1, c2b);
            var x3 = Vector256.Create(a[r3]);
            c3a = Vector256.FusedMultiplyAdd(x3, b0, c3a);
            c3b = Vector256.FusedMultiplyAdd(x3, b1, c3b);
            var x4 = Vector256.Create(a[r4]);
            c4a = Vector256.FusedMultiplyAdd(x4, b0, c4a);
            c4b = Vector256.FusedMultiplyAdd(x4, b1, c4b);
            var x5 = Vector256.Create(a[r5]);
            c5a = Vector256.FusedMultiplyAdd(x5, b0, c5a);
            c5b = Vector256.FusedMultiplyAdd(x5, b1, c5b);
            a += aColumn;
            b += PanelWidth;
            if (k % PanelWidth == PanelWidth - 1)
                a += aJump;
        }
        if (add)
        {
            c0a += Vector256.Load(c + 0 * cRow);
            c0b += Vector256.Load(c + 0 * cRow + 8);
            c1a += Vector256.Load(c + 1 * cRow);
            c1b += Vector256.Load(c + 1 * cRow + 8);
            c2a += Vector256.Load(c + 2 * cRow);
            c2b += Vector256.Load(c + 2 * cRow + 8);
            c3a += Vector256.Load(c + 3 * cRow);
            c3b += Vector256.Load(c + 3 * cRow + 8);
            c4a += Vector256.Load(c + 4 * cRow);
            c4b += Vector256.Load(c + 4 * cRow + 8);
            c5a += Vector256.Load(c + 5 * cRow);
            c5b += Vector256.Load(c + 5 * cRow + 8);
        }
        c0a.Store(c + 0 * cRow);
        c0b.Store(c + 0 * cRow + 8);
        c1a.Store(c + 1 * cRow);
        c1b.Store(c + 1 * cRow + 8);
        c2a.Store(c + 2 * cRow);
        c2b.Store(c + 2 * cRow + 8);
        c3a.Store(c + 3 * cRow);
        c3b.Store(c + 3 * cRow + 8);
        c4a.Store(c + 4 * cRow);
        c4b.Store(c + 4 * cRow + 8);
        c5a.Store(c + 5 * cRow);
        c5b.Store(c + 5 * cRow + 8);
    }

    // 12 × 32, for machines without vectors.
    private static void Block1(float* a, nint aRow, nint aColumn, nint aJump, float* b, float* c, nint cRow, int depth, bool add)
    {
        for (var i = 0; i < RowGroup; i++)
        {
            for (var j = 0; j < PanelWidth; j++)
            {
                var sum = add ? c[i * cRow + j] : 0;
                for (var k = 0; k < depth; k++)
                    sum += a[i * aRow + k * aColumn + k / PanelWidth * aJump] * b[(nint)k * PanelWidth + j];
                c[i * cRow + j] = sum;
            }
        }
    }
}
