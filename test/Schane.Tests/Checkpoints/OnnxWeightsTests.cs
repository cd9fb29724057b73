using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using Schane.Checkpoints;
using Schane.Checkpoints.Hub;
using Schane.Checkpoints.Onnx;
using Schane.Models;
using Schane.Tests.Data;
using Schane.Tests.Models;
using Schane.Tests.Support;
using static TorchSharp.torch;
using SafetensorsFile = Schane.Checkpoints.SafetensorsFile;

namespace Schane.Tests.Checkpoints;

/// <summary>Weights in ONNX files: by the names of PyTorch's parameters, and by place in CNTK's residual net, as
/// ML.NET's package has it.</summary>
public sealed class OnnxWeightsTests
{
    private const string Model = "resnet20_cntk";

    /// <summary>Where the restore of Schane puts the package.</summary>
    private static readonly string Package = Path.Combine(
        Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages"),
        "microsoft.ml.dnnimagefeaturizer.resnet18", "0.23.1", "tools", "DnnImageModels", "ResNet18Onnx", "ResNet18.onnx");

    private static readonly Lazy<ModelProto> Cntk = new(() => ModelProto.Parser.ParseFrom(File.ReadAllBytes(Package)));

    public static IEnumerable<TheoryDataRow<string>> Golden() => GoldenFolder.Of("weights", "mlnet_resnet.safetensors");

    [Theory]
    [MemberData(nameof(Golden))]
    public async Task The_net_of_the_restored_package_gives_the_features_of_its_graph(string folder)
    {
        using var scope = NewDisposeScope();
        using var cache = new TemporaryFolder();
        using var hub = new WeightsHub(new() { CacheFolder = cache.Path, Offline = true });
        var found = await hub.ResolveAsync(ModelRegistry.InfoOf(Model).Weights!, null, TestContext.Current.CancellationToken);
        Assert.Equal(["ResNet18.safetensors", "ResNet18.onnx"], found.Files.Select(f => f.Name));
        using var model = Loaded(found.Path);
        foreach (var file in Directory.GetFiles(folder, "*.safetensors"))
        {
            using var golden = Safetensors.Open(file);
            var features = model.call(Prepared(model, golden.Read("pictures")));
            var expected = golden.Read("features");
            var error = ((features.to(float64) - expected).norm() / expected.norm()).item<double>();
            TestContext.Current.SendDiagnosticMessage($"golden error {error:e2}");
            Assert.InRange(error, 0, 1e-5);
        }
    }

    [Fact]
    public void At_its_own_size_it_gives_what_ONNX_Runtime_makes_of_the_file()
    {
        using var scope = NewDisposeScope();
        using var model = Loaded(Package);
        var pixels = rand([1, 3, 224, 224], generator: new Generator(5)).mul(255).round();
        var mean = tensor(model.Info.Mean).mul(255).view(1, 3, 1, 1);
        var given = (pixels - mean).flip(1).contiguous();                 // BGR
        using var session = new InferenceSession(Package);
        using var value = OrtValue.CreateTensorValueFromMemory(given.data<float>().ToArray(), [1, 3, 224, 224]);
        using var outputs = session.Run(new RunOptions(), ["Input247"], [value], ["Pooling395_Output_0"]);
        var expected = tensor(outputs[0].GetTensorDataAsSpan<float>().ToArray());
        var features = model.call(Prepared(model, pixels.to(uint8)))[0];
        Assert.InRange(((features - expected).norm() / expected.norm()).item<float>(), 0, 1e-5);
    }

    [Fact]
    public void Gray_images_give_the_same_features_through_one_channel_as_through_three()
    {
        using var scope = NewDisposeScope();
        using var three = Loaded(Package);
        using var one = Loaded(Package, channels: 1);
        var gray = rand([2, 1, 64, 64], generator: new Generator(7)).mul(255).round();
        var image = gray / 255;
        var common = tensor(one.Info.Mean).mean();
        var expected = three.call(((image - common) * 255).expand(2, 3, 64, 64));
        Assert.True(one.call((image - common) * 255).allclose(expected, 1e-3, 1e-4));
    }

