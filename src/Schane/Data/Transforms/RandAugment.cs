using Schane.Tensors;

namespace Schane.Data.Transforms;

/// <summary>A few operations of one strength, drawn anew for each image (Cubuk et al. 2019, arXiv:1909.13719; torchvision's
/// table of 31 levels).</summary>
public sealed record RandAugment : ImageStep
{
    private static readonly AugmentSpace Space = AugmentSpace.Standard(31);

    /// <summary>How many operations, one after the other. 2 by default.</summary>
    public int Operations { get; init => field = Require.AtLeast(value, 0); } = 2;

    /// <summary>Level of strength, 0 to 30. 9 by default.</summary>
    public int Magnitude
    {
        get;
        init => field = value is >= 0 and <= 30
            ? value : throw new ArgumentOutOfRangeException(nameof(Magnitude), $"Magnitude must lie between 0 and 30 but is {value}.");
    } = 9;

    /// <summary>Whether geometry is sampled bilinearly rather than at the nearest pixel. False by default, as in torchvision.</summary>
    public bool Bilinear { get; init; }

    internal override void Apply(Canvas canvas, ref SampleRandom random)
    {
        for (var i = 0; i < Operations; i++)
        {
            var op = AugmentSpace.Drawn[random.Below(AugmentSpace.Drawn.Count)];
            var magnitude = Space.Magnitude(op, Magnitude, canvas.Width, canvas.Height);
            AugmentOps.Apply(canvas, op, AugmentSpace.IsSigned(op) && random.Below(2) == 1 ? -magnitude : magnitude, Bilinear, []);
        }
    }
}

/// <summary>One operation of any strength, drawn anew for each image: nothing to tune (Müller and Hutter 2021,
/// arXiv:2103.10158, the wide space).</summary>
public sealed record TrivialAugment : ImageStep
{
    private static readonly AugmentSpace Space = AugmentSpace.Wide(31);

    /// <summary>Whether geometry is sampled bilinearly rather than at the nearest pixel. False by default, as in torchvision.</summary>
    public bool Bilinear { get; init; }

    internal override void Apply(Canvas canvas, ref SampleRandom random)
    {
        var op = AugmentSpace.Drawn[random.Below(AugmentSpace.Drawn.Count)];
        var magnitude = Space.Magnitude(op, random.Below(Space.Levels), canvas.Width, canvas.Height);
        AugmentOps.Apply(canvas, op, AugmentSpace.IsSigned(op) && random.Below(2) == 1 ? -magnitude : magnitude, Bilinear, []);
    }
}
