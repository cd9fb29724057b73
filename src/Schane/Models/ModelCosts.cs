using System.Globalization;

namespace Schane.Models;

/// <summary>What the registry's models cost, counted once and kept in <c>costs.tsv</c>: name, parameters, multiply-adds.
/// A test counts again.</summary>
internal static class ModelCosts
{
    public static IReadOnlyDictionary<string, (long Parameters, long MultiplyAdds)> Known { get; } = Read();

    private static Dictionary<string, (long, long)> Read()
    {
        using var stream = typeof(ModelCosts).Assembly.GetManifestResourceStream("Schane.Models.costs.tsv")!;
        using var reader = new StreamReader(stream);
        long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd('\r').Split('\t'))
            .ToDictionary(f => f[0], f => (Number(f[1]), Number(f[2])));
    }
}
