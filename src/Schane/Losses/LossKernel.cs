namespace Schane.Losses;

/// <summary>How the contrastive term is computed. The op graph and the tiles give the same numbers to single precision;
/// docs/performance.md has their times.</summary>
public enum LossKernel
{
    /// <summary>Tiled where it wins, else the op graph; decided at the first step.</summary>
    Auto,

    /// <summary>libtorch operations on some anchors at a time: any device, float32 and float64.</summary>
    OpGraph,

    /// <summary>Tiles of similarities that are made, used and thrown away: CPU, float32, AVX2 or AVX-512.</summary>
    Tiled,

    /// <summary>
    /// The tiles with matrix products of bfloat16 factors, added up in float32: gradients to 5e-3 of their largest entry, 2e-2 at small τ.
    /// Half the time where the processor has AVX512_BF16 or AMX (libtorch's products); elsewhere the same numbers to rounding from C#, no
    /// faster than <see cref="Tiled"/>. Never chosen by <see cref="Auto"/>.
    /// </summary>
    TiledBf16,
}
