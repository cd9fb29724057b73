using System.Runtime.CompilerServices;
using Schane.Products;

namespace Schane.Losses.Tiled;

/// <summary><see cref="TileProducts"/> of bfloat16 factors, added up in float32: half the memory traffic, and where the processor has such
/// products twice the rate.</summary>
/// <remarks>
/// Unit rows lie three times: as they are (A of the cosines), and in pairs along either side (B of the cosines and of the gradient); for
/// fine cosines also what rounding left over, so that U·U = H·H + H·L + L·H up to 2^-17. A thread keeps dU of its strip by rows; dU of all
/// rows lies transposed, [coordinate, row] a block, so that T itself in pairs is B there and no tile is ever transposed.
/// </remarks>
internal sealed unsafe class Bf16Products : TileProducts
{
    private readonly Buffer<ushort> units = new(), rest = new();
    private readonly Buffer<uint> across = new(), acrossRest = new(), along = new();
    private readonly Share[] shares;

    /// <summary>dU of all rows, [block][coordinate, row].</summary>
    private readonly Buffer<float>[] gradients;
    private readonly Bf16Kernel kernel;
    private TilePlan plan = null!;
    private int padded;
    private bool fine;

    /// <param name="threads">Threads.</param>
    /// <param name="lanes">Width of the vectors.</param>
    /// <param name="native">Whether libtorch's products are used.</param>
    public Bf16Products(int threads, int lanes, bool native)
    {
        kernel = Bf16Kernel.For(lanes, native);
        (shares, gradients) = ([.. Enumerable.Range(0, threads).Select(_ => new Share())],
            [.. Enumerable.Range(0, threads).Select(_ => new Buffer<float>())]);
    }

    public override long Bytes =>
        units.Bytes + rest.Bytes + across.Bytes + acrossRest.Bytes + along.Bytes + shares.Sum(s => s.Bytes) + gradients.Sum(g => g.Bytes);

    public override void Reserve(TilePlan plan, int width, bool fine)
    {
        (this.plan, padded, this.fine) = (plan, Padded(width), fine);
        Reserve(units, across);
        if (fine)
            Reserve(rest, acrossRest);
        along.Ensure((long)Padded(plan.Rows) / 2 * padded);
        for (var t = 0; t < plan.Threads; t++)
            shares[t].Reserve(plan, padded);
        for (var g = 0; g < plan.Gradients; g++)
            gradients[g].Ensure((long)plan.Blocks * plan.Block * padded);
    }

    private void Reserve(Buffer<ushort> rows, Buffer<uint> pairs)
    {
        rows.Ensure((long)Padded(plan.Rows) * padded);
        new Span<ushort>(rows.Pointer + (long)plan.Rows * padded, (Padded(plan.Rows) - plan.Rows) * padded).Clear();
        pairs.Ensure((long)plan.Blocks * plan.Block * padded / 2);
    }

