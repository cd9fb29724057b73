using Schane.Tensors;

namespace Schane.Data.Feeding;

/// <summary>The rows of a global batch that one rank takes: from <see cref="Start"/> up to and without <see cref="End"/>. Shares are
/// consecutive in order of ranks, cover the batch, and differ by one unit at most.</summary>
/// <param name="Start">First row.</param>
/// <param name="End">First row of the next rank.</param>
internal readonly record struct RankShare(int Start, int End)
{
    /// <summary>Rows of the share.</summary>
    public int Count => End - Start;

    /// <summary>The share of a rank.</summary>
    /// <param name="rows">Rows of the global batch.</param>
    /// <param name="rank">Which rank, 0 ≤ rank &lt; <paramref name="ranks"/>.</param>
    /// <param name="ranks">How many there are.</param>
    /// <param name="unit">Rows that stay together, counted from the first: a group of images that are mixed with
    /// each other. 1 by default.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static RankShare Of(int rows, int rank, int ranks, int unit = 1)
    {
        Require.AtLeast(rows, 0);
        Require.AtLeast(ranks, 1);
        Require.AtLeast(unit, 1);
        if (rank < 0 || rank >= ranks)
            throw new ArgumentOutOfRangeException(nameof(rank), $"rank must lie between 0 and {ranks - 1} but is {rank}.");
        var units = ((long)rows + unit - 1) / unit;
        int Start(int of) => (int)Math.Min(rows, units * of / ranks * unit);
        return new(Start(rank), Start(rank + 1));
    }
}
