using MathNet.Numerics.Distributions;

namespace Schane.Evaluation.Statistics;

/// <summary>Whether two models that answer the same items differ, by the items that one of them alone has right.</summary>
internal static class McNemar
{
    /// <summary>Two-sided p of the exact test, by which each item that one alone has right is as likely the first's as the
    /// second's.</summary>
    public static double ExactP(int onlyFirst, int onlySecond) => onlyFirst + onlySecond == 0 ? 1
        : Math.Min(1, 2 * Binomial.CDF(0.5, onlyFirst + onlySecond, Math.Min(onlyFirst, onlySecond)));
}
