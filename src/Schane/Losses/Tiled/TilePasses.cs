using System.Runtime.Intrinsics;

namespace Schane.Losses.Tiled;

/// <summary>The element-wise passes compiled for one vector width and one kind of β.</summary>
internal readonly unsafe struct TilePasses
{
    public readonly delegate*<TileJob*, void> SumNegatives;
    public readonly delegate*<TileJob*, void> SumAny;
    public readonly delegate*<TileJob*, void> SlopeNegatives;
    public readonly delegate*<TileJob*, void> SlopeAny;

    private TilePasses(delegate*<TileJob*, void> sumNegatives, delegate*<TileJob*, void> sumAny, delegate*<TileJob*, void> slopeNegatives,
        delegate*<TileJob*, void> slopeAny)
    {
        SumNegatives = sumNegatives;
        SumAny = sumAny;
        SlopeNegatives = slopeNegatives;
        SlopeAny = slopeAny;
    }

    public static TilePasses For(int lanes, double beta) => lanes switch
    {
        16 => For<Lanes16, Vector512<float>>(beta),
        8 => For<Lanes8, Vector256<float>>(beta),
        _ => For<Lanes1, float>(beta),
    };

    private static TilePasses For<L, T>(double beta) where L : struct, ILanes<T> where T : struct =>
        beta == 0 ? Of<L, T, NoHardness>() : beta == 1 ? Of<L, T, UnitHardness>() : Of<L, T, AnyHardness>();

    private static TilePasses Of<L, T, H>() where L : struct, ILanes<T> where T : struct where H : struct, IHardness =>
        new(&TileSums<L, T, H>.Negatives, &TileSums<L, T, H>.Any, &TileSlopes<L, T, H>.Negatives, &TileSlopes<L, T, H>.Any);
}
