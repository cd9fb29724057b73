namespace Schane.Losses;

/// <summary>How the contrastive term is computed. Both give the same numbers to single precision; docs/performance.md has their times.</summary>
public enum LossKernel
{
    /// <summary>Tiled where it wins, else the op graph; decided at the first step.</summary>
    Auto,

    /// <summary>libtorch operations on some anchors at a time: any device, float32 and float64.</summary>
    OpGraph,

    /// <summary>Tiles of similarities that are made, used and thrown away: CPU, float32, AVX2 or AVX-512.</summary>
    Tiled,
}
