using System.Runtime.Intrinsics;

namespace Schane.Products;

/// <summary>
/// Products of small float32 matrices that stay in cache: C (+)= A·B, one thread. B comes in panels of 32 columns, one row of a panel
/// after the other; A in any strides, so that a transposed A costs nothing, or in the same panels.
/// </summary>
/// <remarks>The accumulators of a block of 12 × 32 fill 24 of the 32 registers of AVX-512 (Goto and van de Geijn 2008).</remarks>
internal static unsafe partial class MatrixKernel
{
    /// <summary>Rows of A and C are read and written in groups of so many; buffers are padded to it.</summary>
    public const int RowGroup = 12;

    /// <summary>Columns of a panel of B; buffers are padded to it.</summary>
    public const int PanelWidth = 32;

    /// <summary>16 with AVX-512, 8 with AVX2, 1 without vectors.</summary>
    public static int BestLanes => Vector512.IsHardwareAccelerated ? 16 : Vector256.IsHardwareAccelerated ? 8 : 1;

    /// <param name="a">A(i, k) at a + i·aRow + k·aColumn, 0 ≤ i &lt; rows rounded up.</param>
    /// <param name="aRow">Floats from row to row.</param>
    /// <param name="aColumn">Floats from column to column.</param>
    /// <param name="aJump">Floats to skip after every 32 columns of A, on top of those: for an A that lies in panels.</param>
    /// <param name="panels">B(k, j) at panels + (j / 32)·panelStride + k·32 + j % 32.</param>
    /// <param name="panelStride">Floats from panel to panel.</param>
    /// <param name="c">C(i, j) at c + i·cRow + j.</param>
    /// <param name="cRow">Floats from row to row.</param>
    /// <param name="rows">Rows of C, rounded up to groups.</param>
    /// <param name="columns">Columns of C, rounded up to panels.</param>
    /// <param name="depth">Columns of A.</param>
    /// <param name="add">Whether C is added to.</param>
    /// <param name="lanes">Floats of the vectors to use: 16, 8 or 1.</param>
    /// <param name="run">Products that are added up in one register before they are added to C: shorter runs round less where few of the
    /// terms are large. A multiple of 32.</param>
    public static void Multiply(float* a, nint aRow, nint aColumn, float* panels, nint panelStride, float* c, nint cRow, int rows,
        int columns, int depth, bool add, int lanes, int run = int.MaxValue, nint aJump = 0)
    {
        for (var j = 0; j < columns; j += PanelWidth, panels += panelStride)
        {
            if (lanes == 8)
            {
                // Half a panel at a time: with what is read of A it stays in the first cache.
                Strip256(a, aRow, aColumn, aJump, panels, c + j, cRow, rows, depth, add, run);
                Strip256(a, aRow, aColumn, aJump, panels + 16, c + j + 16, cRow, rows, depth, add, run);
                continue;
            }
            for (var i = 0; i < rows; i += RowGroup)
            {
                var to = c + i * cRow + j;
                for (var k = 0; k < depth; k += Math.Min(run, depth - k))
                {
                    var from = a + i * aRow + k * aColumn + k / PanelWidth * aJump;
                    if (lanes == 16)
                        Block512(from, aRow, aColumn, aJump, panels + (nint)k * PanelWidth, to, cRow,
                            Math.Min(run, depth - k), add || k > 0);
                    else
                        Block1(from, aRow, aColumn, aJump, panels + (nint)k * PanelWidth, to, cRow, Math.Min(run, depth - k), add || k > 0);
                }
            }
        }
    }

    /// <summary>One tile of 12 × 32 of C.</summary>
    /// <param name="a">A(i, k) at a + i·aRow + k·aColumn.</param>
    /// <param name="aRow">Floats from row to row.</param>
    /// <param name="aColumn">Floats from column to column.</param>
    /// <param name="panel">B(k, j) at panel + k·32 + j.</param>
    /// <param name="c">C(i, j) at c + i·cRow + j.</param>
    /// <param name="cRow">Floats from row to row.</param>
    /// <param name="depth">Columns of A.</param>
    /// <param name="add">Whether C is added to.</param>
    /// <param name="lanes">Floats of the vectors to use: 16, 8 or 1.</param>
    public static void Tile(float* a, nint aRow, nint aColumn, float* panel, float* c, nint cRow, int depth, bool add, int lanes)
    {
        if (lanes == 16)
        {
            Block512(a, aRow, aColumn, 0, panel, c, cRow, depth, add);
            return;
        }
        if (lanes == 1)
        {
            Block1(a, aRow, aColumn, 0, panel, c, cRow, depth, add);
            return;
        }
        for (var j = 0; j < PanelWidth; j += 16)
            for (var i = 0; i < RowGroup; i += RowGroup / 2)
                Block256(a + i * aRow, aRow, aColumn, 0, panel + j, c + i * cRow + j, cRow, depth, add);
    }

    private static void Strip256(float* a, nint aRow, nint aColumn, nint aJump, float* b, float* c, nint cRow,
        int rows, int depth, bool add, int run)
    {
        for (int k = 0, count; k < depth; k += count)
        {
            count = Math.Min(run, depth - k);
            for (var i = 0; i < rows; i += RowGroup / 2)
                Block256(a + i * aRow + k * aColumn + k / PanelWidth * aJump, aRow, aColumn, aJump, b + (nint)k * PanelWidth,
                    c + i * cRow, cRow, count, add || k > 0);
        }
    }
}
