using Schane.Models.Convolutional;
using Schane.Models.Layers;

namespace Schane.Export;

/// <summary>The graph of a <see cref="ConvNet4"/>. Its norms stand behind the pooling, so they can't be multiplied
/// into the convolutions.</summary>
internal static class ConvNet4Graph
{
    public static Trunk Build(OnnxGraph graph, ConvNet4 model, string x)
    {
        for (var b = 1; b < model.LayerCount; b++)
        {
            x = graph.MaxPool(graph.Conv(x, $"block{b}.conv", padding: 1), 2, 2, 0);
            x = graph.Relu(graph.BatchNormalization(x, $"block{b}.norm", (float)BatchNormalization.Eps));
        }
        return new(graph.Linear(graph.Flatten(x), "embedding"));
    }
}

/// <summary>The graph of a <see cref="ResNet"/>.</summary>
internal static class ResNetGraph
{
    public static Trunk Build(OnnxGraph graph, ResNet model, string x)
    {
        var shape = model.Shape;
        x = graph.Relu(shape.Stem switch
        {
            ResNetStem.Photo => graph.Conv(x, "conv1", 2, 3, norm: "bn1"),
            ResNetStem.Medium => graph.Conv(x, "conv1", 2, 1, norm: "bn1"),
            _ => graph.Conv(x, "conv1", 1, 1, norm: "bn1"),
        });
        if (shape.Stem == ResNetStem.Photo)
            x = graph.MaxPool(x, 3, 2, 1);
        for (var stage = 0; stage < shape.Blocks.Length; stage++)
            for (var b = 0; b < shape.Blocks[stage]; b++)
                x = Block(graph, x, $"layer{stage + 1}.{b}", b == 0 && stage > 0 ? 2 : 1, shape);
        return new(graph.Flatten(graph.GlobalAveragePool(x)));
    }

    private static string Block(OnnxGraph graph, string input, string name, int stride, ResNetShape shape)
    {
        var x = input;
        var (last, strided) = shape.Bottleneck ? (3, 2) : (2, 1);
        for (var i = 1; i <= last; i++)
        {
            x = graph.Conv(x, $"{name}.conv{i}", i == strided ? stride : 1, shape.Bottleneck && i != 2 ? 0 : 1,
                i == strided ? shape.Groups : 1, $"{name}.bn{i}");
            if (i < last)
                x = graph.Relu(x);
        }
        var shortcut = graph.Has($"{name}.downsample.0.weight")
            ? graph.Conv(input, $"{name}.downsample.0", stride, norm: $"{name}.downsample.1") : input;
        return graph.Relu(graph.Add(x, shortcut));
    }
}

/// <summary>The graph of a <see cref="ConvNeXt"/>: the residual stream lies flat, [batch · h · w, width], and
/// convolutions see it as images.</summary>
internal static class ConvNeXtGraph
{
    public static Trunk Build(OnnxGraph graph, ConvNeXt model, string images)
    {
        var shape = model.Shape;
        long side = model.Info.InputSize / shape.Patch, width = shape.Widths[0];
        var x = graph.LayerNormalization(Flat(graph, graph.Conv(images, "stem.0", shape.Patch), width), "stem.1", shape.Eps);
        for (var s = 0; s < shape.Depths.Length; s++)
        {
            if (s > 0)
            {
                x = graph.LayerNormalization(x, $"stages.{s}.downsample.0", shape.Eps);
                x = Flat(graph, graph.Conv(AsImages(graph, x, side, width), $"stages.{s}.downsample.1", 2), shape.Widths[s]);
                (side, width) = (side / 2, shape.Widths[s]);
            }
            for (var b = 0; b < shape.Depths[s]; b++)
            {
                var name = $"stages.{s}.blocks.{b}";
                var mixed = Flat(graph,
                    graph.Conv(AsImages(graph, x, side, width), $"{name}.conv_dw", padding: shape.Kernels[s] / 2, groups: width), width);
                x = graph.Add(x, graph.Mlp(graph.LayerNormalization(mixed, $"{name}.norm", shape.Eps), $"{name}.mlp",
                    shape.LayerScale is null ? null : $"{name}.gamma"));
            }
        }
        return new(graph.LayerNormalization(graph.Mean(graph.Reshape(x, -1, side * side, width), 1), "head.norm", shape.Eps));
    }

    private static string AsImages(OnnxGraph graph, string x, long side, long width) =>
        graph.Transpose(graph.Reshape(x, -1, side, side, width), 0, 3, 1, 2);

    private static string Flat(OnnxGraph graph, string images, long width) => graph.Reshape(graph.Transpose(images, 0, 2, 3, 1), -1, width);
}
