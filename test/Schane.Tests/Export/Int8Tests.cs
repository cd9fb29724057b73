using Microsoft.ML.OnnxRuntime;
using Schane.Checkpoints.Onnx;
using Schane.Export;
using Schane.Models;
using Schane.Tests.Data;
using Schane.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Export;

/// <summary>Files in int8: what stands in them, and what ONNX Runtime makes of it.</summary>
public sealed class Int8Tests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose()
    {
        scope.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void A_range_holds_zero_and_gives_it_back_exactly()
    {
        Assert.Equal(new(3f / 255, 0), Int8Range.Of(1, 3));
        Assert.Equal(new(3f / 255, 255), Int8Range.Of(-3, -1));
        Assert.Equal(new(2f / 255, 128), Int8Range.Of(-1, 1));
        Assert.Equal(new(4f / 255, 64), Int8Range.Of(-1, 3));
        Assert.Equal(new(1, 0), Int8Range.Of(0, 0));                      // any scale is right for nothing but zeros
    }

    [Fact]
    public void Seen_values_are_covered_but_for_few_that_lie_far_from_many()
    {
        var even = new SeenValues();
        even.Add([.. Enumerable.Range(-100, 150).Select(i => i / 100f)]);
        even.Add([3, 0]);
        Assert.Equal(Int8Range.Of(-1, 3), even.Range());

        var far = new SeenValues();
        far.Add([.. Enumerable.Range(0, 100_000).Select(i => i / 100_000f)]);
        far.Add([3]);                                                     // cut to 2.66 it costs 0.34² and all steps are a ninth finer
        var range = far.Range();
        Assert.Equal(0, range.Zero);
        Assert.InRange(255 * range.Scale, 1, 2.9f);
        double Error(Int8Range of) => Enumerable.Range(0, 100_000).Select(i => i / 100_000f).Append(3)
            .Sum(v => Math.Pow(v - of.Scale * Math.Clamp(Math.Round(v / of.Scale), 0, 255), 2));
        Assert.True(Error(range) < Error(Int8Range.Of(0, 3)));
    }

    [Fact]
    public void Weights_and_biases_are_the_whole_numbers_of_a_pencil()
    {
        // fc of two outputs; the largest weights are 63 and 0.5, so the scales 1 and 0.5/63, and those of the biases times 0.01.
        var path = Pencil([63, -21.2f, 0.4f, 0, 0.5f, 0.24f, -0.125f, 0.0019f], [0.3f, -2], new(0.01f, 0));
        var file = new Float64Graph(path);
        Assert.Equal([63, -21, 0, 0, 63, 30, -16, 0], file.Constant("fc.weight"));
        Assert.Equal([1, 0.5f / 63], file.Constant("fc.weight:scale"));
        Assert.Equal([30, Math.Round(-2 / (double)(0.5f / 63 * 0.01f))], file.Constant("fc.bias"));
        Assert.Equal([0.01f, 0.5f / 63 * 0.01f], file.Constant("fc.bias:scale"));
    }

    [Fact]
    public void An_output_of_zeros_keeps_its_bias()
    {
        var path = Pencil([0, 0, 0, 0, 0, 0, 0, 0], [0.3f, 0], new(0.01f, 0));
        using var onnx = OnnxModel.Open(path, 1);
        var logits = onnx.Run(new float[] { 1, 2, 3, 4 }, 1).Logits;
        Assert.Equal(0.3f, logits[0], 1e-6f);
        Assert.Equal(0, logits[1]);
    }

    [Fact, Trait("Slow", "1")]
    public void The_largest_products_there_can_be_are_added_without_being_cut_off()
    {
        // Four times 255 · 63 are more than 16 bits hold, two are not: processors without VNNI add two.
        var path = Pencil([63, 63, 63, 63, -63, -63, -63, -63], [0, 0], new(1, 0));
        using var onnx = OnnxModel.Open(path, 1);
        Assert.Equal([4 * 255 * 63f, -4 * 255 * 63f], onnx.Run(new float[] { 255, 255, 255, 255 }, 1).Logits);
        using var many = OnnxModel.Open(path, 1);
        Assert.All(many.Run(Enumerable.Repeat(255f, 4 * 33).ToArray(), 33).Logits, logit => Assert.Equal(4 * 255 * 63f, Math.Abs(logit)));
    }

    [Fact, Trait("Slow", "1")]
    public void ONNX_Runtime_computes_what_a_slow_float64_loop_says_of_the_file()
    {
        foreach (var name in (string[])["schane_tiny", "resnet18", "resnet50"])
        {
            using var model = RegistryExportTests.Small(name);
            var info = model.Backbone.Info;
            var path = Write(model, name, 32);
            var pixels = Exported.Pixels(info, 3, seed: 5);
            var slow = new Float64Graph(path).Run(pixels, 3, info.Channels, info.InputSize, info.InputSize);
            using var onnx = OnnxModel.Open(path, 1);
            var (embeddings, logits) = onnx.Run(pixels, 3);
            // One step of 255 where a sum is rounded the other way; the means and sums behind make less of it.
            Close(slow["embedding"], embeddings, 0.01, name);
            Close(slow["logits"], logits, 0.01, name);
        }
    }

    [Fact, Trait("Long", "1")]
    public void Every_name_in_int8_is_near_the_same_in_float32_and_runs_in_whole_numbers()
    {
        foreach (var name in ModelRegistry.Names)
        {
            using var model = RegistryExportTests.Small(name);
            var info = model.Backbone.Info;
            var pixels = Exported.Pixels(info, 8, seed: 5);
            using var onnx = OnnxModel.Open(Write(model, name, 32), 1);
            var (embeddings, logits) = onnx.Run(pixels, 8);
            var expected = model.Forward(tensor(pixels, [8, info.Channels, info.InputSize, info.InputSize]));
            Assert.True(Cosine(expected.Embeddings, embeddings) > 0.97, $"{name}: {Cosine(expected.Embeddings, embeddings)}");
            Assert.True(Cosine(expected.Logits, logits) > 0.97, $"{name}: {Cosine(expected.Logits, logits)}");
            // A linear layer whose float32 value is an output and whose reader wants 8 bits is not fused: convnet4's last.
            Assert.True(Left(At(name), name) is "" or "embedding", $"{name}: {Left(At(name), name)} in float32");
        }
    }

    [Fact, Trait("Long", "1"), Needs(Needs.OnnxChecker)]
    public void Every_name_passes_the_checker_of_ONNX()
    {
        foreach (var name in ModelRegistry.Names)
        {
            using var model = RegistryExportTests.Small(name);
            Write(model, name, 2);
        }
        var (code, said) = OnnxFileTests.Python("""
            import sys, glob, onnx
            for path in sorted(glob.glob(sys.argv[1] + '/*.onnx')):
                onnx.checker.check_model(path, full_check=True)
            """, folder.Path);
        Assert.True(code == 0, said);
    }

    /// <summary>A file in int8 whose ranges come from noise.</summary>
    private string Write(ImageClassifier model, string name, int images)
    {
        var (info, between) = (model.Backbone.Info, At($"{name}-values"));
        string[] values = [];
        OnnxExport.Write(model, between, Exported.Metadata(model), new(), change: graph =>
            graph.Expose(values = [.. graph.ValuesInInt8().Values.Distinct()]));
        SeenValues[] seen = [.. values.Select(_ => new SeenValues())];
        using (var onnx = OnnxModel.Open(between, 1))
            onnx.Run(Exported.Pixels(info, images), images, values, (i, found) => seen[i].Add(found));
        var ranges = values.Zip(seen).ToDictionary(pair => pair.First, pair => pair.Second.Range());
        File.Delete(between);
        OnnxExport.Write(model, At(name), Exported.Metadata(model), new() { Weights = OnnxWeights.Int8 },
            change: graph => graph.Quantize(ranges));
        return At(name);
    }

    /// <summary>A net that is one linear layer on four pixels, in int8.</summary>
    private string Pencil(float[] weight, float[] bias, Int8Range range)
    {
        var graph = new OnnxGraph(17, new Dictionary<string, Tensor>
        { ["fc.weight"] = tensor(weight, [2, 4]), ["fc.bias"] = tensor(bias) });
        var pixels = graph.Flatten(graph.Input("images", 1, 2, 2));
        graph.Output(graph.Linear(pixels, "fc"), "logits", 2);
        graph.Output(pixels, "embedding", 4);
        graph.Quantize(new Dictionary<string, Int8Range> { ["embedding"] = range });
        OnnxWriter.Write(graph, At("pencil"), new Dictionary<string, string>
        {
            ["architecture"] = "pencil", ["classes"] = "[\"a\", \"b\"]", ["augmentation"] = "none", ["normalization"] = "graph",
            ["channels"] = "1", ["input_size"] = "2",
        }, long.MaxValue);
        return At("pencil");
    }

    /// <summary>Names of convolutions and linear layers that ONNX Runtime left in float32 in the graph it runs.</summary>
    private string Left(string path, string name)
    {
        var optimised = At($"{name}-run");
        using (var options = new SessionOptions
        { OptimizedModelFilePath = optimised, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR, IntraOpNumThreads = 1 })
        using (new InferenceSession(path, options))
        {
        }
        var nodes = ModelProto.Parser.ParseFrom(File.ReadAllBytes(optimised)).Graph.Node;
        return string.Join(", ", nodes.Where(n => n.OpType is "Conv" or "FusedConv" or "Gemm" or "FusedGemm").Select(n => n.Name));
    }

    private string At(string name) => Path.Combine(folder.Path, $"{name}.onnx");

    private static double Cosine(Tensor expected, float[] actual)
    {
        var values = Schane.Tensors.Copy.Doubles(expected);
        double Dot(IEnumerable<double> a, IEnumerable<double> b) => a.Zip(b, (x, y) => x * y).Sum();
        double[] found = [.. actual.Select(v => (double)v)];
        return Dot(values, found) / Math.Sqrt(Dot(values, values) * Dot(found, found));
    }

    private static void Close(double[] expected, float[] actual, double share, string what)
    {
        var off = expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max() / expected.Max(Math.Abs);
        Assert.True(expected.Length == actual.Length && off <= share, $"{what}: off by {off} of the largest");
    }
}
