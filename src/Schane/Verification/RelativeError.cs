using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Verification;

/// <summary>How far a computed tensor is from the exact one: the largest absolute difference as a share of the
/// largest exact value.</summary>
internal static class RelativeError
{
    /// <summary>0 where all values are equal, infinite where a value that should be finite is not.</summary>
    /// <param name="found">What was computed, of any shape, number type and device.</param>
    /// <param name="exact">The same in float64 on the CPU.</param>
    /// <param name="largest">A value that counts as the largest where the exact ones are smaller: for differences of numbers
    /// that large. 0 by default.</param>
    /// <returns>NaN where an exact value is not finite, so that there is nothing to compare with.</returns>
    public static double Of(Tensor found, Tensor exact, double largest = 0)
    {
        if (exact.numel() == 0)
            return 0;
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var scale = exact.abs().max().ToDouble();
        if (!double.IsFinite(scale))
            return double.NaN;
        var difference = (found.detach().cpu().to_type(ScalarType.Float64) - exact).abs().max().ToDouble();
        return difference == 0 ? 0 : double.IsFinite(difference) ? difference / Math.Max(scale, largest) : double.PositiveInfinity;
    }
}
