using Schane.Evaluation.Statistics;

namespace Schane.Reporting;

/// <summary>Differences of a metric in words: shares in percentage points, with their sign.</summary>
internal static class Effect
{
    /// <summary>As a chart's number: points for shares.</summary>
    public static double Scaled(Metric metric, double difference) => Curve.Rounded(metric.Share ? 100 * difference : difference);

    public static string Unit(Metric metric) => metric.Share ? "percentage points" : metric.Label;

    /// <summary>+2.1, −0.3.</summary>
    public static string Signed(Metric metric, double? difference) => difference is { } value && double.IsFinite(value)
        ? (Scaled(metric, value) >= 0 ? "+" : "−") + Size(metric, value)
        : "–";

    /// <summary>2.1 points, without a sign.</summary>
    public static string Size(Metric metric, double difference) =>
        metric.Share ? Math.Abs(100 * difference).ToString("0.00") : Quantity.Number(Math.Abs(difference));

    public static string Range(Metric metric, Interval interval) =>
        interval is { Low: { } low, High: { } high } ? $"{Signed(metric, low)} to {Signed(metric, high)}" : "–";

    /// <summary>0.031, or “below 0.001”.</summary>
    public static string P(double? p) => p switch { null => "–", < 0.001 => "< 0.001", { } value => value.ToString("0.000") };

    public static string Word(Verdict verdict) => verdict switch { Verdict.Helped => "helped", Verdict.Hurt => "hurt", _ => "no evidence" };
}
