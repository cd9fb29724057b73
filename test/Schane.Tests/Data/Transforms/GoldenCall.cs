using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Schane.Tests.Data.Transforms;

/// <summary>An operation as the index of a golden folder words it: <c>adjust_hue(0.1)</c>,
/// <c>gaussian_blur(kernel 5, sigma 0.5)</c>, <c>hflip</c>.</summary>
/// <param name="Name">What is called.</param>
/// <param name="Numbers">Its arguments.</param>
internal sealed partial record GoldenCall(string Name, double[] Numbers)
{
    public static GoldenCall Of(JsonElement entry) => Of(entry.GetProperty("call").GetString()!);

    public static GoldenCall Of(string call) =>
        new(call.Split('(')[0],
            [.. Number().Matches(call[call.Split('(')[0].Length..]).Select(m => double.Parse(m.Value, CultureInfo.InvariantCulture))]);

    [GeneratedRegex(@"-?\d+(\.\d+)?(e-?\d+)?")]
    private static partial Regex Number();
}
