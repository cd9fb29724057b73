using System.Globalization;
using Schane.Losses;

namespace Schane.Recipes;

public static partial class RecipeFile
{
    private static object Read(string value, Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string))
            return value;
        if (type == typeof(ContrastiveLoss))
            return LossRegistry.TryFind(value) ?? throw new FormatException();
        if (type == typeof(double))
            return double.Parse(value, NumberStyles.Float, CultureInfo.InvariantCulture);
        if (type == typeof(int))
            return int.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var whole)
                ? whole : throw new FormatException();
        if (type == typeof(bool))
            return value switch { "true" or "" => true, "false" => false, _ => throw new FormatException() };
        if (type == typeof(TimeSpan))
            return Duration(value);
        return Enum.GetNames(type).FirstOrDefault(name => name.Equals(value, StringComparison.OrdinalIgnoreCase)) is { } found
            ? Enum.Parse(type, found) : throw new FormatException();
    }

    private static TimeSpan Duration(string value)
    {
        var unit = value.Length > 0 ? value[^1] : ' ';
        var seconds = unit switch { 's' => 1, 'm' => 60, 'h' => 3600, _ => throw new FormatException() };
        return TimeSpan.FromSeconds(
            seconds * double.Parse(value.AsSpan()[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture));
    }

    private static string Expected(Type type) => (Nullable.GetUnderlyingType(type) ?? type) switch
    {
        var t when t == typeof(double) => "a number",
        var t when t == typeof(int) => "a whole number",
        var t when t == typeof(bool) => "true or false",
        var t when t == typeof(TimeSpan) => "a time such as 90s, 5m or 1h",
        var t => $"one of {string.Join(", ", Choices(t))}",
    };

    internal static IEnumerable<string> Choices(Type type) => type == typeof(ContrastiveLoss) ? LossRegistry.Names :
        (Nullable.GetUnderlyingType(type) ?? type) is { IsEnum: true } e ? Enum.GetNames(e).Select(n => n.ToLowerInvariant()) : [];

    /// <summary>The key that was meant: the one of a property that is called so in C#, such as learning-rate, else a near one.</summary>
    private static string Meant(string key) => Settings.FirstOrDefault(setting =>
        setting.Value.Name.Equals(key.Replace("-", "").Replace("_", ""), StringComparison.OrdinalIgnoreCase)).Key is { } meant
            ? $" (did you mean '{meant}'?)" : Nearest.Hint(key, Settings.Keys);
}
