namespace Schane.Data.Sets;

/// <summary>How hard <see cref="LookalikesDataset"/> is, all in one place. A change here changes every figure
/// that was measured on it.</summary>
/// <remarks>Lengths are in pixels of the 64 × 64 image, lightness and shares in 0 … 1, angles in degrees.</remarks>
internal static class LookalikesDifficulty
{
    /// <summary>A figure is turned by up to this much either way.</summary>
    public const double Turn = 180;

    /// <summary>Smallest and largest radius of a figure.</summary>
    public const double SmallestRadius = 16, LargestRadius = 23;

    /// <summary>How far the centre strays from the middle.</summary>
    public const double Shift = 6;

    /// <summary>Most stretch along one direction, as a share.</summary>
    public const double Stretch = 0.08;

    /// <summary>Least difference of lightness between figure and background, and between figure and its marks.</summary>
    public const double FigureContrast = 0.22, MarkContrast = 0.22;

    /// <summary>Shapes strewn over the background.</summary>
    public const int Clutter = 3;

    /// <summary>How often something lies in front of the figure, and its size as a share of the figure's radius.</summary>
    public const double OcclusionChance = 0.35, OcclusionSize = 0.4;

    /// <summary>Largest deviation of the pixel noise; each image draws its own.</summary>
    public const double Noise = 0.06;

    /// <summary>Distance between the trait values of neighbouring twins, as a share of the distance as drawn: below 1
    /// they look more alike.</summary>
    public const double TraitStep = 1.0;
}
