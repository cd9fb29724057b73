using MathNet.Numerics.Distributions;

namespace Schane.Evaluation.Statistics;

/// <summary>What an interval rests on.</summary>
public enum IntervalKind
{
    /// <summary>Student's t over repeated measurements (seeds, episodes, runs).</summary>
    StudentT,

    /// <summary>Normal approximation over repeated measurements.</summary>
    Normal,

    /// <summary>Wilson's score interval of one share of successes.</summary>
    Wilson,

    /// <summary>Clopper and Pearson's exact interval of one share of successes.</summary>
    ClopperPearson,

    /// <summary>Bootstrap over the items measured.</summary>
    Bootstrap,
}

/// <summary>A figure with its interval.</summary>
/// <param name="Mean">The figure: a mean, or a share.</param>
/// <param name="Low">Lower end; null where it can't be told (fewer than two measurements).</param>
/// <param name="High">Upper end; null where it can't be told.</param>
/// <param name="Count">Measurements, or trials.</param>
/// <param name="Kind">What it rests on.</param>
/// <param name="Level">Coverage, 0.95 by default.</param>
public sealed record Interval(double Mean, double? Low, double? High, int Count, IntervalKind Kind, double Level)
{
    /// <summary>Half of the width; null where there are no ends.</summary>
    public double? HalfWidth => (High - Low) / 2;

    /// <summary>The same with ends that stay inside what the figure can be: a share can't be above 1.</summary>
    internal Interval Within(double least, double most) =>
        this with { Low = Low is { } l ? Math.Clamp(l, least, most) : null, High = High is { } h ? Math.Clamp(h, least, most) : null };

    /// <summary>Mean ± t · s / √n with s over n − 1.</summary>
    /// <exception cref="ArgumentException">No values.</exception>
    public static Interval StudentT(IReadOnlyList<double> values, double level = 0.95) =>
        Around(values, level, IntervalKind.StudentT, n => MathNet.Numerics.Distributions.StudentT.InvCDF(0, 1, n - 1, (1 + level) / 2));

    /// <summary>Mean ± z · s / √n with s over n − 1.</summary>
    /// <exception cref="ArgumentException">No values.</exception>
    public static Interval NormalOf(IReadOnlyList<double> values, double level = 0.95) =>
        Around(values, level, IntervalKind.Normal, _ => Normal.InvCDF(0, 1, (1 + level) / 2));

    /// <summary>Wilson's score interval (Wilson 1927) of a share, from one set of independent trials.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No trials, or successes outside 0 … trials.</exception>
    public static Interval Wilson(int successes, int trials, double level = 0.95)
    {
        Tensors.Require.AtLeast(trials, 1, nameof(trials));
        Tensors.Require.InRange(successes, 0, trials, nameof(successes));
        var z = Normal.InvCDF(0, 1, (1 + level) / 2);
        var (p, n) = ((double)successes / trials, (double)trials);
        var middle = (p + z * z / (2 * n)) / (1 + z * z / n);
        var half = z / (1 + z * z / n) * Math.Sqrt(p * (1 - p) / n + z * z / (4 * n * n));
        return new(p, Math.Max(0, middle - half), Math.Min(1, middle + half), trials, IntervalKind.Wilson, level);
    }

    /// <summary>Clopper and Pearson's interval (1934) of a share: never shorter than the coverage asks for, as Wilson's may be.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No trials, or successes outside 0 … trials.</exception>
    /// <remarks>Trials need not be whole, so that ones that depend on each other can count as fewer.</remarks>
    internal static Interval ClopperPearson(double successes, double trials, double level = 0.95)
    {
        Tensors.Require.Positive(trials, nameof(trials));
        Tensors.Require.InRange(successes, 0, trials, nameof(successes));
        var tail = (1 - level) / 2;
        return new(successes / trials, successes == 0 ? 0 : Beta.InvCDF(successes, trials - successes + 1, tail),
            successes == trials ? 1 : Beta.InvCDF(successes + 1, trials - successes, 1 - tail), (int)trials, IntervalKind.ClopperPearson,
            level);
    }

    private static Interval Around(IReadOnlyList<double> values, double level, IntervalKind kind, Func<int, double> quantile)
    {
        if (values.Count == 0)
            throw new ArgumentException("values must hold at least one measurement.", nameof(values));
        var mean = values.Average();
        if (values.Count == 1)
            return new(mean, null, null, 1, kind, level);
        var deviation = Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Count - 1));
        var half = quantile(values.Count) * deviation / Math.Sqrt(values.Count);
        return new(mean, mean - half, mean + half, values.Count, kind, level);
    }
}