    [Fact]
    public void It_is_refused_to_a_net_of_other_blocks() =>
        Assert.Contains("has 10 tensors that resnet18 has no place for, 'layer4.2.conv1.weight' first",
            Assert.Throws<CheckpointException>(() => Loaded(Package, "resnet18")).Message);

    [Theory]
    [InlineData("AveragePool", "AveragePool")]
    [InlineData("Relu", "Relu")]
    [InlineData("MaxPool", "Relu")]                                       // a further block is looked for
    [InlineData("Add", "Add")]
    [InlineData("BatchNormalization", "BatchNormalization")]
    [InlineData("Conv", "Conv")]
    public void A_graph_with_another_operator_is_refused_by_the_node_s_name(string kind, string wanted)
    {
        var graph = Cntk.Value.Graph.Clone();
        var node = graph.Node.Last(n => n.OpType == kind);
        node.OpType = "Other";
        Assert.Contains($"node '{node.Name}' is of kind Other where {wanted} belongs", Refusal(graph));
    }

    [Fact]
    public void A_graph_with_other_numbers_or_without_a_norm_is_refused()
    {
        var step = Cntk.Value.Graph.Clone();
        step.Node.Last(n => n.OpType == "Conv").Attribute.Single(a => a.Name == "strides").Ints[0] = 2;
        Assert.Contains("node 'Convolution387' must have a kernel of 3, steps of 1", Refusal(step));
        var epsilon = Cntk.Value.Graph.Clone();
        epsilon.Node.Last(n => n.OpType == "BatchNormalization").Attribute.Single(a => a.Name == "epsilon").F = 1e-3f;
        Assert.Contains("an epsilon of 1e-5", Refusal(epsilon));
        var folded = Cntk.Value.Graph.Clone();
        var norm = folded.Node.Last(n => n.OpType == "BatchNormalization");
        folded.Node.Single(n => n.Input.Contains(norm.Output[0])).Input[0] = norm.Input[0];
        folded.Node.Remove(norm);
        Assert.Contains("is of kind Conv where BatchNormalization belongs", Refusal(folded));
        var more = Cntk.Value.Graph.Clone();
        more.Node.Add(new NodeProto { Name = "extra", OpType = "Relu", Input = { "Pooling395_Output_0" }, Output = { "more" } });
        Assert.Contains("node 'extra' has no place in one", Refusal(more));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Constants_that_kept_the_names_of_parameters_load_as_the_same_weights(bool outside)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var golden = GoldenModel.Open("resnet_basic");
        using var weights = golden.Weights();
        var path = Path.Combine(folder.Path, "m.onnx");
        File.WriteAllBytes(path, Named(weights, outside ? Path.Combine(folder.Path, "m.data") : null).ToByteArray());
        using var onnx = new ImageClassifier(golden.Build(), golden.Classes);
        using (var file = CheckpointFile.Open(path))
            onnx.Load(file, HeadLoading.Required);
        using var io = golden.Io();
        onnx.eval();
        Assert.True(onnx.Forward(io.Read("input")).Logits.allclose(io.Read("logits32"), 1e-4, 1e-5));
        if (outside)
        {
            File.Delete(Path.Combine(folder.Path, "m.data"));
            Assert.Contains("does not exist", Assert.Throws<CheckpointException>(() => CheckpointFile.Open(path)).Message);
        }
    }

