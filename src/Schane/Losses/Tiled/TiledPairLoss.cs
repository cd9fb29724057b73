using Schane.Losses.Pairs;
using Schane.Products;

namespace Schane.Losses.Tiled;

/// <summary>
/// <see cref="PairFormula"/> and its gradient on the CPU in float32 (matrix products in bfloat16 on request), from row sums: tiles of the
/// similarities are made, used and thrown away, twice, so that memory is O(N·D·√threads). Keeps its threads and buffers from step to step.
/// </summary>
/// <remarks>
/// Phases, each on all threads: normalise and copy the rows, sorted by label; sums of each row over its tiles; slopes of each row; tiles
/// again, for the gradient; from unit rows back to the embeddings. Every thread adds in places that no other writes to
/// (<see cref="TilePlan"/>), which are summed in a fixed order: same input and thread count, same bits. Beside the copies of the rows, T
/// threads hold about 2·√T gradients of all rows (T up to 5: T of them), 4·N·D bytes each, and 48 bytes a row and thread for the sums.
/// docs/performance.md has the figures.
/// </remarks>
internal sealed unsafe partial class TiledPairLoss : IDisposable
{
    // Cosines are kept for the way back where they fit near the cores, or where making them takes longer than fetching them.
    private const long CloseBytes = 1_000_000, CacheBytes = 38_000_000;
    private const int CacheWidth = 256;

    // Rows of a block; small ones where large ones would not be enough for all threads.
    private const int SmallBlock = 96, LargeBlock = 192;

    // Two threads from N²·D = 2·10^6 on.
    private const double WorthWaking = 2e-6;

    // Of exp s by the cosine: steeper ones see the rounding of bfloat16 where positives lie close together.
    private const double CoarseSlope = 5;

    private readonly int lanes;
    private readonly Crew crew;
    private readonly Worker[] workers;
    private readonly Action<int> prepare, arrange, sum, settle, slope, finish;
    private readonly TileProducts products;
    private readonly Buffer<float> norms = new(), slopes = new(), cache = new(), shares = new(), sharesTransposed = new();
    private readonly Buffer<int> order = new(), classes = new();
    private long[] keys = [];
    private TilePlan? plan;

    // One step.
    private float* source;
    private float* target;
    private PairFormula formula = new(1);
    private TileScale scale;
    private int rows, width, padded, anchors, mixedClasses, active;
    private double gradientScale, totalWeight;
    private double[] positives = [];
    private RowStatistics? watched;
    private bool cached, fine;

    /// <param name="threads">Threads to use at most, the caller's among them.</param>
    /// <param name="lanes">Width of the vectors: 16, 8 or 1; 0 for the machine's best.</param>
    /// <param name="bf16">Whether the factors of the matrix products are rounded to bfloat16.</param>
    /// <param name="native">Whether libtorch makes those products; null where it can.</param>
    public TiledPairLoss(int threads, int lanes = 0, bool bf16 = false, bool? native = null)
    {
        this.lanes = lanes > 0 ? lanes : MatrixKernel.BestLanes;
        crew = new Crew(Math.Max(1, threads));
        Bf16 = bf16;
        products = bf16 ? new Bf16Products(crew.Size, this.lanes, native ?? Brgemm.Available) : new Float32Products(crew.Size, this.lanes);
        workers = [.. Enumerable.Range(0, crew.Size).Select(_ => new Worker())];
        (prepare, arrange, sum, settle, slope, finish) = (Prepare, Arrange, Sum, Settle, Slope, Finish);
    }

    /// <summary>Threads it works with.</summary>
    public int Threads => crew.Size;

    /// <summary>Whether its matrix products are of bfloat16.</summary>
    public bool Bf16 { get; }

    /// <summary>Bytes of all buffers.</summary>
    public long Bytes =>
        products.Bytes + norms.Bytes + slopes.Bytes + cache.Bytes + shares.Bytes + sharesTransposed.Bytes + order.Bytes + classes.Bytes
        + (keys.Length + positives.Length) * 8L + workers.Sum(w => w.Bytes);

    /// <summary>Whether the last step kept its similarities for the way back.</summary>
    public bool Caches => cached;

