using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Schane.Products;

/// <summary>
/// Products of float32 matrices of any size: C = A·B, or C = A·B + bias. Blocks of both factors are packed into the caches of each thread
/// (Goto and van de Geijn 2008) and multiplied by <see cref="MatrixKernel"/>; threads share C between them, none shares anything else, so
/// that the same factors on as many threads give the same bits.
/// </summary>
internal sealed unsafe class PackedProduct : IDisposable
{
    // Operations that pay for waking another thread.
    private const double WorthWaking = 4e6;

    // A block of A stays in the second cache, a panel of B in the first or second; deeper blocks write C less often.
    private const int LeftRows = 384, RightColumns = 1024, Depth = 384;

    private readonly Crew crew;
    private readonly int lanes;
    private readonly Action<int> share;
    private readonly Buffer<float>[] lefts, rights;

    // One product.
    private Operand a, b;
    private float* c, bias;
    private int rows, columns, depth, down, across;

    /// <param name="threads">Threads to use at most, the caller's among them.</param>
    /// <param name="lanes">Width of the vectors: 16, 8 or 1; 0 for the machine's best.</param>
    public PackedProduct(int threads, int lanes = 0)
    {
        crew = new Crew(Math.Max(1, threads));
        this.lanes = lanes > 0 ? lanes : MatrixKernel.BestLanes;
        (lefts, rights) = (Buffers(crew.Size), Buffers(crew.Size));
        share = Share;
    }

    /// <summary>Threads it works with.</summary>
    public int Threads => crew.Size;

    /// <param name="left">A, [rows, depth].</param>
    /// <param name="right">B, [depth, columns].</param>
    /// <param name="to">C, [rows, columns], row after row; overwritten.</param>
    /// <param name="size">Rows and columns of C, columns of A.</param>
    /// <param name="added">[columns], added to every row; null for nothing.</param>
    public void Multiply(Operand left, Operand right, float* to, (int Rows, int Columns, int Depth) size, float* added = null)
    {
        (a, b) = (left, right);
        c = to;
        bias = added;
        (rows, columns, depth) = size;
        var count = (int)Math.Clamp(2.0 * rows * columns * depth / WorthWaking, 1, crew.Size);
        down = Enumerable.Range(1, count).Where(d => count % d == 0).MinBy(d => (double)rows / d + (double)columns / (count / d));
        across = count / down;
        crew.Run(share, count);
    }

    public void Dispose()
    {
        crew.Dispose();
        foreach (var buffer in lefts.Concat(rights))
            buffer.Dispose();
    }

    private void Share(int thread)
    {
        var (top, bottom) = Part(rows, MatrixKernel.RowGroup, down, thread / across);
        var (start, end) = Part(columns, MatrixKernel.PanelWidth, across, thread % across);
        var slabs = (depth + Depth - 1) / Depth;
        var slab = (depth + slabs - 1) / slabs;
        var left = lefts[thread].Ensure(Packing.LeftLength(Math.Min(LeftRows, bottom - top), slab));
        var right = rights[thread].Ensure(Packing.RightLength(Math.Min(RightColumns, end - start), slab));
        for (var j = start; j < end; j += RightColumns)
        {
            var wide = Math.Min(RightColumns, end - j);
            for (var k = 0; k < depth; k += slab)
            {
                var deep = Math.Min(slab, depth - k);
                Packing.Right(b.From(k, j), wide, deep, right);
                for (var i = top; i < bottom; i += LeftRows)
                {
                    var high = Math.Min(LeftRows, bottom - i);
                    var (first, step) = Packing.Left(a.From(i, k), high, deep, left);
                    Block(first, step, right, c + (nint)i * columns + j, high, wide, deep, first: k == 0,
                        k + deep == depth && bias != null ? bias + j : null);
                }
            }
        }
    }

    // One block of C from packed factors.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Block(Operand left, nint step, float* right, float* to, int high, int wide, int deep, bool first, float* added)
    {
        const int group = MatrixKernel.RowGroup, width = MatrixKernel.PanelWidth;
        var edge = stackalloc float[group * width];
        for (var j = 0; j < wide; j += width, right += (nint)deep * width)
        {
            var from = left.Start;
            for (var i = 0; i < high; i += group, from += step)
            {
                var at = to + (nint)i * columns + j;
                var (tall, broad) = (Math.Min(group, high - i), Math.Min(width, wide - j));
                if (tall == group && broad == width)
                {
                    MatrixKernel.Tile(from, left.Row, left.Column, right, at, columns, deep, !first, lanes);
                }
                else
                {
                    MatrixKernel.Tile(from, left.Row, left.Column, right, edge, width, deep, add: false, lanes);
                    for (var r = 0; r < tall; r++)
                        for (var q = 0; q < broad; q++)
                            at[(nint)r * columns + q] = edge[r * width + q] + (first ? 0 : at[(nint)r * columns + q]);
                }
                if (added != null)
                    Add(added + j, at, tall, broad);
            }
        }
    }

    private void Add(float* row, float* to, int high, int wide)
    {
        for (var i = 0; i < high; i++, to += columns)
        {
            var j = 0;
            for (; j <= wide - 8; j += 8)
                (Vector256.Load(to + j) + Vector256.Load(row + j)).Store(to + j);
            for (; j < wide; j++)
                to[j] += row[j];
        }
    }

    private static (int From, int To) Part(int length, int unit, int parts, int part)
    {
        var units = (length + unit - 1) / unit;
        int At(int p) => Math.Min(length, (int)((long)units * p / parts) * unit);
        return (At(part), At(part + 1));
    }

    private static Buffer<float>[] Buffers(int count) => [.. Enumerable.Range(0, count).Select(_ => new Buffer<float>())];
}
