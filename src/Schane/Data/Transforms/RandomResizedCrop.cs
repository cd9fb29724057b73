using Schane.Tensors;

namespace Schane.Data.Transforms;

/// <summary>
/// A random box of the image resized to a square (torchvision's <c>RandomResizedCrop</c>, after Szegedy et al. 2014): its share of the
/// area is uniform, the logarithm of its proportions too; after ten boxes that don't fit, the middle of the image.
/// </summary>
public sealed record RandomResizedCrop(int Size) : ImageStep
{
    /// <summary>Smallest share of the area, above 0 and at most <see cref="MaxArea"/>. 0.08 by default.</summary>
    public double MinArea { get; init => field = Require.InRange(value, 1e-4, 1); } = 0.08;

    /// <summary>Largest share of the area, at most 1. 1 by default.</summary>
    public double MaxArea { get; init => field = Require.InRange(value, 1e-4, 1); } = 1;

    /// <summary>Largest width ÷ height; the smallest is its inverse. 4/3 by default.</summary>
    public double MaxRatio { get; init => field = Require.InRange(value, 1, 100); } = 4.0 / 3;

    /// <summary>Bicubic by default.</summary>
    public Interpolation Interpolation { get; init; } = Interpolation.Bicubic;

    /// <summary>Draws a box.</summary>
    internal (int Left, int Top, int Width, int Height) Draw(int width, int height, ref SampleRandom random)
    {
        for (var attempt = 0; attempt < 10; attempt++)
        {
            var area = (double)width * height * random.Uniform(MinArea, MaxArea);
            var ratio = Math.Exp(random.Uniform(-Math.Log(MaxRatio), Math.Log(MaxRatio)));
            var w = (int)Math.Round(Math.Sqrt(area * ratio));
            var h = (int)Math.Round(Math.Sqrt(area / ratio));
            if (w > 0 && w <= width && h > 0 && h <= height)
                return (random.Below(width - w + 1), random.Below(height - h + 1), w, h);
        }
        var proportion = (double)width / height;
        var (cw, ch) = proportion < 1 / MaxRatio ? (width, Math.Max(1, (int)Math.Round(width * MaxRatio)))
            : proportion > MaxRatio ? (Math.Max(1, (int)Math.Round(height * MaxRatio)), height)
            : (width, height);
        return ((width - cw) / 2, (height - ch) / 2, cw, ch);
    }

    internal override void Apply(Canvas canvas, ref SampleRandom random)
    {
        var (left, top, width, height) = Draw(canvas.Width, canvas.Height, ref random);
        Resize.Box(canvas, left, top, width, height, Size, Size, Interpolation);
    }

    internal override (int Width, int Height)? SizeAfter((int Width, int Height)? before) => (Size, Size);
}
