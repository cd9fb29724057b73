using System.Diagnostics;
using static TorchSharp.torch;

namespace Schane.Products;

/// <summary>
/// Whose products are faster here? libtorch's float32 products are MKL's, which leaves half of some processors unused: on AMD's with full
/// 512-bit units it multiplies with 256 bits. Both take turns at one product, once in a process.
/// </summary>
internal static class ProductChoice
{
    /// <summary>The least ratio from which on Schane's own are taken. What was measured lies at 1.0 and less, or at 1.8 and more
    /// (docs/performance.md), so that a busy machine doesn't change the answer.</summary>
    public const double Least = 1.25;

    private const int Rows = 2048, Inputs = 384, Outputs = 768, Rounds = 5;
    private static readonly Lazy<double> ratio = new(Measure);

    /// <summary>Times that libtorch takes as long; 0 where there are no vectors to multiply with.</summary>
    public static double Ratio => ratio.Value;

    private static double Measure()
    {
        if (MatrixKernel.BestLanes == 1)
            return 0;
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (x, w) = (ones(Rows, Inputs), ones(Outputs, Inputs));
        var (own, theirs) = (double.PositiveInfinity, double.PositiveInfinity);
        for (var round = 0; round <= Rounds; round++)
        {
            var (first, second) = (Time(() => LinearProduct.Call(x, w, null)), Time(() => nn.functional.linear(x, w)));
            if (round > 0)                                                    // the first warms up
                (own, theirs) = (Math.Min(own, first), Math.Min(theirs, second));
        }
        return theirs / own;
    }

    private static double Time(Func<Tensor> product)
    {
        var watch = Stopwatch.StartNew();
        product().Dispose();
        return watch.Elapsed.TotalSeconds;
    }
}
