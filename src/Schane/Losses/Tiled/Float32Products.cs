using System.Runtime.CompilerServices;
using Schane.Products;

namespace Schane.Losses.Tiled;

/// <summary><see cref="TileProducts"/> in float32, by <see cref="MatrixKernel"/>.</summary>
/// <remarks>
/// Unit rows lie twice: each block in panels of 32 coordinates (A of the cosines, B of the gradient), and in panels of 32 rows, one
/// coordinate of all after the other (B of the cosines).
/// </remarks>
internal sealed unsafe class Float32Products(int threads, int lanes) : TileProducts
{
    // Few positives weigh as much as all negatives: where both stand in one sum, it is kept short.
    private const int ShortRun = 32;

    // At small τ the last bits of a cosine count: long rows are added up in parts.
    private const int CosineRun = 64;

    private readonly Buffer<float> units = new(), transposed = new();
    private readonly Buffer<float>[] gradients = [.. Enumerable.Range(0, threads).Select(_ => new Buffer<float>())];
    private TilePlan plan = null!;
    private int width, padded;

    public override long Bytes => units.Bytes + transposed.Bytes + gradients.Sum(g => g.Bytes);

    private nint PanelStride => (nint)plan.Block * Panel;

    public override void Reserve(TilePlan plan, int width, bool fine)
    {
        (this.plan, this.width, padded) = (plan, width, Padded(width));
        units.Ensure((long)plan.Blocks * plan.Block * padded);
        transposed.Ensure((long)Padded(plan.Rows) * width);
        for (var g = 0; g < plan.Gradients; g++)
            gradients[g].Ensure((long)(plan.Rows + MatrixKernel.RowGroup) * padded);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Put(int row, float* unit)
    {
        var to = At(row);
        for (var d = 0; d < padded; d += Panel, to += PanelStride)
            Unsafe.CopyBlockUnaligned(to, unit + d, Panel * sizeof(float));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Arrange(int thread, int from, int to)
    {
        for (var i = from; i < to; i += Panel)
        {
            var panel = transposed.Pointer + (long)i * width;
            var count = Math.Min(Panel, plan.Rows - i);
            if (count < Panel)
                new Span<float>(panel, Panel * width).Clear();
            for (var r = 0; r < count; r++)
            {
                var unit = At(i + r);
                for (var d = 0; d < width; d += Panel, unit += PanelStride)
                    for (var k = 0; k < Math.Min(Panel, width - d); k++)
                        panel[(nint)(d + k) * Panel + r] = unit[k];
            }
        }
        if (thread < plan.Gradients)
            gradients[thread].Clear();
    }

    public override void Cosines(int i, int j, float* to, bool fine) =>
        MatrixKernel.Multiply(At(i * plan.Block), Panel, 1, transposed.Pointer + (long)j * plan.Block * width, (nint)width * Panel,
        to, plan.Block, plan.RowsOf(i), plan.RowsOf(j), width, add: false, lanes, CosineRun, PanelStride - Panel);

    public override void Begin(int thread, int i)
    {
    }

    public override void Gradient(int thread, int i, int j, float* slopes, bool pure)
    {
        var run = pure ? int.MaxValue : ShortRun;
        var (rows, columns, block) = (plan.RowsOf(i), plan.RowsOf(j), plan.Block);
        if (j != i)
            MatrixKernel.Multiply(slopes, 1, block, At(i * block), PanelStride, gradients[plan.ColumnGradient(thread)].Pointer
                + (long)j * block * padded, padded, columns, padded, rows, add: true, lanes, run);
        MatrixKernel.Multiply(slopes, block, 1, At(j * block), PanelStride,
            gradients[plan.RowGradient(thread)].Pointer + (long)i * block * padded, padded, rows, padded, columns, add: true, lanes, run);
    }

    public override void End(int thread, int i)
    {
    }

    public override void Leave()
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override float* Total(int row, float* scratch)
    {
        var sum = gradients[0].Pointer + (long)row * padded;
        for (var g = 1; g < plan.Gradients; g++)
            RowMath.Add(new Span<float>(sum, padded), new(gradients[g].Pointer + (long)row * padded, padded));
        return sum;
    }

    public override void Dispose()
    {
        units.Dispose();
        transposed.Dispose();
        foreach (var gradient in gradients)
            gradient.Dispose();
    }

    private float* At(int row) => units.Pointer + (long)(row / plan.Block) * plan.Block * padded + row % plan.Block * Panel;
}
