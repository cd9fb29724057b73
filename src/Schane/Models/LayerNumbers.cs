namespace Schane.Models;

/// <summary>Layer ids for layer-wise decay by parameter name, as timm groups them.</summary>
internal static class LayerNumbers
{
    /// <summary><c>blocks.i</c> → i + 1; the norm after the blocks goes with the last; a norm after pooling goes with the
    /// head; the rest is 0.</summary>
    public static int OfTransformer(string parameter, int layerCount) =>
        Number(parameter, "blocks.") is { } block ? block + 1
        : parameter.StartsWith("norm.", StringComparison.Ordinal) ? layerCount - 1
        : parameter.StartsWith("fc_norm.", StringComparison.Ordinal) ? layerCount
        : 0;

    /// <summary>The number after <paramref name="before"/> at the start of a name; null if the name begins otherwise.</summary>
    public static int? Number(ReadOnlySpan<char> name, string before)
    {
        if (!name.StartsWith(before, StringComparison.Ordinal))
            return null;
        var rest = name[before.Length..];
        var end = rest.IndexOfAnyExceptInRange('0', '9');
        return int.TryParse(end < 0 ? rest : rest[..end], out var number) ? number : null;
    }
}