    /// <summary>The mean loss and its gradient by the embeddings.</summary>
    /// <param name="embeddings">[rows, width] float32, finite.</param>
    /// <param name="labels">[rows], or null with <paramref name="mixture"/>.</param>
    /// <param name="mixture">[rows, mixedClasses] class shares, or null.</param>
    /// <param name="sizes">Sizes, and the anchors among the rows.</param>
    /// <param name="pairFormula">What to compute.</param>
    /// <param name="share">What the gradient is multiplied by (λ).</param>
    /// <param name="gradient">[rows, width], overwritten.</param>
    /// <param name="statistics">Filled, one entry an anchor; null leaves them out.</param>
    /// <returns>The anchors' part of the mean loss; NaN when no row has a positive; null when single precision does not
    /// hold the sums of a row.</returns>
    public double? Compute(float* embeddings, long* labels, float* mixture, TiledSizes sizes, PairFormula pairFormula, double share,
        float* gradient, RowStatistics? statistics)
    {
        source = embeddings;
        target = gradient;
        (formula, gradientScale, watched) = (pairFormula, share, statistics);
        (rows, width, anchors, mixedClasses) = (sizes.Rows, sizes.Width, sizes.Anchors, mixture == null ? 0 : sizes.Classes);
        scale = new(formula.Temperature, formula.Beta);
        fine = (1 + formula.Beta) / formula.Temperature > CoarseSlope;
        padded = TileProducts.Padded(width);

        active = ThreadsFor(rows, width);
        var block = BlockFor(rows, active);
        if (plan is null || !plan.Fits(rows, anchors, block, active))
            plan = new TilePlan(rows, anchors, block, active);
        cached = (long)plan.Tiles * block * block * sizeof(float) <= (width < CacheWidth ? CloseBytes : CacheBytes);

        Reserve();
        Sort(labels, sizes.First);
        if (mixture == null)
            Count();
        else
            Spread(mixture);
        crew.Run(prepare, active);
        crew.Run(arrange, active);
        crew.Run(sum, active);
        crew.Run(settle, active);
        var (loss, lost) = (0.0, false);
        for (var t = 0; t < active; t++)
            (loss, lost) = (loss + workers[t].Loss, lost || workers[t].Lost);
        if (lost)
            return null;
        crew.Run(slope, active);
        crew.Run(finish, active);
        return loss / totalWeight;
    }

    public void Dispose()
    {
        crew.Dispose();
        foreach (var buffer in (Buffer<float>[])[norms, slopes, cache, shares, sharesTransposed])
            buffer.Dispose();
        products.Dispose();
        order.Dispose();
        classes.Dispose();
        foreach (var worker in workers)
            worker.Dispose();
    }

    // A small problem is over before another thread wakes. Waking T threads takes a time in proportion to T and the work is done in a time
    // in proportion to 1/T: the best T grows with the root of the work.
    private int ThreadsFor(int rows, int width)
    {
        var worth = Math.Sqrt(WorthWaking * rows * rows * width);
        return (int)Math.Clamp(Math.Min(worth, TilePlan.TilesOf(rows, SmallBlock)), 1, crew.Size);
    }

    private static int BlockFor(int rows, int threads) =>
        rows <= 512 || TilePlan.TilesOf(rows, LargeBlock) < 2 * threads ? SmallBlock : LargeBlock;

    private static int RoundUp(int value, int unit) => (value + unit - 1) / unit * unit;

    // Rows of thread t in the phases that go by rows, cut at panels.
    private (int From, int To) Part(int t)
    {
        var panels = RoundUp(rows, MatrixKernel.PanelWidth) / MatrixKernel.PanelWidth;
        return (Math.Min(rows, (int)((long)panels * t / active) * MatrixKernel.PanelWidth),
            Math.Min(rows, (int)((long)panels * (t + 1) / active) * MatrixKernel.PanelWidth));
    }

    private void Reserve()
    {
        var (full, block) = (RoundUp(rows, 96) + 96, plan!.Block);
        products.Reserve(plan, width, fine);
        norms.Ensure(rows);
        slopes.Ensure(4L * full);
        order.Ensure(rows);
        classes.Ensure(full);
        if (cached)
            cache.Ensure((long)plan.Tiles * block * block + MatrixKernel.RowGroup * block);
        if (keys.Length < rows)
            (keys, positives) = (new long[rows], new double[rows]);
        for (var t = 0; t < active; t++)
            workers[t].Reserve(rows, padded, block, mixedClasses > 0);
    }

    /// <summary>What one thread owns.</summary>
    private sealed class Worker : IDisposable
    {
        public readonly Buffer<float> Unit = new(), Total = new(), Tile = new(), Shares = new(), Scratch = new();
        public readonly Buffer<RowSums> Sums = new();
        public double[] Sum = [];
        public double Loss;
        public bool Lost;

        public long Bytes => Unit.Bytes + Total.Bytes + Tile.Bytes + Shares.Bytes + Scratch.Bytes + Sums.Bytes;

        public void Reserve(int rows, int padded, int block, bool mixed)
        {
            Unit.Ensure(padded);
            Unit.Clear();
            Total.Ensure(padded);
            Tile.Ensure((long)(block + MatrixKernel.RowGroup) * block);
            Scratch.Ensure(7L * block);
            Sums.Ensure(rows);
            if (Sum.Length < padded)
                Sum = new double[padded];
            if (mixed)
                Shares.Ensure((long)(block + MatrixKernel.RowGroup) * block);
        }

        public void Dispose()
        {
            foreach (var buffer in (Buffer<float>[])[Unit, Total, Tile, Shares, Scratch])
                buffer.Dispose();
            Sums.Dispose();
        }
    }
}

/// <summary>Sizes of a problem.</summary>
/// <param name="Rows">N.</param>
/// <param name="Width">D.</param>
/// <param name="Classes">C of a mixture.</param>
/// <param name="First">First anchor.</param>
/// <param name="Anchors">Number of anchors.</param>
internal readonly record struct TiledSizes(int Rows, int Width, int Classes, int First, int Anchors);
