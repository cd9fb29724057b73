using MathNet.Numerics.Distributions;

namespace Schane.Evaluation.Statistics;

/// <summary>Whether two models that answer the same items differ, by the items that one of them alone has right.</summary>
internal static class McNemar
{
    /// <summary>Two-sided p of the exact test, by which each item that one alone has right is as likely the first's as the
    /// second's.</summary>
    public static double ExactP(int onlyFirst, int onlySecond) => onlyFirst + onlySecond == 0 ? 1
        : Math.Min(1, 2 * Binomial.CDF(0.5, onlyFirst + onlySecond, Math.Min(onlyFirst, onlySecond)));

    /// <summary>95 % interval of the share that the first has right less that of the second, paired: Wald's with half an item more in each
    /// of the four cells (Agresti and Min 2005), which keeps a width where no item is one's alone.</summary>
    public static (double Low, double High) Difference(int onlyFirst, int onlySecond, int items)
    {
        Tensors.Require.AtLeast(items, Math.Max(1, onlyFirst + onlySecond), nameof(items));
        double more = onlyFirst - onlySecond, n = items + 2;
        var half = Normal.InvCDF(0, 1, 0.975) * Math.Sqrt(onlyFirst + onlySecond + 1 - more * more / n) / n;
        return (Math.Max(-1, more / n - half), Math.Min(1, more / n + half));
    }
}
