using Schane.Data;

namespace OwnDataset;

/// <summary>Images that are in no folder: rings of three widths, drawn when they are asked for.</summary>
/// <param name="part">Name of the part; parts differ in where the rings stand.</param>
/// <param name="perClass">Images of each class.</param>
public sealed class Rings(string part, int perClass) : IImageDataset
{
    private const int Side = 40;

    /// <inheritdoc/>
    public string Name => $"rings:{part}";

    /// <inheritdoc/>
    public IReadOnlyList<string> Classes => ["thin", "middling", "thick"];

    /// <inheritdoc/>
    public int Count => Classes.Count * perClass;

    /// <inheritdoc/>
    public int LabelOf(int index) => index % Classes.Count;

    /// <inheritdoc/>
    public string NameOf(int index) => $"{part}/{Classes[LabelOf(index)]}-{index / Classes.Count}";

    /// <inheritdoc/>
    public Image8 Read(int index)                                          // by several threads at once: nothing is shared
    {
        var shift = (index / Classes.Count * 7 + part.Length) % 9 - 4;
        var pixels = new byte[Side * Side];                                // gray: one byte a pixel, rows from the top
        for (var y = 0; y < Side; y++)
            for (var x = 0; x < Side; x++)
            {
                var radius = Math.Sqrt(Math.Pow(x - Side / 2 - shift, 2) + Math.Pow(y - Side / 2 + shift, 2));
                pixels[y * Side + x] = Math.Abs(radius - 12) < 1 + 2 * LabelOf(index) ? (byte)230 : (byte)20;
            }
        return new(Side, Side, 1, pixels);
    }
}
