using Schane.Models;
using Schane.Models.Convolutional;
using Schane.Models.Transformers;
using static TorchSharp.torch;

namespace Schane.Export;

/// <summary>The graph of a whole model as it evaluates, so without a projection: input <c>images</c> [batch, C, S, S], outputs
/// <c>embedding</c> [batch, D] and <c>logits</c> [batch, classes].</summary>
internal static class ModelGraph
{
    public const string Images = "images", Embedding = "embedding", Logits = "logits";

    /// <param name="model">The model; it must outlive the graph, whose constants read it when they are written. Adapters
    /// are merged.</param>
    /// <param name="opset">Version of the operators.</param>
    /// <param name="stored">Type in which matrices and kernels are stored.</param>
    /// <param name="normalises">Whether the graph takes images in [0, 1] and normalises them itself.</param>
    /// <exception cref="SchaneException">The architecture has no graph.</exception>
    public static OnnxGraph Of(ImageClassifier model, int opset, ScalarType stored, bool normalises)
    {
        var info = model.Backbone.Info;
        var graph = new OnnxGraph(opset, model.Merged(), stored);
        var images = graph.Input(Images, info.Channels, info.InputSize, info.InputSize);
        if (normalises)
            images = graph.Div(graph.Sub(images, Channels(graph, "mean", info.Mean)), Channels(graph, "std", info.Std));
        var trunk = Build(graph, model.Backbone, images);
        var logits = trunk.HeadInput == trunk.Embedding
            ? graph.Linear(trunk.Embedding, info.HeadName) : BothHeads(graph, trunk.HeadInput, info.HeadName);
        graph.Output(trunk.Embedding, Embedding, info.EmbeddingWidth);
        graph.Output(logits, Logits, model.Classes);
        graph.Prune();
        return graph;
    }

    private static Trunk Build(OnnxGraph graph, Backbone backbone, string images) => backbone switch
    {
        ConvNet4 model => ConvNet4Graph.Build(graph, model, images),
        ResNet model => ResNetGraph.Build(graph, model, images),
        ConvNeXt model => ConvNeXtGraph.Build(graph, model, images),
        VisionTransformer model => VisionTransformerGraph.Build(graph, model, images),
        Beit model => BeitGraph.Build(graph, model, images),
        Beit3 model => Beit3Graph.Build(graph, model, images),
        SwinTransformer model => SwinGraph.Build(graph, model, images),
        AveragedBackbone model => Averaged(graph, model, images),
        _ => throw new SchaneException(
            $"{backbone.Info.Name} can't be exported to ONNX: Schane has no graph of its architecture {backbone.GetType().Name}."),
    };

    /// <summary>The members' embeddings side by side, their mean over the views.</summary>
    private static Trunk Averaged(OnnxGraph graph, AveragedBackbone model, string images)
    {
        var averaging = model.Averaging;
        List<string> views = [];
        for (var view = 0; view < averaging.Views; view++)
        {
            var seen = images;
            var (rows, columns) = ImageViews.Places(view, model.Info.InputSize, averaging.Mirrors);
            foreach (var (axis, name, places) in ((long, string, long[]?)[])[(2, "rows", rows), (3, "columns", columns)])
                if (places is not null)
                    seen = graph.Gather(seen, graph.Numbers($"{name} of view {view}", places), axis);
            views.Add(graph.Concat(1, [.. model.Members.Select((member, k) =>
                Build(graph.Of(AveragedBackbone.PrefixOf(k)), member, seen).Embedding)]));
        }
        var sum = views.Aggregate(graph.Add);
        return new(views.Count == 1 ? sum : graph.Div(sum, graph.Number(views.Count)));
    }

    /// <summary>The mean of two heads' logits as one product.</summary>
    private static string BothHeads(OnnxGraph graph, string inputs, string head)
    {
        var shape = graph.State($"{head}.weight").shape;
        var weight = graph.Weight($"{head}.weight", [shape[0], 2 * shape[1]],
            () => cat([graph.State($"{head}.weight"), graph.State($"{head}_dist.weight")], 1) / 2);
        var bias = graph.Weight($"{head}.bias", [shape[0]], () => (graph.State($"{head}.bias") + graph.State($"{head}_dist.bias")) / 2);
        return graph.Gemm(inputs, weight, bias, head);
    }

    private static string Channels(OnnxGraph graph, string name, float[] values) =>
        graph.Constant(name, [values.Length, 1, 1], () => tensor(values, [values.Length, 1, 1]));
}
