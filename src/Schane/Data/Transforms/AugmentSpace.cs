namespace Schane.Data.Transforms;

/// <summary>How strong each operation is at each level, and whether it goes either way: the tables of torchvision.</summary>
/// <param name="Levels">Number of levels.</param>
/// <param name="Slant">Slant at the highest level.</param>
/// <param name="Shift">Shift at the highest level: a share of the side, or pixels where it is above 1.</param>
/// <param name="Turn">Degrees at the highest level.</param>
/// <param name="Factor">Change of the factors of colour at the highest level.</param>
/// <param name="BitsLost">Bits that posterize drops at the highest level.</param>
internal sealed record AugmentSpace(int Levels, double Slant, double Shift, double Turn, double Factor, int BitsLost)
{
    /// <summary>RandAugment's and AutoAugment's.</summary>
    public static AugmentSpace Standard(int levels) => new(levels, 0.3, 150.0 / 331, 30, 0.9, 4);

    /// <summary>TrivialAugment's wide one.</summary>
    public static AugmentSpace Wide(int levels) => new(levels, 0.99, 32, 135, 0.99, 6);

    /// <summary>The operations that RandAugment and TrivialAugment draw from.</summary>
    public static IReadOnlyList<AugmentOp> Drawn { get; } = [.. Enum.GetValues<AugmentOp>().Where(op => op != AugmentOp.Invert)];

    /// <summary>Strength of an operation at a level, 0 to Levels − 1.</summary>
    public double Magnitude(AugmentOp op, int level, int width, int height)
    {
        var share = Levels == 1 ? 0 : level / (double)(Levels - 1);
        return op switch
        {
            AugmentOp.ShearX or AugmentOp.ShearY => Slant * share,
            AugmentOp.TranslateX => (Shift > 1 ? Shift : Shift * width) * share,
            AugmentOp.TranslateY => (Shift > 1 ? Shift : Shift * height) * share,
            AugmentOp.Rotate => Turn * share,
            AugmentOp.Brightness or AugmentOp.Color or AugmentOp.Contrast or AugmentOp.Sharpness => Factor * share,
            AugmentOp.Posterize => 8 - Math.Round(BitsLost * share, MidpointRounding.ToEven),
            AugmentOp.Solarize => 255 * (1 - share),
            _ => 0,
        };
    }

    /// <summary>Whether the strength is negated half of the time.</summary>
    public static bool IsSigned(AugmentOp op) => op is >= AugmentOp.ShearX and <= AugmentOp.Sharpness;
}
