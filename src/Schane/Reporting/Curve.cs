using Schane.Runs;

namespace Schane.Reporting;

/// <summary>A quantity over the steps of a run, thinned to what a screen can show: means of equal stretches, with the least and
/// greatest value of each.</summary>
internal sealed record Curve(double[] Steps, double[] Mean, double[] Low, double[] High)
{
    /// <summary>How many stretches at most.</summary>
    private const int Points = 250;

    /// <summary>Whether stretches hold more than one step, so that Low and High say something.</summary>
    public bool IsThinned => Low.Where((low, i) => low < High[i]).Any();

    /// <summary>Whether the quantity never changes.</summary>
    public bool IsConstant => Low.Min() == High.Max();

    /// <summary>The curve; null if fewer than two steps have the value.</summary>
    public static Curve? Of(IReadOnlyList<StepEvent> steps, Func<StepEvent, double?> value, int stretchesAtMost = Points)
    {
        var known = steps.Where(step => value(step) is { } number && double.IsFinite(number))
            .Select(step => (At: (double)step.Step, Value: value(step)!.Value)).ToArray();
        if (known.Length < 2)
            return null;
        var stretches = known.Chunk((known.Length + stretchesAtMost - 1) / stretchesAtMost).ToArray();
        return new Curve(
            [.. stretches.Select(stretch => Math.Round(stretch.Average(point => point.At), 1))],
            [.. stretches.Select(stretch => Rounded(stretch.Average(point => point.Value)))],
            [.. stretches.Select(stretch => Rounded(stretch.Min(point => point.Value)))],
            [.. stretches.Select(stretch => Rounded(stretch.Max(point => point.Value)))]);
    }

    /// <summary>Five significant digits: what a chart of a thousand pixels can show.</summary>
    internal static double Rounded(double value)
    {
        if (value == 0 || !double.IsFinite(value))
            return 0;
        var digits = 4 - (int)Math.Floor(Math.Log10(Math.Abs(value)));
        return digits is >= 0 and <= 15 ? Math.Round(value, digits) : double.Parse(value.ToString("E4"));
    }
}
