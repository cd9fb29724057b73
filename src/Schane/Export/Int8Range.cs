namespace Schane.Export;

/// <summary>How a value stands in 8 bits without sign: x ≈ scale · (q − zero), q from 0 to 255.</summary>
/// <param name="Scale">Above 0.</param>
/// <param name="Zero">The q of 0, which every range holds: padding, and what Relu leaves of negative numbers, stay exact.</param>
internal readonly record struct Int8Range(float Scale, byte Zero)
{
    private const int Levels = 255;

    /// <summary>The range from <paramref name="low"/> to <paramref name="high"/>, widened to 0 where it lies beside it.</summary>
    public static Int8Range Of(float low, float high)
    {
        (low, high) = (Math.Min(low, 0), Math.Max(high, 0));
        var width = (double)high - low;
        var scale = (float)(width / Levels);
        return scale > 0 && float.IsFinite(scale) ? new(scale, (byte)Math.Round(Levels * -(double)low / width)) : new(1, 0);
    }

    /// <summary>What a number is after it stood in 8 bits.</summary>
    public double Nearest(double value) => Scale * (Math.Clamp(Math.Round(value / Scale) + Zero, 0, Levels) - Zero);
}
