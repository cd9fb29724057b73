namespace Schane.Cli;

/// <summary>The metrics of a run as a table.</summary>
internal static class Measures
{
    /// <summary>One row a metric, with its interval where there is one.</summary>
    public static void Show(Screen screen, IReadOnlyDictionary<string, double> metrics, string title) =>
        screen.Table(["", ""],
            metrics.Where(m => !m.Key.EndsWith("_low", StringComparison.Ordinal) && !m.Key.EndsWith("_high", StringComparison.Ordinal))
            .Select(m => (string[])[m.Key, $"{m.Value:0.0000}{Interval(metrics, m.Key)}"]), title);

    private static string Interval(IReadOnlyDictionary<string, double> metrics, string name) =>
        metrics.TryGetValue($"{name}_low", out var low) && metrics.TryGetValue($"{name}_high", out var high) ?
            metrics.TryGetValue($"{name}_normal_low", out var normalLow) && metrics.TryGetValue($"{name}_normal_high", out var normalHigh)
                ? $"  (Student t {low:0.0000} to {high:0.0000}; normal {normalLow:0.0000} to {normalHigh:0.0000})"
                : $"  ({low:0.0000} to {high:0.0000})" : "";
}
