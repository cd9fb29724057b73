namespace Schane.Losses.Tiled;

/// <summary>Which tiles there are, who computes them and where their gradients are added: a pure function of the sizes, so that the same
/// sizes give the same sums in the same order.</summary>
/// <remarks>
/// Rows are cut into blocks; tile (I, J ≥ I) stands for both halves of the symmetric matrix. Only tiles that touch an anchor are there: the
/// anchors are the first rows. Strips (all tiles of one I) go, longest first, to the team with the least work for each of its threads;
/// inside a team each thread has columns J of its own.
/// <para>
/// A team shares one gradient for what its tiles add to their columns, since no two of its threads have the same column. What they add to
/// their rows goes to a second kind of gradient, one for the k-th threads of all teams, since no two teams have the same row. So T threads
/// write without waiting for each other into about 2·√T gradients. A team of one needs no second kind.
/// </para>
/// </remarks>
internal sealed class TilePlan
{
    private readonly int[] team;
    private readonly int[][] strips, columns;

    public TilePlan(int rows, int anchors, int block, int threads)
    {
        (Rows, Anchors, Block, Threads) = (rows, anchors, block, threads);
        Blocks = (rows + block - 1) / block;
        var firsts = (anchors + block - 1) / block;
        Teams = TeamsOf(threads);
        team = [.. Enumerable.Range(0, threads).Select(t => t % Teams)];
        var sizes = Enumerable.Range(0, Teams).Select(r => SizeOf(r, threads)).ToArray();
        strips = Shared(Enumerable.Range(0, firsts), i => Blocks - i, sizes);
        columns = new int[threads][];
        for (var r = 0; r < Teams; r++)
        {
            var own = strips[r];
            int TilesOf(int j) => own.Count(i => i <= j);
            var parts = Shared(Enumerable.Range(0, Blocks).OrderByDescending(TilesOf), TilesOf, [.. Enumerable.Repeat(1, sizes[r])]);
            for (var k = 0; k < sizes[r]; k++)
            {
                Array.Sort(parts[k]);
                columns[r + k * Teams] = parts[k];
            }
        }
        FirstTile = new int[firsts + 1];
        for (var i = 0; i < firsts; i++)
            FirstTile[i + 1] = FirstTile[i] + Blocks - i;
    }

    public int Rows { get; }
    public int Anchors { get; }
    public int Block { get; }
    public int Blocks { get; }
    public int Threads { get; }

    /// <summary>Groups of threads that share the gradient of their columns: the number that needs the fewest gradients.</summary>
    public int Teams { get; }

    /// <summary>Gradients of all rows, to be added up in the end.</summary>
    public int Gradients => GradientsOf(Teams, Threads);

    /// <summary>Number of the first tile of each strip; the last entry is the number of tiles.</summary>
    public int[] FirstTile { get; }

    public int Tiles => FirstTile[^1];

    /// <summary>Tiles of so many rows that are all anchors.</summary>
    public static long TilesOf(int rows, int block)
    {
        var blocks = (rows + block - 1L) / block;
        return blocks * (blocks + 1) / 2;
    }

    public int RowsOf(int block) => Math.Min(Block, Rows - block * Block);

    /// <summary>The strips a thread has tiles of.</summary>
    public int[] StripsOf(int thread) => strips[team[thread]];

    /// <summary>The columns of a thread's tiles in a strip.</summary>
    public ReadOnlySpan<int> ColumnsOf(int thread, int strip)
    {
        var at = Array.BinarySearch(columns[thread], strip);
        return columns[thread].AsSpan(at < 0 ? ~at : at);
    }

    /// <summary>Where a thread adds the gradients of its columns.</summary>
    public int ColumnGradient(int thread) => team[thread];

    /// <summary>Where a thread adds the gradients of its rows.</summary>
    public int RowGradient(int thread) => Teams == Threads ? thread : Teams + thread / Teams;

    public bool Fits(int rows, int anchors, int block, int threads) => (Rows, Anchors, Block, Threads) == (rows, anchors, block, threads);

    private static int TeamsOf(int threads) => Enumerable.Range(1, threads).Reverse().MinBy(teams => GradientsOf(teams, threads));

    private static int GradientsOf(int teams, int threads) => teams == threads ? teams : teams + SizeOf(0, threads, teams);

    private int SizeOf(int r, int threads) => SizeOf(r, threads, Teams);

    private static int SizeOf(int r, int threads, int teams) => (threads - r + teams - 1) / teams;

    // In the order given, each to the one with the least work for its size.
    private static int[][] Shared(IEnumerable<int> items, Func<int, int> work, int[] sizes)
    {
        var parts = sizes.Select(_ => new List<int>()).ToArray();
        var load = new double[sizes.Length];
        foreach (var item in items)
        {
            var least = Array.IndexOf(load, load.Min());
            parts[least].Add(item);
            load[least] += (double)work(item) / sizes[least];
        }
        return [.. parts.Select(p => p.ToArray())];
    }
}
