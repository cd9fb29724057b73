using Schane.Models.Transformers;
using static TorchSharp.torch;

namespace Schane.Export;

/// <summary>The graph of a <see cref="Beit"/>; the relative positions of each block are looked up once and stored as a bias.</summary>
internal static class BeitGraph
{
    private const string Table = "relative_position_bias_table";

    public static Trunk Build(OnnxGraph graph, Beit model, string images)
    {
        var shape = model.Shape;
        var (side, width) = (model.Info.InputSize / shape.Patch, (long)shape.Width);
        var tokens = 1 + side * side;
        var x = graph.Patches(images, shape.Patch, side, width, 1, () => shape.AbsolutePositions
            ? cat([graph.State("cls_token") + graph.State("pos_embed").narrow(1, 0, 1),
                graph.State("pos_embed").narrow(1, 1, tokens - 1)], 1)
            : cat([graph.State("cls_token"), zeros(1, tokens - 1, width)], 1));
        for (var b = 0; b < shape.Depth; b++)
        {
            var name = $"blocks.{b}";
            var mixed = graph.QueryKeyValue(graph.LayerNormalization(x, $"{name}.norm1", shape.Eps), $"{name}.attn.qkv", width, shape.Heads,
                () => graph.State($"{name}.attn.qkv.weight"),
                shape.QkvBias ? () => cat([graph.State($"{name}.attn.q_bias"), zeros(width), graph.State($"{name}.attn.v_bias")]) : null);
            mixed = graph.Attention(mixed, tokens, width, shape.Heads, Bias(graph, shape, $"{name}.attn", side, tokens));
            x = graph.Add(x, graph.Linear(mixed, $"{name}.attn.proj", Scale($"{name}.gamma_1")));
            x = graph.Add(x, graph.Mlp(graph.LayerNormalization(x, $"{name}.norm2", shape.Eps), $"{name}.mlp", Scale($"{name}.gamma_2")));
        }
        x = graph.Reshape(x, -1, tokens, width);
        return new(shape.AveragePool
            ? graph.LayerNormalization(graph.Mean(graph.From(x, 1, 1), 1), "fc_norm", shape.Eps)
            : graph.LayerNormalization(graph.Select(x, 1, 0), "norm", shape.Eps));

        string? Scale(string name) => shape.LayerScale is null ? null : name;
    }

    private static string? Bias(OnnxGraph graph, BeitShape shape, string attention, int side, long tokens)
    {
        string[] tables = [.. shape.RelativePositions ? (string[])[$"{attention}.{Table}"] : [],
            .. shape.SharedRelativePositions ? (string[])[$"rel_pos_bias.{Table}"] : []];
        return tables.Length == 0 ? null : graph.Weight(string.Join("+", tables), [1, shape.Heads, tokens, tokens], () =>
        {
            var index = RelativeIndex.Of(side, classToken: true);
            return tables.Select(table => RelativeIndex.Bias(graph.State(table), index)).Aggregate((sum, bias) => sum + bias);
        });
    }
}

/// <summary>The graph of a <see cref="Beit3"/>.</summary>
internal static class Beit3Graph
{
    public static Trunk Build(OnnxGraph graph, Beit3 model, string images)
    {
        var shape = model.Shape;
        var (side, width) = (model.Info.InputSize / shape.Patch, (long)shape.Width);
        var tokens = 1 + side * side;
        var x = graph.Patches(images, shape.Patch, side, width, 1, () =>
        {
            var positions = graph.State("pos_embed.weight").narrow(0, Beit3.FirstPosition, tokens).unsqueeze(0);
            return cat([graph.State("cls_token") + positions.narrow(1, 0, 1), positions.narrow(1, 1, tokens - 1)], 1);
        });
        for (var b = 0; b < shape.Depth; b++)
        {
            var name = $"blocks.{b}";
            Tensor Side(string part) => cat([graph.State($"{name}.attn.q_proj.{part}"), graph.State($"{name}.attn.k_proj.{part}"),
                graph.State($"{name}.attn.v_proj.{part}")]);
            var mixed = graph.QueryKeyValue(graph.LayerNormalization(x, $"{name}.norm1", shape.Eps), $"{name}.attn.qkv_proj", width,
                shape.Heads, () => Side("weight"), () => Side("bias"));
            mixed = graph.LayerNormalization(graph.Attention(mixed, tokens, width, shape.Heads), $"{name}.attn.inner_attn_ln", shape.Eps);
            x = graph.Add(x, graph.Linear(mixed, $"{name}.attn.out_proj"));
            x = graph.Add(x, graph.Mlp(graph.LayerNormalization(x, $"{name}.norm2", shape.Eps), $"{name}.mlp", eps: shape.Eps));
        }
        if (shape.NormsOutput)
            x = graph.LayerNormalization(x, "layer_norm", shape.Eps);
        x = graph.From(graph.Reshape(x, -1, tokens, width), 1, 1);
        return new(graph.LayerNormalization(graph.Mean(x, 1), "fc_norm", shape.Eps));
    }
}
