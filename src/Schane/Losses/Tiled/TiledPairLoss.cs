using System.Runtime.Intrinsics;

namespace Schane.Losses.Tiled;

/// <summary>
/// <see cref="PairFormula"/> and its gradient on the CPU in float32, from row sums: tiles of the similarities are made, used and thrown away, twice, so that memory is
/// O(N·D). Keeps its threads and buffers from step to step.
/// </summary>
/// <remarks>
/// Phases, each on all threads: normalise and copy the rows, sorted by label; sums of each row over its tiles; slopes of each row; tiles again, for the gradient;
/// from unit rows back to the embeddings. Every thread adds in its own buffers, which are summed in a fixed order: same input and thread count, same bits.
/// docs/performance.md has the figures.
/// </remarks>
internal sealed unsafe partial class TiledPairLoss : IDisposable
{
    // Similarities are kept for the way back where all of them fit.
    private const long CacheBytes = 38_000_000;

    private readonly int lanes;
    private readonly Crew crew;
    private readonly Crew alone = new(1);
    private readonly Worker[] workers;
    private readonly Action<int> prepare, transpose, sum, settle, slope, finish;
    private readonly Buffer<float> units = new(), transposed = new(), norms = new(), slopes = new(), cache = new(), shares = new(), sharesTransposed = new();
    private readonly Buffer<int> order = new(), classes = new();
    private long[] keys = [];
    private TilePlan? plan;
    private Crew active;

    // One step.
    private float* source;
    private float* target;
    private PairFormula formula = new(1);
    private TileScale scale;
    private int rows, width, padded, anchors, mixedClasses;
    private double gradientScale, totalWeight;
    private double[] positives = [];
    private RowStatistics? watched;
    private bool cached;

    /// <param name="threads">Threads to use, the caller's among them, 1 to 8: each holds a gradient of all rows.</param>
    /// <param name="lanes">Width of the vectors: 16, 8 or 1; 0 for the machine's best.</param>
    public TiledPairLoss(int threads, int lanes = 0)
    {
        this.lanes = lanes > 0 ? lanes : BestLanes;
        crew = new Crew(Math.Clamp(threads, 1, 8));
        active = crew;
        workers = [.. Enumerable.Range(0, crew.Size).Select(_ => new Worker())];
        (prepare, transpose, sum, settle, slope, finish) = (Prepare, Transpose, Sum, Settle, Slope, Finish);
    }

    /// <summary>16 with AVX-512, 8 with AVX2, 1 without vectors.</summary>
    public static int BestLanes => Vector512.IsHardwareAccelerated ? 16 : Vector256.IsHardwareAccelerated ? 8 : 1;

    /// <summary>Threads it works with.</summary>
    public int Threads => crew.Size;

    /// <summary>Bytes of all buffers.</summary>
    public long Bytes => units.Bytes + transposed.Bytes + norms.Bytes + slopes.Bytes + cache.Bytes + shares.Bytes + sharesTransposed.Bytes + order.Bytes + classes.Bytes
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
    /// <returns>The anchors' part of the mean loss; NaN when no row has a positive; null when single precision does not hold the sums of a row.</returns>
    public double? Compute(float* embeddings, long* labels, float* mixture, TiledSizes sizes, PairFormula pairFormula, double share, float* gradient, RowStatistics? statistics)
    {
        source = embeddings;
        target = gradient;
        (formula, gradientScale, watched) = (pairFormula, share, statistics);
        (rows, width, anchors, mixedClasses) = (sizes.Rows, sizes.Width, sizes.Anchors, mixture == null ? 0 : sizes.Classes);
        scale = new(formula.Temperature, formula.Beta);
        padded = RoundUp(width, MatrixKernel.PanelWidth);

        // A small problem is over before another thread wakes.
        active = (double)rows * rows * width < 2e6 ? alone : crew;
        var block = rows <= 512 ? 96 : 192;
        if (plan is null || !plan.Fits(rows, anchors, block, active.Size))
            plan = new TilePlan(rows, anchors, block, active.Size);
        cached = (long)plan.Tiles * block * block * sizeof(float) <= CacheBytes;

        Reserve();
        Sort(labels, sizes.First);
        if (mixture == null)
            Count();
        else
            Spread(mixture);
        active.Run(prepare);
        active.Run(transpose);
        active.Run(sum);
        active.Run(settle);
        var (loss, lost) = (0.0, false);
        for (var t = 0; t < active.Size; t++)
            (loss, lost) = (loss + workers[t].Loss, lost || workers[t].Lost);
        if (lost)
            return null;
        active.Run(slope);
        active.Run(finish);
        return loss / totalWeight;
    }

    public void Dispose()
    {
        crew.Dispose();
        alone.Dispose();
        foreach (var buffer in (Buffer<float>[])[units, transposed, norms, slopes, cache, shares, sharesTransposed])
            buffer.Dispose();
        order.Dispose();
        classes.Dispose();
        foreach (var worker in workers)
            worker.Dispose();
    }

    private static int RoundUp(int value, int unit) => (value + unit - 1) / unit * unit;

    // Rows of thread t in the phases that go by rows, cut at panels.
    private (int From, int To) Part(int t)
    {
        var panels = RoundUp(rows, MatrixKernel.PanelWidth) / MatrixKernel.PanelWidth;
        return (Math.Min(rows, (int)((long)panels * t / active.Size) * MatrixKernel.PanelWidth), Math.Min(rows, (int)((long)panels * (t + 1) / active.Size) * MatrixKernel.PanelWidth));
    }

    private void Reserve()
    {
        var (full, block) = (RoundUp(rows, 96) + 96, plan!.Block);
        units.Ensure((long)(rows + MatrixKernel.RowGroup) * width);
        transposed.Ensure((long)RoundUp(rows, MatrixKernel.PanelWidth) * width);
        norms.Ensure(rows);
        slopes.Ensure(4L * full);
        order.Ensure(rows);
        classes.Ensure(full);
        if (cached)
            cache.Ensure((long)plan.Tiles * block * block + MatrixKernel.RowGroup * block);
        if (keys.Length < rows)
            (keys, positives) = (new long[rows], new double[rows]);
        for (var t = 0; t < active.Size; t++)
            workers[t].Reserve(rows, padded, block, mixedClasses > 0);
    }

    /// <summary>What one thread owns.</summary>
    private sealed class Worker : IDisposable
    {
        public readonly Buffer<float> Gradient = new(), Tile = new(), Shares = new(), RowPanels = new(), ColumnPanels = new(), Scratch = new();
        public readonly Buffer<RowSums> Sums = new();
        public double[] Total = [];
        public double Loss;
        public bool Lost;

        public long Bytes => Gradient.Bytes + Tile.Bytes + Shares.Bytes + RowPanels.Bytes + ColumnPanels.Bytes + Scratch.Bytes + Sums.Bytes;

        public void Reserve(int rows, int padded, int block, bool mixed)
        {
            Gradient.Ensure((long)(rows + MatrixKernel.RowGroup) * padded);
            Tile.Ensure((long)(block + MatrixKernel.RowGroup) * block);
            RowPanels.Ensure((long)block * padded);
            ColumnPanels.Ensure((long)block * padded);
            Scratch.Ensure(7L * block);
            Sums.Ensure(rows);
            if (Total.Length < padded)
                Total = new double[padded];
            if (mixed)
                Shares.Ensure((long)(block + MatrixKernel.RowGroup) * block);
        }

        public void Dispose()
        {
            foreach (var buffer in (Buffer<float>[])[Gradient, Tile, Shares, RowPanels, ColumnPanels, Scratch])
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
