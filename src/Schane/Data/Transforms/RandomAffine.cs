using Schane.Tensors;

namespace Schane.Data.Transforms;

/// <summary>A random turn, shift, magnification and slant about the middle, on black (torchvision's <c>RandomAffine</c>).</summary>
public sealed record RandomAffine : ImageStep
{
    /// <summary>Largest turn to either side in degrees. 10 by default.</summary>
    public double MaxRotation { get; init => field = Require.InRange(value, 0, 180); } = 10;

    /// <summary>Largest shift along each axis as a share of the side. 0.1 by default.</summary>
    public double MaxShift { get; init => field = Require.InRange(value, 0, 1); } = 0.1;

    /// <summary>Smallest magnification. 0.9 by default.</summary>
    public double MinScale { get; init => field = Require.InRange(value, 0.01, 100); } = 0.9;

    /// <summary>Largest magnification. 1.1 by default.</summary>
    public double MaxScale { get; init => field = Require.InRange(value, 0.01, 100); } = 1.1;

    /// <summary>Largest slant along x to either side in degrees. 0 by default.</summary>
    public double MaxShear { get; init => field = Require.InRange(value, 0, 80); }

    internal override void Apply(Canvas canvas, ref SampleRandom random)
    {
        var (w, h) = (canvas.Width, canvas.Height);
        var angle = random.Uniform(-MaxRotation, MaxRotation);
        var (dx, dy) = (Math.Round(random.Uniform(-MaxShift, MaxShift) * w), Math.Round(random.Uniform(-MaxShift, MaxShift) * h));
        var scale = random.Uniform(MinScale, MaxScale);
        var shear = random.Uniform(-MaxShear, MaxShear);
        Geometry.Apply(canvas, Geometry.Map.Inverse(w / 2.0, h / 2.0, angle, dx, dy, scale, shear, 0), bilinear: true, []);
    }
}
