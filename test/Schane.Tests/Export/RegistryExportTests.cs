using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Schane.Export;
using Schane.Models;
using Schane.Models.Convolutional;
using Schane.Models.Transformers;
using Schane.Tests.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Export;

/// <summary>Every name of the registry: small and with random weights against the model itself, and in full size as a graph.</summary>
[Trait("Long", "1")]
public sealed partial class RegistryExportTests : IDisposable
{
    private static readonly HashSet<string> Operators =
        ["Conv", "Gemm", "MatMul", "Add", "Sub", "Div", "Mul", "Erf", "Gelu", "Sigmoid", "Relu", "Softmax", "LayerNormalization",
            "BatchNormalization", "MaxPool", "GlobalAveragePool",
            "ReduceMean", "Reshape", "Flatten", "Transpose", "Split", "Slice", "Gather", "Pad"];

    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    [Fact]
    public void Every_name_computes_what_its_model_computes()
    {
        using var folder = new TemporaryFolder();
        var opset = OnnxOptions.LeastOpset;                               // each in its turn, from the lowest to the highest
        foreach (var name in ModelRegistry.Names)
        {
            using var model = Small(name);
            var info = model.Backbone.Info;
            var path = Path.Combine(folder.Path, $"{name}.onnx");
            OnnxExport.Write(model, path, Exported.Metadata(model), new() { Opset = opset });
            opset = opset < OnnxOptions.MostOpset ? opset + 1 : OnnxOptions.LeastOpset;
            using var onnx = OnnxModel.Open(path, threads: 1);
            var pixels = Exported.Pixels(info, 3);
            var (embeddings, logits) = onnx.Run(pixels, 3);
            var expected = model.Forward(tensor(pixels, [3, info.Channels, info.InputSize, info.InputSize]));
            Close(expected.Embeddings, embeddings, $"{name} embeddings");
            Close(expected.Logits, logits, $"{name} logits");
        }
    }

    [Fact]
    public void No_graph_holds_anything_but_arithmetic_and_moves_of_known_size()
    {
        foreach (var name in ModelRegistry.Names)
            foreach (var opset in (int[])[OnnxOptions.LeastOpset, OnnxOptions.MostOpset])
            {
                var nodes = Graph(name, opset).Proto.Node;
                Assert.All(nodes, node => Assert.Contains(node.OpType, Operators));
                var read = nodes.SelectMany(n => n.Input).Concat(["embedding", "logits"]).ToHashSet();
                Assert.All(nodes, node => Assert.Contains(node.Output, read.Contains));
                Assert.All(nodes.Where(n => n.OpType is "Reshape" or "Transpose"),
                    node => Assert.DoesNotContain(nodes, next => next.OpType == node.OpType && next.Input[0] == node.Output[0]));
            }
    }

    [Fact]
    public void The_counts_of_nodes_in_the_documentation_are_those_of_the_graphs()
    {
        var rows = Row().Matches(File.ReadAllText(Docs()));
        Assert.True(rows.Count >= 8, $"docs/deployment.md counts the nodes of {rows.Count} models.");
        Assert.All(rows, row =>
            Assert.Equal((row.Groups[2].Value, row.Groups[3].Value), (Nodes(row.Groups[1].Value, 17), Nodes(row.Groups[1].Value, 20))));

        static string Nodes(string name, int opset) => Graph(name, opset).Proto.Node.Count.ToString(CultureInfo.InvariantCulture);
    }

    private static OnnxGraph Graph(string name, int opset)
    {
        using var model = new ImageClassifier(ModelRegistry.Uninitialised(name), 10);
        return ModelGraph.Of(model, opset, ScalarType.Float32, normalises: false);
    }

    /// <summary>The architecture of a name with all its switches, few and narrow layers, and weights that let no part vanish.</summary>
    internal static ImageClassifier Small(string name)
    {
        var info = ModelRegistry.InfoOf(name) with { InputSize = 16 };
        var backbone = Build();
        backbone.Another = Build;
        return Randomised(new ImageClassifier(backbone, 7));

        Backbone Build() => ModelRegistry.ShapeOf(name) switch
        {
            int[] => new ConvNet4(info with { EmbeddingWidth = 12 }, [4, 6, 6, 8]),
            ResNetShape shape => shape with { Blocks = [1, 2], Widths = [4, 6], StemWidth = 5 } is var small
                ? new ResNet(info with { EmbeddingWidth = 6 * small.Expansion }, small) : null!,
            ConvNeXtShape shape => new ConvNeXt(info with { EmbeddingWidth = 12 }, shape with { Depths = [1, 2], Widths = [8, 12] }, 0),
            VisionTransformerShape shape =>
                new VisionTransformer(info with { EmbeddingWidth = 12 }, shape with { Patch = 4, Width = 12, Depth = 2, Heads = 3 }, 0),
            BeitShape shape => new Beit(info with { EmbeddingWidth = 12 }, shape with { Patch = 4, Width = 12, Depth = 2, Heads = 3 }, 0),
            Beit3Shape shape => new Beit3(info with { EmbeddingWidth = 12 }, shape with { Patch = 4, Width = 12, Depth = 2, Heads = 3 }, 0),
            SwinShape shape => new SwinTransformer(info with { EmbeddingWidth = 16 },
                shape with { Patch = 2, Window = 3, Width = 8, Depths = [2, 2], Heads = [2, 2] }, 0),
            var shape => throw new InvalidOperationException($"{name} has a shape that this test does not know: {shape}"),
        };
    }

    internal static ImageClassifier Randomised(ImageClassifier model, double deviation = 0.3)
    {
        using var _ = no_grad();
        random.manual_seed(1);
        foreach (var (name, value) in model.StateDict().Where(s => s.Value.is_floating_point()))
            if (name.EndsWith("running_var", StringComparison.Ordinal) || value.dim() == 1
                && (name.EndsWith("weight", StringComparison.Ordinal) || name.Contains("gamma", StringComparison.Ordinal)))
                value.uniform_(0.5, 1.5);
            else
                value.normal_(0, deviation);
        model.eval();
        return model;
    }

    private static void Close(Tensor expected, float[] actual, string what)
    {
        var values = Schane.Tensors.Copy.Floats(expected);
        var difference = values.Zip(actual, (e, a) => Math.Abs((double)e - a)).Max() / values.Max(Math.Abs);
        Assert.True(values.Length == actual.Length && difference <= 1e-5, $"{what}: largest difference {difference} of the largest value");
    }

    [GeneratedRegex(@"(?m)^\| `([a-z0-9_]+)` \| (\d+) \| (\d+) \|")]
    private static partial Regex Row();

    private static string Docs([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "docs", "deployment.md");
}
