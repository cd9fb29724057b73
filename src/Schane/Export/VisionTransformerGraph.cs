using Schane.Models.Transformers;
using static TorchSharp.torch;

namespace Schane.Export;

/// <summary>The graph of a <see cref="VisionTransformer"/> in all its flavours. The last norm is after the choice of tokens,
/// which gives the same.</summary>
internal static class VisionTransformerGraph
{
    public static Trunk Build(OnnxGraph graph, VisionTransformer model, string images)
    {
        var shape = model.Shape;
        var (side, width) = (model.Info.InputSize / shape.Patch, (long)shape.Width);
        var tokens = shape.Prefix + side * side;
        var x = graph.Patches(images, shape.Patch, side, width, shape.Prefix, () => Tokens(graph, shape));
        if (shape.PreNorm)
            x = graph.LayerNormalization(x, "norm_pre", shape.Eps);
        for (var b = 0; b < shape.Depth; b++)
        {
            var name = $"blocks.{b}";
            var mixed = graph.QueryKeyValue(graph.LayerNormalization(x, $"{name}.norm1", shape.Eps),
                $"{name}.attn.qkv", width, shape.Heads);
            mixed = graph.Linear(graph.Attention(mixed, tokens, width, shape.Heads), $"{name}.attn.proj", Scale($"{name}.ls1.gamma"));
            x = graph.Add(x, mixed);
            x = graph.Add(x, graph.Mlp(graph.LayerNormalization(x, $"{name}.norm2", shape.Eps), $"{name}.mlp",
                Scale($"{name}.ls2.gamma"), shape.Activation));
        }
        x = graph.Reshape(x, -1, tokens, width);
        var after = shape.NormsPooled ?? shape.AveragePool;
        if (shape.AveragePool)
            return after ? new(graph.LayerNormalization(graph.Mean(graph.From(x, 1, shape.Prefix), 1), "fc_norm", shape.Eps))
                : new(graph.Mean(graph.LayerNormalization(graph.From(x, 1, shape.Prefix), "norm", shape.Eps), 1));
        if (!shape.Distilled)
            return new(graph.LayerNormalization(graph.Select(x, 1, 0), after ? "fc_norm" : "norm", shape.Eps));
        var both = graph.LayerNormalization(graph.Gather(x, graph.Numbers("[0, 1]", 0, 1), 1), "norm", shape.Eps);
        return new(graph.Mean(both, 1), graph.Flatten(both));

        string? Scale(string name) => shape.LayerScale is null ? null : name;
    }

    /// <summary>Class, distillation and register tokens, and positions of all or of the patches alone.</summary>
    private static Tensor Tokens(OnnxGraph graph, VisionTransformerShape shape)
    {
        var positions = graph.State("pos_embed");
        string[] names = [.. shape.ClassToken ? ["cls_token"] : (string[])[], .. shape.Distilled ? ["dist_token"] : (string[])[],
            .. shape.Registers > 0 ? ["reg_token"] : (string[])[]];
        if (names.Length == 0)
            return positions;
        var prefix = cat([.. names.Select(graph.State)], 1);
        return shape.Positioned == 0 ? cat([prefix, positions], 1)
            : cat([prefix + positions.narrow(1, 0, shape.Prefix), positions.narrow(1, shape.Prefix, positions.shape[1] - shape.Prefix)], 1);
    }
}