    [Theory]
    [InlineData("../m.data", "leads out of the folder of the file")]
    [InlineData("/etc/passwd", "leads out of the folder of the file")]
    [InlineData("c:\\m.data", "leads out of the folder of the file")]
    [InlineData("", "leads out of the folder of the file")]
    public void Constants_in_a_file_elsewhere_are_refused(string location, string rule)
    {
        var constant = new TensorProto
        { Name = "fc.weight", DataType = 1, Dims = { 2 }, DataLocation = TensorProto.Types.DataLocation.External };
        constant.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = location });
        Assert.Contains(rule, OpeningFails(Graph(constant)));
    }

    [Fact]
    public void A_file_whose_norms_are_folded_whose_names_are_lost_or_whose_bytes_are_wrong_is_refused()
    {
        TensorProto Constant(string name, int bytes, params long[] dims) =>
            new() { Name = name, DataType = 1, Dims = { dims }, RawData = ByteString.CopyFrom(new byte[bytes]) };
        Assert.Contains("has its batch norms multiplied into its convolutions: 'onnx::Conv_193'",
            OpeningFails(Graph(Constant("onnx::Conv_193", 16, 1, 4))));
        var product = Graph(Constant("onnx::MatMul_7", 16, 1, 4));
        product.Graph.Node[0].OpType = "MatMul";
        Assert.Contains("'onnx::MatMul_7' says nothing of its place", OpeningFails(product));
        Assert.Contains("needs 16 bytes but has 12", OpeningFails(Graph(Constant("fc.weight", 12, 1, 4))));
        Assert.Contains("which no tensor has", OpeningFails(Graph(Constant("fc.weight", 12, -1, 4))));
        Assert.Contains("'fc.weight' twice", OpeningFails(Graph(Constant("fc.weight", 4, 1), Constant("fc.weight", 4, 1))));
        var bytes = Graph(Constant("fc.weight", 16, 1, 4)).ToByteArray();
        Assert.Contains("is truncated, damaged or not an ONNX file",
            Assert.Throws<CheckpointException>(() => CheckpointFile.Open(bytes.AsMemory(0, bytes.Length - 5), "cut.onnx")).Message);
    }

    private static ModelProto Graph(params TensorProto[] constants)
    {
        var model = new ModelProto
        { IrVersion = 8, ProducerName = "pytorch", Graph = new() { Node = { new NodeProto { OpType = "Conv", Name = "c" } } } };
        model.Graph.Initializer.Add(constants);
        return model;
    }

    private static ModelProto Named(SafetensorsFile weights, string? outside)
    {
        var model = Graph();
        model.Graph.Node.Add(new NodeProto { OpType = "BatchNormalization" });
        using var data = outside is null ? null : File.Create(outside);
        foreach (var name in weights.Names)
        {
            using var scope = NewDisposeScope();
            var value = weights.Read(name);
            var proto = new TensorProto { Name = name, DataType = value.dtype == ScalarType.Int64 ? 7 : 1, Dims = { value.shape } };
            if (data is null || value.dtype == ScalarType.Int64)
                proto.RawData = ByteString.CopyFrom(value.bytes);
            else
            {
                proto.DataLocation = TensorProto.Types.DataLocation.External;
                foreach (var (key, text) in (ReadOnlySpan<(string, string)>)[("location", Path.GetFileName(outside!)),
                    ("offset", $"{data.Position}"), ("length", $"{value.bytes.Length}")])
                    proto.ExternalData.Add(new StringStringEntryProto { Key = key, Value = text });
                data.Write(value.bytes);
            }
            model.Graph.Initializer.Add(proto);
        }
        return model;
    }

    private static string OpeningFails(ModelProto model) =>
        Assert.Throws<CheckpointException>(() => CheckpointFile.Open(model.ToByteArray(), "some.onnx")).Message;

    private static string Refusal(GraphProto graph) =>
        Assert.Throws<CheckpointException>(() => CntkResidualNet.Read(graph, "some.onnx")).Message;

    private static Backbone Loaded(string path, string model = Model, int? channels = null)
    {
        var classifier = new ImageClassifier(ModelRegistry.Create(model, 1, channels), classes: 1);
        using var file = CheckpointFile.Open(path);
        classifier.Load(file, HeadLoading.Never);
        classifier.eval();
        return classifier.Backbone;
    }

    private static Tensor Prepared(Backbone model, Tensor pixels) =>
        (pixels.to(float32) / 255 - tensor(model.Info.Mean).view(1, 3, 1, 1)) / tensor(model.Info.Std).view(1, 3, 1, 1);
}
