using System.Text.Json;
using Schane.Models;
using Schane.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Models;

/// <summary>Every golden model: logits, embeddings, features, input gradient and the norm of every parameter's
/// gradient, in both precisions.</summary>
public sealed class GoldenModelTests(ITestOutputHelper output) : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public static TheoryData<string> Cases => GoldenModel.Names();

    public static TheoryData<string> TrainingCases =>
        [.. Cases.Select(c => c.Data).Where(n => GoldenModel.Open(n).Facts.TryGetProperty("train", out _))];

    public void Dispose() => scope.Dispose();

    [Theory, MemberData(nameof(Cases))]
    public void Computes_what_the_peer_computes(string name)
    {
        var golden = GoldenModel.Open(name);
        foreach (var type in (ScalarType[])[ScalarType.Float32, ScalarType.Float64])
        {
            var (digits, tolerance) = type == ScalarType.Float32 ? ("32", 2e-5) : ("64", InFloat32(golden) ? 2e-6 : 1e-9);
            using var io = golden.Io();
            using var model = Loaded(golden, type);
            model.eval();
            var images = io.Read("input").to(type).requires_grad_();

            var features = model.Backbone.Features(images);
            Close(io.Read($"features{digits}"), features, tolerance, $"{name} features{digits}");
            Close(io.Read($"pooled{digits}"), model.Backbone.Pool(features), tolerance, $"{name} pooled{digits}");
            var (embeddings, logits) = model.Forward(images);
            Close(io.Read($"pooled{digits}"), embeddings, tolerance, $"{name} embeddings{digits}");
            Close(io.Read($"logits{digits}"), logits, tolerance, $"{name} logits{digits}");

            nn.functional.cross_entropy(logits, io.Read("labels")).backward();
            Close(io.Read("input_grad64"), images.grad!, type == ScalarType.Float32 ? 2e-5 : tolerance * 10, $"{name} input gradient");
            CompareGradients(golden, golden.Facts.GetProperty($"grad_norm{digits}"), model, type);
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Writes_names_and_shapes_that_the_peer_reads(string name)
    {
        var golden = GoldenModel.Open(name);
        using var model = Loaded(golden, ScalarType.Float32);
        using var weights = golden.Weights();
        var naming = model.Backbone.Naming(weights.Names);
        var theirs = weights.Names.Where(n => naming(n) is not null)
            .ToDictionary(n => naming(n)!, n => string.Join(",", weights.ShapeOf(n)));
        Assert.Equal(theirs.OrderBy(t => t.Key),
            model.StateDict().ToDictionary(t => t.Key, t => string.Join(",", t.Value.shape)).OrderBy(t => t.Key));
        // there the peer's names differ from timm's, and it has a text branch
        if (!InFloat32(golden))
            Assert.Equal(weights.Names.Order(), model.StateDict().Keys.Order());
    }

    [Theory, MemberData(nameof(TrainingCases))]
    public void Trains_as_the_peer_does(string name)
    {
        var golden = GoldenModel.Open(name);
        using var io = golden.Io();
        using var model = Loaded(golden, ScalarType.Float64);
        model.train();
        if (io.Names.Contains("train.input"))
        {
            var logits = model.Forward(io.Read("train.input").to(ScalarType.Float64)).Logits;
            Close(io.Read("train.logits64"), logits, 1e-9, $"{name} train.logits64");
            nn.functional.cross_entropy(logits, io.Read("train.labels")).backward();
            var state = model.StateDict();
            foreach (var buffer in io.Names.Where(n => n.StartsWith("train.buffer.", StringComparison.Ordinal)))
                Close(io.Read(buffer), state[buffer["train.buffer.".Length..]], 1e-9, buffer);
        }
        else
        {
            var (ofClass, ofDistillation) = model.HeadLogits(model.Backbone.Features(io.Read("input").to(ScalarType.Float64)));
            Close(io.Read("train.logits_cls64"), ofClass, 1e-9, $"{name} class head");
            Close(io.Read("train.logits_dist64"), ofDistillation, 1e-9, $"{name} distillation head");
            var labels = io.Read("labels");
            (0.5 * (nn.functional.cross_entropy(ofClass, labels) + nn.functional.cross_entropy(ofDistillation, labels))).backward();
        }
        CompareGradients(golden, golden.Facts.GetProperty("train").GetProperty("grad_norm64"), model, ScalarType.Float64);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Gives_the_same_gradients_where_blocks_are_run_again_in_the_backward_pass(string name)
    {
        var golden = GoldenModel.Open(name);
        using var io = golden.Io();
        using var kept = Loaded(golden, ScalarType.Float64);
        using var recomputed = Loaded(golden, ScalarType.Float64);
        if (golden.Peer == "ResNet")
        {
            Assert.Contains("batch norm", Assert.Throws<SchaneException>(() => recomputed.Backbone.Recomputes = true).Message);
            return;
        }
        recomputed.Backbone.Recomputes = true;
        long Train(ImageClassifier model) => FlopCount.Of(() =>
        {
            model.train();
            nn.functional.cross_entropy(model.Forward(io.Read("input").to(ScalarType.Float64)).Logits, io.Read("labels")).backward();
        });
        var once = Train(kept);
        Assert.InRange(Train(recomputed), once + 1, 2 * once);             // everything but stem and head runs twice
        foreach (var (one, two) in kept.NamedParameters().Zip(recomputed.NamedParameters()))
            Close(one.Parameter.grad!, two.Parameter.grad!, 1e-12, one.Name);
    }

    /// <summary>torchscale computes softmax and GELU in float32 whatever the model's type.</summary>
    private static bool InFloat32(GoldenModel golden) => golden.Peer == "BEiT3ForImageClassification";

    private static ImageClassifier Loaded(GoldenModel golden, ScalarType type)
    {
        var model = new ImageClassifier(golden.Build(), golden.Classes);
        using var weights = golden.Weights();
        var report = model.Load(weights, HeadLoading.Required);
        Assert.Empty(report.Resized);
        Assert.Empty(report.Reinitialised);
        model.to(type);
        return model;
    }

    /// <summary>Norms to 1e-4 of their own size in float32, 1e-6 in float64; below the floor both are noise.</summary>
    private void CompareGradients(GoldenModel golden, JsonElement norms, ImageClassifier model, ScalarType type)
    {
        using var weights = golden.Weights();
        var naming = model.Backbone.Naming(weights.Names);
        var parameters = model.NamedParameters().ToDictionary(p => p.Name, p => p.Parameter);
        var compared = 0;
        foreach (var norm in norms.EnumerateObject())
        {
            if (norm.Value.ValueKind == JsonValueKind.Null || naming(norm.Name) is not { } here)
                continue;
            var (wanted, actual) = (norm.Value.GetDouble(), parameters[here].grad!.to(ScalarType.Float64).norm().item<double>());
            Assert.True(Math.Abs(actual - wanted) <= 1e-6 + (type == ScalarType.Float32 ? 1e-4 : 1e-6) * wanted,
                $"gradient of {norm.Name}: {actual}, peer {wanted}");
            compared++;
        }
        Assert.Equal(parameters.Count, compared);
        output.WriteLine($"{golden.Name}: {compared} gradient norms in {type}");
    }

    private static void Close(Tensor expected, Tensor actual, double tolerance, string what)
    {
        Assert.Equal(expected.shape, actual.shape);
        var wanted = expected.to(ScalarType.Float64);
        var difference = (wanted - actual.detach().to(ScalarType.Float64)).abs().max().item<double>();
        tolerance *= Math.Max(1, wanted.abs().max().item<double>());
        Assert.True(difference <= tolerance, $"{what}: differs by {difference}, allowed {tolerance}");
    }
}
