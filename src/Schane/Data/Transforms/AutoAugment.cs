using Schane.Tensors;

namespace Schane.Data.Transforms;

/// <summary>One of 25 pairs of operations that were learnt on ImageNet, drawn anew for each image (Cubuk et al. 2018,
/// arXiv:1805.09501, table 9).</summary>
public sealed record AutoAugment : ImageStep
{
    private static readonly AugmentSpace Space = AugmentSpace.Standard(10);

    // Operation, how often, level. Operations without a strength have level 0.
    private static readonly (AugmentOp Op, double Probability, int Level)[][] Policy =
    [
        [(AugmentOp.Posterize, 0.4, 8), (AugmentOp.Rotate, 0.6, 9)],
        [(AugmentOp.Solarize, 0.6, 5), (AugmentOp.AutoContrast, 0.6, 0)],
        [(AugmentOp.Equalize, 0.8, 0), (AugmentOp.Equalize, 0.6, 0)],
        [(AugmentOp.Posterize, 0.6, 7), (AugmentOp.Posterize, 0.6, 6)],
        [(AugmentOp.Equalize, 0.4, 0), (AugmentOp.Solarize, 0.2, 4)],
        [(AugmentOp.Equalize, 0.4, 0), (AugmentOp.Rotate, 0.8, 8)],
        [(AugmentOp.Solarize, 0.6, 3), (AugmentOp.Equalize, 0.6, 0)],
        [(AugmentOp.Posterize, 0.8, 5), (AugmentOp.Equalize, 1.0, 0)],
        [(AugmentOp.Rotate, 0.2, 3), (AugmentOp.Solarize, 0.6, 8)],
        [(AugmentOp.Equalize, 0.6, 0), (AugmentOp.Posterize, 0.4, 6)],
        [(AugmentOp.Rotate, 0.8, 8), (AugmentOp.Color, 0.4, 0)],
        [(AugmentOp.Rotate, 0.4, 9), (AugmentOp.Equalize, 0.6, 0)],
        [(AugmentOp.Equalize, 0.0, 0), (AugmentOp.Equalize, 0.8, 0)],
        [(AugmentOp.Invert, 0.6, 0), (AugmentOp.Equalize, 1.0, 0)],
        [(AugmentOp.Color, 0.6, 4), (AugmentOp.Contrast, 1.0, 8)],
        [(AugmentOp.Rotate, 0.8, 8), (AugmentOp.Color, 1.0, 2)],
        [(AugmentOp.Color, 0.8, 8), (AugmentOp.Solarize, 0.8, 7)],
        [(AugmentOp.Sharpness, 0.4, 7), (AugmentOp.Invert, 0.6, 0)],
        [(AugmentOp.ShearX, 0.6, 5), (AugmentOp.Equalize, 1.0, 0)],
        [(AugmentOp.Color, 0.4, 0), (AugmentOp.Equalize, 0.6, 0)],
        [(AugmentOp.Equalize, 0.4, 0), (AugmentOp.Solarize, 0.2, 4)],
        [(AugmentOp.Solarize, 0.6, 5), (AugmentOp.AutoContrast, 0.6, 0)],
        [(AugmentOp.Invert, 0.6, 0), (AugmentOp.Equalize, 1.0, 0)],
        [(AugmentOp.Color, 0.6, 4), (AugmentOp.Contrast, 1.0, 8)],
        [(AugmentOp.Equalize, 0.8, 0), (AugmentOp.Equalize, 0.6, 0)],
    ];

    /// <summary>Whether geometry is sampled bilinearly rather than at the nearest pixel. False by default, as in torchvision.</summary>
    public bool Bilinear { get; init; }

    internal override void Apply(Canvas canvas, ref SampleRandom random)
    {
        foreach (var (op, probability, level) in Policy[random.Below(Policy.Length)])
        {
            var (happens, negated) = (random.NextDouble() < probability, random.Below(2) == 1);
            var magnitude = Space.Magnitude(op, level, canvas.Width, canvas.Height);
            if (happens)
                AugmentOps.Apply(canvas, op, AugmentSpace.IsSigned(op) && negated ? -magnitude : magnitude, Bilinear, []);
        }
    }
}
