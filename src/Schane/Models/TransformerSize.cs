using System.Globalization;

namespace Schane.Models;

/// <summary>Numbers of a transformer that a name of the registry may change: <c>vit_tiny_patch16_224:patch=8,width=48,depth=2,heads=3</c>. Null leaves the variant's own.</summary>
internal sealed record TransformerSize(int? Patch, int? Width, int? Depth, int? Heads)
{
    private static readonly string[] Keys = ["patch", "width", "depth", "heads"];

    /// <param name="text">What stands behind the colon: <c>key=number</c> with commas between.</param>
    /// <param name="model">The name, for messages.</param>
    /// <exception cref="SchaneException">Another key, or not a number above 0.</exception>
    public static TransformerSize Parse(string text, string model)
    {
        var numbers = new Dictionary<string, int>();
        foreach (var part in text.Split(','))
            if (part.Split('=') is not [var key, var value] || !Keys.Contains(key) || !int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                || number is < 1 or > 65536 || !numbers.TryAdd(key, number))
                throw new SchaneException($"'{Checkpoints.SafetensorsHeader.Shown(model)}' must name {string.Join(", ", Keys)} behind its colon, each once, as in {Keys[1]}=48, but has '{Checkpoints.SafetensorsHeader.Shown(part)}'.");
        int? Number(string key) => numbers.TryGetValue(key, out var number) ? number : null;
        return new(Number("patch"), Number("width"), Number("depth"), Number("heads"));
    }
}
