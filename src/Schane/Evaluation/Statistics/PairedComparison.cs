using MathNet.Numerics.Distributions;

namespace Schane.Evaluation.Statistics;

/// <summary>Two settings measured on the same seeds, compared seed by seed.</summary>
/// <param name="First">Mean of the first with its t interval.</param>
/// <param name="Second">Mean of the second with its t interval.</param>
/// <param name="Difference">First − second per seed, with its t interval.</param>
/// <param name="PValue">Two-sided paired t test of a mean difference of 0; null for one seed; 1 if all differences are 0, 0 if they
/// are all the same but 0.</param>
/// <param name="SignFlipP">Share of the sign patterns whose mean difference is at least as far from 0 (two-sided; all 2ⁿ patterns up to
/// 20 seeds); null beyond.</param>
internal sealed record PairedComparison(Interval First, Interval Second, Interval Difference, double? PValue, double? SignFlipP)
{
    /// <summary>Seeds up to which every pattern of signs is counted.</summary>
    private const int MostPatterns = 20;

    /// <summary>The least sign-flip p that this number of seeds can give: 2 / 2ⁿ.</summary>
    public double LeastSignFlipP => Math.Pow(2, 1 - Difference.Count);

    /// <param name="first">One figure a seed.</param>
    /// <param name="second">The same seeds in the same order.</param>
    /// <param name="level">Coverage of the intervals.</param>
    /// <param name="testPerTrain">
    /// Test images for each training image where the measurements are folds of a cross-validation: their training sets overlap, so the
    /// variance of the mean difference is taken as (1/n + this)·s² rather than s²/n (Nadeau and Bengio 2003, "Inference for the
    /// generalization error"). 0: independent seeds.
    /// </param>
    /// <exception cref="ArgumentException">None, or not as many of the second.</exception>
    public static PairedComparison Of(IReadOnlyList<double> first, IReadOnlyList<double> second,
        double level = 0.95, double testPerTrain = 0)
    {
        Tensors.Require.InRange(testPerTrain, 0, 1000, nameof(testPerTrain));
        if (first.Count != second.Count)
            throw new ArgumentException($"second must hold {first.Count} measurements, one for each of the first, but has {second.Count}.",
                nameof(second));
        double[] differences = [.. first.Zip(second, (a, b) => a - b)];
        var widening = Math.Sqrt(1 + differences.Length * testPerTrain);
        Interval Over(IReadOnlyList<double> values) => Interval.StudentT(values, level) is { HalfWidth: { } half } plain
            ? plain with { Low = plain.Mean - half * widening, High = plain.Mean + half * widening } : Interval.StudentT(values, level);
        return new(Over(first), Over(second), Over(differences), PairedT(differences, widening), SignFlip(differences));
    }

    /// <summary>Holm's step-down adjustment (Holm 1979) of the p-values of one family of comparisons, in their order.</summary>
    public static double[] Holm(IReadOnlyList<double> pValues)
    {
        var adjusted = new double[pValues.Count];
        var (rank, least) = (0, 0.0);
        foreach (var i in Enumerable.Range(0, pValues.Count).OrderBy(i => pValues[i]))
            adjusted[i] = least = Math.Max(least, Math.Min(1, (pValues.Count - rank++) * pValues[i]));
        return adjusted;
    }

    private static double? PairedT(double[] differences, double widening)
    {
        var n = differences.Length;
        if (n < 2)
            return null;
        var mean = differences.Average();
        var variance = differences.Sum(d => (d - mean) * (d - mean)) / (n - 1);
        if (variance == 0)
            return mean == 0 ? 1 : 0;
        return 2 * StudentT.CDF(0, 1, n - 1, -Math.Abs(mean) / (Math.Sqrt(variance / n) * widening));
    }

    private static double? SignFlip(double[] differences)
    {
        if (differences.Length > MostPatterns)
            return null;
        var observed = Math.Abs(differences.Sum()) * (1 - 1e-12);         // patterns of the same size must count in spite of rounding
        var (patterns, extreme) = (1 << differences.Length, 0);
        for (var signs = 0; signs < patterns; signs++)
        {
            var sum = 0.0;
            for (var i = 0; i < differences.Length; i++)
                sum += (signs >> i & 1) == 0 ? differences[i] : -differences[i];
            if (Math.Abs(sum) >= observed)
                extreme++;
        }
        return (double)extreme / patterns;
    }
}
