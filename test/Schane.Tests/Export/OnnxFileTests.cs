using System.Diagnostics;
using Google.Protobuf;
using Schane.Checkpoints.Onnx;
using Schane.Export;
using Schane.Models;
using Schane.Models.Convolutional;
using Schane.Models.Transformers;
using Schane.Tests.Data;
using Schane.Tests.Models;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Export;

/// <summary>What an ONNX file of Schane's holds and how it is written.</summary>
[Trait("Long", "1")]
public sealed class OnnxFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact, Needs(Needs.OnnxChecker)]
    public void Passes_the_checker_and_the_strict_shape_inference_of_ONNX()
    {
        foreach (var (number, name) in GoldenModel.Names().Select(n => n.Data).Index())
        {
            using var model = Exported.Golden(name);
            OnnxExport.Write(model, At($"{number}.onnx"), Exported.Metadata(model), new());
            OnnxExport.Write(model, At($"{number}-half.onnx"), Exported.Metadata(model),
                new() { Weights = OnnxWeights.Float16, ExternalAbove = 0, Normalises = true });
        }
        foreach (var name in ModelRegistry.Names)
        {
            using var model = RegistryExportTests.Small(name);
            OnnxExport.Write(model, At($"small-{name}.onnx"), Exported.Metadata(model), new() { Weights = OnnxWeights.BFloat16 });
        }
        var (code, said) = Python("""
            import sys, glob, onnx
            for path in sorted(glob.glob(sys.argv[1] + '/*.onnx')):
                onnx.checker.check_model(path, full_check=True)
                graph = onnx.shape_inference.infer_shapes(onnx.load(path), check_type=True, strict_mode=True, data_prop=True).graph
                known = {value.name: value.type.tensor_type.shape.dim for value in graph.value_info}
                known |= {'embedding': None, 'logits': None}
                missing = [node.name for node in graph.node for value in node.output if value not in known]
                assert not missing, (path, missing)
                print(path)
            """, folder.Path);
        Assert.True(code == 0, said);
        Assert.Equal(2 * GoldenModel.Names().Count + ModelRegistry.Names.Count,
            said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public void The_batch_is_free_and_nothing_else_is()
    {
        var model = Parsed(Write(new()));
        Assert.Equal(["batch", "3", "32", "32"], Sizes(model.Graph.Input.Single()));
        Assert.Equal([("embedding", "batch", "48"), ("logits", "batch", "10")],
            model.Graph.Output.Select(o => (o.Name, Sizes(o)[0], Sizes(o)[1])));
        Assert.Equal((17, 8), (model.OpsetImport.Single().Version, model.IrVersion));

        static string[] Sizes(ValueInfoProto value) =>
            [.. value.Type.TensorType.Shape.Dim.Select(d => d.HasDimParam ? d.DimParam : $"{d.DimValue}")];
    }

    [Fact]
    public void A_parameter_that_nothing_is_multiplied_into_has_its_name_and_its_bits()
    {
        var constants = Parsed(Write(new())).Graph.Initializer.ToDictionary(c => c.Name);
        using var model = Exported.Golden("vit_cls");
        foreach (var name in (string[])["patch_embed.proj.weight", "blocks.1.mlp.fc1.weight", "blocks.0.norm1.bias", "head.weight"])
            Assert.Equal(model.StateDict()[name].bytes.ToArray(), constants[name].RawData.ToByteArray());
    }

    [Fact]
    public void Weights_beside_the_file_give_the_same_bits_as_weights_in_it()
    {
        var (pixels, rows) = Exported.Input("vit_cls");
        var (inside, beside) = (Write(new(), "inside"), Write(new() { ExternalAbove = 1000 }, "beside"));
        Assert.False(File.Exists(inside + ".data"));
        Assert.InRange(new FileInfo(beside).Length, 1, new FileInfo(inside).Length / 5);
        var outside = Parsed(beside).Graph.Initializer.Where(c => c.HasDataLocation).ToList();
        Assert.All(outside, c => Assert.Equal(0, long.Parse(c.ExternalData.Single(e => e.Key == "offset").Value) % 65536));
        Assert.All(outside, c => Assert.Equal("beside.onnx.data", c.ExternalData.Single(e => e.Key == "location").Value));

        using var one = OnnxModel.Open(inside, 1);
        using var other = OnnxModel.Open(beside, 1);
        Assert.Equal(one.Run(pixels, rows).Logits, other.Run(pixels, rows).Logits);
    }

    [Theory]
    [InlineData(OnnxWeights.Float16, 0.53)]
    [InlineData(OnnxWeights.BFloat16, 0.53)]
    public void Half_weights_take_half_the_file_and_stay_within_a_hundredth(OnnxWeights type, double share)
    {
        using var model = RegistryExportTests.Randomised(new ImageClassifier(
            new VisionTransformer(new("vit", 3, 32, 96, [0, 0, 0], [1, 1, 1], "head"), new(8, 96, 2, 3), 0), 10), deviation: 0.1);
        string Of(OnnxWeights weights)
        {
            var path = At($"{weights}.onnx");
            OnnxExport.Write(model, path, Exported.Metadata(model), new() { Weights = weights });
            return path;
        }
        Assert.InRange(new FileInfo(Of(type)).Length / (double)new FileInfo(Of(OnnxWeights.Float32)).Length, 0.4, share);
        var pixels = Exported.Pixels(model.Backbone.Info, 64);
        var certificate = OnnxExport.Compare(Of(type), OnnxExport.Outputs(model, pixels, 64, CPU), pixels, 64,
            "noise", new() { Weights = type });
        Assert.True(certificate.LogitDifference > 0, "The weights were not stored in half.");
        Assert.True(certificate.Passed, $"{certificate}");
    }

    [Fact]
    public void A_file_can_be_parsed_as_one_message_and_written_again()
    {
        var path = Write(new());
        OnnxWriter.Append(path, new Dictionary<string, string> { ["parity"] = "{}" });
        var model = Parsed(path);
        Assert.Equal("{}", model.MetadataProps.Single(m => m.Key == "parity").Value);
        File.WriteAllBytes(At("again.onnx"), model.ToByteArray());
        var (pixels, rows) = Exported.Input("vit_cls");
        using var one = OnnxModel.Open(path, 1);
        using var again = OnnxModel.Open(At("again.onnx"), 1);
        Assert.Equal(one.Run(pixels, rows).Logits, again.Run(pixels, rows).Logits);
        Assert.Equal("{}", one.Metadata["parity"]);
    }

    [Fact]
    public void The_projection_serves_the_loss_alone_and_is_left_out()
    {
        using var scope = NewDisposeScope();
        using var model = RegistryExportTests.Randomised(new ImageClassifier(new ConvNeXt(new("next", 3, 32, 12, [0, 0, 0], [1, 1, 1],
            "head.fc"), new([1, 1], [8, 12]), 0), 5, new() { ProjectionWidth = 9 }));
        OnnxExport.Write(model, At("projected.onnx"), Exported.Metadata(model), new());
        using var onnx = OnnxModel.Open(At("projected.onnx"), 1);
        var pixels = Exported.Pixels(model.Backbone.Info, 2);
        var expected = Schane.Tensors.Copy.Floats(model.Forward(tensor(pixels, [2, 3, 32, 32])).Embeddings);
        Assert.Equal(12, onnx.Width);
        Assert.All(expected.Zip(onnx.Run(pixels, 2).Embeddings), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact]
    public void Any_number_of_threads_may_run_one_model()
    {
        var (pixels, rows) = Exported.Input("vit_cls");
        using var onnx = OnnxModel.Open(Write(new()), 1);
        var expected = onnx.Run(pixels, rows).Logits;
        Parallel.For(0, 64, _ => Assert.Equal(expected, onnx.Run(pixels, rows).Logits));
    }

    private string Write(OnnxOptions options, string name = "vit")
    {
        using var model = Exported.Golden("vit_cls");
        OnnxExport.Write(model, At($"{name}.onnx"), Exported.Metadata(model), options);
        return At($"{name}.onnx");
    }

    private string At(string name) => Path.Combine(folder.Path, name);

    private static ModelProto Parsed(string path) => ModelProto.Parser.ParseFrom(File.ReadAllBytes(path));

    internal static (int Code, string Said) Python(string program, string argument)
    {
        using var python = Process.Start(new ProcessStartInfo("/usr/bin/python3", ["-c", program, argument])
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = python.StandardError.ReadToEndAsync();
        var said = python.StandardOutput.ReadToEnd();
        python.WaitForExit();
        return (python.ExitCode, said + errors.Result);
    }
}
