namespace Schane.Reporting;

/// <summary>Numbers as people read them: thousands grouped, shares in percent, a narrow no-break space before the unit.</summary>
internal static class Quantity
{
    private const string Missing = "–";

    public static string Count(long? value) => value is { } number ? number.ToString("N0") : Missing;

    /// <summary>0.9123 → 91.2 %.</summary>
    public static string Percent(double? share, int decimals = 1) =>
        share is { } value && double.IsFinite(value) ? $"{PercentNumber(value, decimals)}\u202f%" : Missing;

    public static string PercentNumber(double share, int decimals = 1) => (100 * share).ToString($"F{decimals}");

    /// <summary>Three significant digits, without an exponent where one can do without.</summary>
    public static string Number(double? value) => value switch
    {
        null => Missing,
        { } number when !double.IsFinite(number) => Missing,
        0 => "0",
        { } number when Math.Abs(number) is < 1e-4 or >= 1e7 => number.ToString("0.##E+0"),
        { } number => number.ToString(Math.Abs(number) switch
        { >= 1000 => "N0", >= 100 => "0", >= 10 => "0.0", >= 1 => "0.00", >= 0.1 => "0.000", >= 0.01 => "0.0000", _ => "0.00000" }),
    };

    public static string Duration(double? seconds) => seconds switch
    {
        null => Missing,
        < 60 and { } s => $"{s:0.#}\u202fs",
        < 3600 and { } s => $"{(long)s / 60}\u202fmin {(long)s % 60}\u202fs",
        { } s => $"{(long)s / 3600}\u202fh {(long)s / 60 % 60}\u202fmin",
    };

    /// <summary>“1 image”, “2 images”.</summary>
    public static string Of(long count, string one, string many) => $"{Count(count)} {(count == 1 ? one : many)}";

    /// <summary>A metric by its name; null where it is missing or not finite.</summary>
    public static double? Find(this IReadOnlyDictionary<string, double>? metrics, string name) =>
        metrics is not null && metrics.TryGetValue(name, out var value) ? Finite(value) : null;

    /// <summary>The same of an evaluation during training.</summary>
    public static double? Find(this IReadOnlyDictionary<string, double?>? metrics, string name) => Finite(metrics?.GetValueOrDefault(name));

    /// <summary>The number, or null if it is not finite.</summary>
    public static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;
}
