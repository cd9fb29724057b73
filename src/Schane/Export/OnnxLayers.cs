using Schane.Models.Layers;
using static TorchSharp.torch;

namespace Schane.Export;

/// <summary>
/// The layers that architectures share. Tokens lie flat, [batch · tokens, width], so that linear layers are Gemm with their bias
/// and with the weight as torch keeps it. What stands beside a linear map and is linear itself is multiplied into its weight:
/// batch norm, layer scale, 1/√d.
/// </summary>
internal static class OnnxLayers
{
    /// <summary>A convolution by its name, with the batch norm after it where there is one.</summary>
    public static string Conv(this OnnxGraph graph, string x, string name, long stride = 1, long padding = 0,
        long groups = 1, string? norm = null)
    {
        var shape = graph.State($"{name}.weight").shape;
        if (norm is null)
            return graph.Conv(x, graph.Weight($"{name}.weight"), graph.Has($"{name}.bias") ? graph.Weight($"{name}.bias") : null, shape[2],
                stride, padding, groups, name);

        Tensor Of(string part) => graph.State($"{norm}.{part}").to(ScalarType.Float64);
        Tensor Scale() => Of("weight") / (Of("running_var") + BatchNormalization.Eps).sqrt();
        var weight = graph.Weight($"{name}.weight", shape, () => graph.State($"{name}.weight") * Scale().view(-1, 1, 1, 1));
        var bias = graph.Weight($"{norm}.bias", [shape[0]], () => Of("bias") - Of("running_mean") * Scale());
        return graph.Conv(x, weight, bias, shape[2], stride, padding, groups, name);
    }

    /// <summary>A linear layer by its name on flat tokens.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="x">[rows, inputs].</param>
    /// <param name="name">The layer.</param>
    /// <param name="scale">Name of a factor per output, multiplied into weight and bias; null for none.</param>
    public static string Linear(this OnnxGraph graph, string x, string name, string? scale = null)
    {
        var given = graph.State($"{name}.weight").shape;
        long[] shape = [given[0], given[1]];                              // without the 1 × 1 of pointwise layers
        Tensor Matrix() => graph.State($"{name}.weight").view(shape);
        var weight = scale is not null ? graph.Weight($"{name}.weight", shape, () => Matrix() * graph.State(scale).unsqueeze(1))
            : graph.Weight($"{name}.weight", shape, Matrix);
        var bias = !graph.Has($"{name}.bias") ? null
            : scale is not null ? graph.Weight($"{name}.bias", [shape[0]], () => graph.State($"{name}.bias") * graph.State(scale))
            : graph.Weight($"{name}.bias");
        return graph.Gemm(x, weight, bias, name);
    }

    /// <summary>fc1, activation, perhaps a norm, fc2 on flat tokens.</summary>
    public static string Mlp(this OnnxGraph graph, string x, string name, string? scale = null,
        Activation activation = Activation.Gelu, double eps = 0)
    {
        x = graph.Linear(x, $"{name}.fc1");
        x = activation == Activation.Gelu ? graph.Gelu(x) : graph.Mul(x, graph.Sigmoid(graph.Mul(x, graph.Number(1.702f))));
        if (graph.Has($"{name}.norm.weight"))
            x = graph.LayerNormalization(x, $"{name}.norm", eps);
        return graph.Linear(x, $"{name}.fc2", scale);
    }

    /// <summary>Queries, keys and values of all heads by one product, the queries divided by √d.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="x">[rows, width].</param>
    /// <param name="name">Name of the product.</param>
    /// <param name="width">Width.</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="weight">[3 · width, width].</param>
    /// <param name="bias">[3 · width]; null for none.</param>
    public static string QueryKeyValue(this OnnxGraph graph, string x, string name, long width, int heads,
        Func<Tensor> weight, Func<Tensor>? bias)
    {
        Tensor Scaled(Tensor values)
        {
            var copy = values.detach().clone();
            copy.narrow(0, 0, width).mul_(1 / Math.Sqrt(width / heads));
            return copy;
        }
        return graph.Gemm(x, graph.Weight($"{name}.weight", [3 * width, width], () => Scaled(weight())),
            bias is null ? null : graph.Weight($"{name}.bias", [3 * width], () => Scaled(bias())), name);
    }

    /// <summary>The same where the model keeps the three as one layer.</summary>
    public static string QueryKeyValue(this OnnxGraph graph, string x, string name, long width, int heads) =>
        graph.QueryKeyValue(x, name, width, heads, () => graph.State($"{name}.weight"),
            graph.Has($"{name}.bias") ? () => graph.State($"{name}.bias") : null);

    /// <summary>softmax(q kᵀ + bias) v for each head.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="queryKeyValue">[batch · windows · tokens, 3 · width].</param>
    /// <param name="tokens">Tokens that attend to each other.</param>
    /// <param name="width">Width.</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="bias">[windows, heads, tokens, tokens], added to the scores; null for none.</param>
    /// <param name="windows">Windows of an image, where their biases differ; null where they don't.</param>
    /// <returns>[batch · windows · tokens, width].</returns>
    public static string Attention(this OnnxGraph graph, string queryKeyValue, long tokens, long width, int heads,
        string? bias = null, long? windows = null)
    {
        long[] split = windows is { } count ? [-1, count, tokens, 3, heads, width / heads] : [-1, tokens, 3, heads, width / heads];
        var at = split.Length - 4;                                        // the tokens' place
        long[] groups = [.. Enumerable.Range(0, at)];
        var parts = graph.Transpose(graph.Reshape(queryKeyValue, split), [at + 1, .. groups, at + 2, at, at + 3]);
        var (query, key, value) = graph.SplitInThree(parts);              // [1, batch, (windows,) heads, tokens, d]

        long[] outer = [0, .. groups.Select(g => g + 1)];
        var scores = graph.MatMul(query, graph.Transpose(key, [.. outer, at + 1, at + 3, at + 2]));
        if (bias is not null)
            scores = graph.Add(scores, bias);
        var mixed = graph.MatMul(graph.Softmax(scores), value);
        return graph.Reshape(graph.Transpose(mixed, [.. outer, at + 2, at + 1, at + 3]), -1, width);
    }

    /// <summary>Images cut into patches, with the tokens before them and all positions added: flat tokens.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="images">[batch, C, H, W].</param>
    /// <param name="patch">Side of a patch in pixels.</param>
    /// <param name="side">Patches on a side.</param>
    /// <param name="width">Width of a token.</param>
    /// <param name="prefix">Tokens before the patches.</param>
    /// <param name="tokens">[1, prefix + patches, width]: the values of those tokens, and what is added to each place.</param>
    /// <param name="flat">Whether the tokens of all images lie one after the other.</param>
    public static string Patches(this OnnxGraph graph, string images, int patch, int side, long width, long prefix,
        Func<Tensor> tokens, bool flat = true)
    {
        var x = graph.Conv(images, "patch_embed.proj", patch);            // [batch, width, side, side]
        x = graph.Transpose(graph.Reshape(x, -1, width, side * side), 0, 2, 1);
        x = graph.Add(graph.Pad(x, prefix, 0), graph.Weight("tokens", [1, prefix + side * side, width], tokens));
        return flat ? graph.Reshape(x, -1, width) : x;
    }
}
