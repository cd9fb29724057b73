using System.Globalization;
using Schane.Models.Layers;

namespace Schane.Models;

/// <summary>
/// Adapters of low rank beside the linear layers of a transformer, which are trained in place of its weights (LoRA, Hu et al. 2021,
/// arXiv:2106.09685): x (W + alpha / rank · B A)ᵀ.
/// </summary>
/// <param name="Rank">Rows of A and columns of B, at least 1.</param>
/// <param name="Alpha">Above 0.</param>
/// <param name="Layers"><see cref="All"/>, or parts of the names of layers with commas between: <c>attn</c>, <c>attn,mlp</c>,
/// <c>qkv</c>, <c>blocks.11</c>.</param>
internal sealed record Adapters(int Rank, double Alpha, string Layers)
{
    /// <summary>The word for all linear layers of the trunk.</summary>
    public const string All = "all";

    /// <summary>Where a recipe says nothing: those of the attention, as in the paper.</summary>
    public const string Usual = Attention;

    /// <summary>What the metadata of a file of adapters call rank, alpha and layers.</summary>
    public const string RankKey = "lora_rank", AlphaKey = "lora_alpha", LayersKey = "lora_layers";

    private const string Attention = "attn", A = ".lora_A", B = ".lora_B";

    /// <summary>Factor on B A.</summary>
    public double Scale => Alpha / Rank;

    /// <summary>As the metadata of a file hold them.</summary>
    public IReadOnlyDictionary<string, string> Metadata => new Dictionary<string, string>
    {
        [RankKey] = Rank.ToString(CultureInfo.InvariantCulture),
        [AlphaKey] = Alpha.ToString(CultureInfo.InvariantCulture),
        [LayersKey] = Layers,
    };

    /// <summary>Whether a tensor of a model is of an adapter, by its name.</summary>
    public static bool Have(string name) =>
        name.EndsWith(A, StringComparison.Ordinal) || name.EndsWith(B, StringComparison.Ordinal);

    /// <summary>Whether it is the factor of an adapter that is drawn at random, where the other begins at 0.</summary>
    public static bool IsDown(string name) => name.EndsWith(A, StringComparison.Ordinal);

    /// <summary>Names of the two tensors of a layer's adapter.</summary>
    public static (string A, string B) NamesOf(string layer) => (layer + A, layer + B);

    /// <summary>The linear layers of a trunk that get an adapter, by name.</summary>
    /// <exception cref="SchaneException">It is no transformer, has no layer of such a name, or one that the rank is too large for.
    /// </exception>
    public IReadOnlyList<(string Name, Dense Layer)> In(Backbone backbone)
    {
        var model = backbone.Info.Name;
        var linear = Linear(backbone).ToList();
        static bool Has(string layer, string word) => $".{layer}.".Contains($".{word}.", StringComparison.Ordinal);
        if (!linear.Exists(layer => Has(layer.Name, Attention)))
            throw new SchaneException($"lora puts adapters beside the linear layers of a transformer, and {model} is none; leave out " +
                "--lora, or choose a transformer, vit_small_patch16_224 for instance.");
        var words = Layers.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        foreach (var word in words)
            if (word != All && !linear.Exists(layer => Has(layer.Name, word)))
                throw new SchaneException($"lora-layers names '{Printable.Short(word)}', but {model} has no linear layer of such a " +
                    $"name{Nearest.Hint(word, linear.SelectMany(layer => layer.Name.Split('.')).Append(All).Distinct())}.");
        List<(string Name, Dense Layer)> chosen =
            [.. linear.Where(layer => words.Any(word => word == All || Has(layer.Name, word)))];
        if (chosen.Count == 0)
            throw new SchaneException($"lora-layers names no layer; give {Attention}, mlp, {All} or others of {model}.");
        foreach (var (name, layer) in chosen)
            if (Rank > Math.Min(layer.Inputs, layer.Outputs))
                throw new SchaneException($"lora {Rank} is a higher rank than '{name}' of {model} can have, whose weight is " +
                    $"{layer.Outputs} × {layer.Inputs}; take {Math.Min(layer.Inputs, layer.Outputs)} or less.");
        return chosen;
    }

    /// <summary>All linear layers of a trunk, by name.</summary>
    public static IEnumerable<(string Name, Dense Layer)> Linear(Backbone backbone) =>
        backbone.named_modules().Where(m => m.module is Dense).Select(m => (m.name, (Dense)m.module));
}