    public override void Put(int row, float* unit) =>
        kernel.Split(unit, padded, units.Pointer + (long)row * padded, fine ? rest.Pointer + (long)row * padded : null);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Arrange(int thread, int from, int to)
    {
        to = Padded(to);
        Across(units.Pointer, across.Pointer, from, to);
        if (fine)
            Across(rest.Pointer, acrossRest.Pointer, from, to);
        for (var row = from; row < to; row += 2)
        {
            var lower = units.Pointer + (long)row * padded;
            var higher = lower + padded;
            var pairs = along.Pointer + (long)row / 2 * padded;
            for (var d = 0; d < padded; d++)
                pairs[d] = lower[d] | ((uint)higher[d] << 16);
        }
        if (thread < plan.Gradients)
            gradients[thread].Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Across(ushort* rows, uint* pairs, int from, int to)
    {
        var (depth, block) = (padded / 2, plan.Block);
        for (var row = from; row < to; row += Panel)
        {
            var panel = pairs + (long)(row / block) * block * depth + row % block;
            for (var r = 0; r < Panel; r++)
            {
                var line = (uint*)(rows + (long)(row + r) * padded);
                for (var k = 0; k < depth; k++)
                    panel[(nint)k * block + r] = line[k];
            }
        }
    }

    public override void Cosines(int i, int j, float* to, bool fine)
    {
        Product(units.Pointer, i, across.Pointer, j, to, 0);
        if (!fine)
            return;
        Product(units.Pointer, i, acrossRest.Pointer, j, to, 1);
        Product(rest.Pointer, i, across.Pointer, j, to, 1);
    }

    private void Product(ushort* rows, int i, uint* pairs, int j, float* to, byte add) =>
        kernel.Multiply(Padded(plan.RowsOf(i)), Padded(plan.RowsOf(j)), padded,
        rows + (long)i * plan.Block * padded, padded, pairs + (long)j * plan.Block * padded / 2, plan.Block, to, plan.Block, add);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Begin(int thread, int i)
    {
        var (share, block, rows) = (shares[thread], plan.Block, Padded(plan.RowsOf(i)));
        share.Strip.Clear();
        var left = share.Left.Pointer;
        for (var r = 0; r < rows; r++)
        {
            var unit = units.Pointer + ((long)i * block + r) * padded;
            for (var d = 0; d < padded; d++)
                left[(nint)d * block + r] = unit[d];
        }
    }

    public override void Gradient(int thread, int i, int j, float* slopes, bool pure)
    {
        var (share, block) = (shares[thread], plan.Block);
        var (rows, columns) = (Padded(plan.RowsOf(i)), Padded(plan.RowsOf(j)));
        kernel.Pack(slopes, rows, columns, block, share.Tile.Pointer, share.Pairs.Pointer);
        kernel.Multiply(rows, padded, columns, share.Tile.Pointer, block, along.Pointer + (long)j * block / 2 * padded, padded,
            share.Strip.Pointer, padded, 1);
        if (j != i)
            kernel.Multiply(padded, columns, rows, share.Left.Pointer, block, share.Pairs.Pointer, block,
                gradients[plan.ColumnGradient(thread)].Pointer + (long)j * block * padded, block, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void End(int thread, int i)
    {
        var (share, block) = (shares[thread], plan.Block);
        var total = gradients[plan.RowGradient(thread)].Pointer + (long)i * block * padded;
        for (var r = 0; r < plan.RowsOf(i); r++)
        {
            var own = share.Strip.Pointer + (nint)r * padded;
            for (var d = 0; d < padded; d++)
                total[(nint)d * block + r] += own[d];
        }
    }

    public override void Leave() => kernel.Leave();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override float* Total(int row, float* scratch)
    {
        var at = (long)(row / plan.Block) * plan.Block * padded + row % plan.Block;
        for (var d = 0; d < padded; d++, at += plan.Block)
        {
            var sum = gradients[0].Pointer[at];
            for (var g = 1; g < plan.Gradients; g++)
                sum += gradients[g].Pointer[at];
            scratch[d] = sum;
        }
        return scratch;
    }

    public override void Dispose()
    {
        units.Dispose();
        rest.Dispose();
        across.Dispose();
        acrossRest.Dispose();
        along.Dispose();
        foreach (var share in shares)
            share.Dispose();
        foreach (var gradient in gradients)
            gradient.Dispose();
    }

    /// <summary>What one thread owns.</summary>
    private sealed class Share : IDisposable
    {
        /// <summary>dU of the strip, [row, coordinate].</summary>
        public readonly Buffer<float> Strip = new();

        /// <summary>U of the strip, [coordinate, row].</summary>
        public readonly Buffer<ushort> Left = new();

        /// <summary>T, and T in pairs of rows.</summary>
        public readonly Buffer<ushort> Tile = new();
        public readonly Buffer<uint> Pairs = new();

        public long Bytes => Strip.Bytes + Left.Bytes + Tile.Bytes + Pairs.Bytes;

        public void Reserve(TilePlan plan, int padded)
        {
            Strip.Ensure((long)plan.Block * padded);
            Left.Ensure((long)plan.Block * padded);
            Tile.Ensure((long)plan.Block * plan.Block);
            Pairs.Ensure((long)plan.Block / 2 * plan.Block);
        }

        public void Dispose()
        {
            Strip.Dispose();
            Left.Dispose();
            Tile.Dispose();
            Pairs.Dispose();
        }
    }
}
