using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Verification;

/// <summary>How far a computed tensor is from the exact one: the largest absolute difference as a share of the
/// largest exact value.</summary>
internal static class RelativeError
{
    private const long AtOnce = 1 << 18;

    /// <summary>0 where all values are equal, infinite where a value that should be finite is not.</summary>
    /// <param name="found">What was computed, of any shape, number type and device.</param>
    /// <param name="exact">The same in float64 on the CPU.</param>
    /// <param name="largest">A value that counts as the largest where the exact ones are smaller: for differences of numbers
    /// that large. 0 by default.</param>
    /// <returns>NaN where an exact value is not finite, so that there is nothing to compare with.</returns>
    public static double Of(Tensor found, Tensor exact, double largest = 0)
    {
        var (difference, scale) = Between(found, exact);
        return new Difference(difference, scale).Over(Math.Max(scale, largest));
    }

    /// <summary>The largest absolute difference and the largest exact value.</summary>
    /// <param name="found">What was computed, of any shape, number type and device.</param>
    /// <param name="exact">The same in float64.</param>
    public static Difference Between(Tensor found, Tensor exact)
    {
        if (exact.numel() == 0)
            return new(0, 0);
        using var _ = no_grad();
        var (largest, scale) = (0.0, 0.0);
        var rows = exact.dim() == 0 ? 1 : exact.shape[0];
        var some = Math.Max(1, rows * AtOnce / exact.numel());            // whole copies of large tensors would be fresh memory each time
        for (long row = 0; row < rows; row += some)
        {
            using var scope = NewDisposeScope();
            Tensor Part(Tensor all) => all.dim() == 0 ? all.detach() : all.detach().narrow(0, row, Math.Min(some, rows - row));
            var truth = Part(exact);
            scale = Math.Max(scale, truth.abs().max().ToDouble());
            largest = Math.Max(largest, Part(found).to(exact.device).to_type(ScalarType.Float64).sub(truth).abs_().max().ToDouble());
        }
        return new(largest, scale);
    }
}

/// <summary>How far numbers are from exact ones.</summary>
/// <param name="Largest">The largest absolute difference.</param>
/// <param name="Scale">The largest exact value.</param>
internal readonly record struct Difference(double Largest, double Scale)
{
    /// <summary>As a share of a value: 0 where all are equal, infinite where one that should be finite is not, NaN where an exact one is
    /// not finite, so that there is nothing to compare with.</summary>
    public double Over(double scale) => !double.IsFinite(Scale) ? double.NaN
        : Largest == 0 ? 0 : double.IsFinite(Largest) ? Largest / scale : double.PositiveInfinity;
}
