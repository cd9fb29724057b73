namespace Schane.Losses.Tiled;

/// <summary>Which tiles there are and who computes them: a pure function of the sizes, so that the same sizes give the same sums in the same order.</summary>
/// <remarks>
/// Rows are cut into blocks; tile (I, J ≥ I) stands for both halves of the symmetric matrix. Only tiles that touch an anchor are there: the anchors are the first
/// rows. Strips (all tiles of one I) go, longest first, to the thread with the least work.
/// </remarks>
internal sealed class TilePlan
{
    public TilePlan(int rows, int anchors, int block, int threads)
    {
        (Rows, Anchors, Block) = (rows, anchors, block);
        Blocks = (rows + block - 1) / block;
        var strips = (anchors + block - 1) / block;
        var shares = new List<int>[threads];
        var load = new long[threads];
        for (var t = 0; t < threads; t++)
            shares[t] = [];
        for (var i = 0; i < strips; i++)
        {
            var least = Array.IndexOf(load, load.Min());
            shares[least].Add(i);
            load[least] += Blocks - i;
        }
        Strips = [.. shares.Select(s => s.ToArray())];
        FirstTile = new int[strips + 1];
        for (var i = 0; i < strips; i++)
            FirstTile[i + 1] = FirstTile[i] + Blocks - i;
    }

    public int Rows { get; }
    public int Anchors { get; }
    public int Block { get; }
    public int Blocks { get; }

    /// <summary>The strips of each thread.</summary>
    public int[][] Strips { get; }

    /// <summary>Number of the first tile of each strip; the last entry is the number of tiles.</summary>
    public int[] FirstTile { get; }

    public int Tiles => FirstTile[^1];

    public int RowsOf(int block) => Math.Min(Block, Rows - block * Block);

    public bool Fits(int rows, int anchors, int block, int threads) => (Rows, Anchors, Block, Strips.Length) == (rows, anchors, block, threads);
}
