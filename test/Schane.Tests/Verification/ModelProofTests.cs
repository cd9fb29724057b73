using Schane.Models;
using Schane.Tests.Support;
using Schane.Verification;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Verification;

/// <summary>The proof that a machine computes a model as float64 says, with faults planted in a layer as wrong kernels make them.</summary>
/// <remarks>Alone, since a proof must leave the process's random numbers as they were, which other tests draw from.</remarks>
[Collection(WholeProcess.Name)]
public sealed class ModelProofTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    [Theory]
    [InlineData(Precision.Float32, 1e-9, 1e-5)]
    [InlineData(Precision.Bf16, 1e-4, 1.5e-2)]                             // three roundings to 8 bits
    public void A_right_model_is_off_by_the_rounding_of_its_precision_alone(Precision precision, double least, double most)
    {
        var found = ModelProof.OfTraining(Model(Fault.None, precision), Images(8));
        Assert.Null(found.Fault);
        Assert.InRange(found.Error, least, most);
        Assert.Equal((precision, 8), (found.Precision, found.Images));
    }

    [Theory]
    [InlineData(Fault.Float32, Precision.Float32, "fc2", "its output", 1)]
    [InlineData(Fault.TrainingOnly, Precision.Float32, "fc2", "its output", 1)]
    [InlineData(Fault.BatchesOnly, Precision.Float32, "fc2", "its output", 8)]
    [InlineData(Fault.Bf16Only, Precision.Bf16, "fc2", "its output", 1)]
    [InlineData(Fault.InputGradient, Precision.Float32, "fc2", "the gradient of its input", 1)]
    [InlineData(Fault.WeightGradient, Precision.Float32, "fc2", "the gradient of fc2.weight", 1)]
    [InlineData(Fault.BetweenLayers, Precision.Float32, "fc3", "what is done before it", 1)]
    [InlineData(Fault.NotANumber, Precision.Float32, "fc2", "its output", 1)]
    public void A_fault_is_named_with_its_layer_and_the_number_of_images_it_takes(
        Fault fault, Precision precision, string layer, string what, int images)
    {
        var found = ModelProof.OfTraining(Model(fault, precision), Images(8));
        Assert.NotNull(found.Fault);
        Assert.Equal((layer, what, images), (found.Fault.Layer, found.Fault.What, found.Images));
        Assert.True(found.Fault.Error > found.Fault.Allowed, $"{found.Fault}");
    }

    [Fact]
    public void An_error_is_that_of_the_place_itself_and_not_of_what_it_becomes()
    {
        // 0.5 times the last channels: half of the largest of them, compared with the largest of all.
        var found = ModelProof.OfTraining(Model(Fault.Float32, Precision.Float32), Images(8));
        Assert.InRange(found.Fault!.Error, 0.01, 0.5);
    }

    [Fact]
    public void A_fault_of_bf16_alone_leaves_float32_proven_and_a_fault_of_gradients_leaves_prediction_proven()
    {
        Assert.Null(ModelProof.OfTraining(Model(Fault.Bf16Only, Precision.Float32), Images(8)).Fault);
        Assert.Null(ModelProof.OfInference(Model(Fault.InputGradient, Precision.Float32), Images(8)).Fault);
        Assert.Equal("fc2", ModelProof.OfInference(Model(Fault.BatchesOnly, Precision.Float32), Images(8)).Fault?.Layer);
    }

    [Fact]
    public void A_run_in_bf16_has_its_evaluation_in_float32_proven_too()
    {
        var model = Model(Fault.None, Precision.Bf16);
        Assert.Null(ModelProof.OfTraining(model, Images(8)).Fault);
        // Right in training passes, whose output is bf16; wrong in those of evaluation.
        var wrong = ModelProof.OfTraining(Model(Fault.EvaluationOnly, Precision.Bf16), Images(8)).Fault;
        Assert.Equal(("fc2", "its output"), (wrong?.Layer, wrong?.What));
        Assert.InRange(wrong!.Allowed, 1e-4, 1e-3);
    }

    [Fact]
    public void A_proof_leaves_the_model_as_it_was_bit_for_bit()
    {
        var model = Model(Fault.None, Precision.Bf16);
        model.eval();
        model.Backbone.train();
        foreach (var (_, parameter, _, _) in model.NamedParameters())
            parameter.grad = ones_like(parameter);
        model.NamedParameters().First().Parameter.requires_grad = false;
        var before = model.StateDict().ToDictionary(t => t.Key, t => t.Value.clone());
        var random = get_rng_state();
        var trained = model.NamedParameters().Select(p => p.Parameter.requires_grad).ToList();

        ModelProof.OfTraining(model, Images(8));

        Assert.All(model.StateDict(), t => Assert.True(before[t.Key].Equals(t.Value), t.Key));
        Assert.All(model.NamedParameters(), p => Assert.True(ones_like(p.Parameter).Equals(p.Parameter.grad!), p.Name));
        Assert.Equal(trained, model.NamedParameters().Select(p => p.Parameter.requires_grad));
        Assert.Equal((false, true, Precision.Bf16), (model.training, model.Backbone.training, model.Precision));
        Assert.True(random.Equals(get_rng_state()));
        Assert.True(is_grad_enabled());
    }

    [Theory]
    [InlineData("convnet4", 32, Precision.Float32)]
    [InlineData("schane_tiny", 32, Precision.Bf16)]
    [InlineData("vit_tiny_patch16_224", 32, Precision.Bf16)]
    public void Models_of_the_registry_are_proven(string name, int side, Precision precision)
    {
        var info = ModelRegistry.InfoOf(name);
        var backbone = ModelRegistry.Create(name, 1, inputSize: side, dropPath: info.HasDropPath ? 0.5 : 0);
        using var model = new ImageClassifier(backbone, 5, new() { ProjectionWidth = 16 }) { Precision = precision };
        Proven(model, side);
    }

    [Fact]
    [Trait("Slow", "1")]
    public void Every_model_of_the_registry_is_proven()
    {
        foreach (var name in ModelRegistry.Names)
        {
            using var _ = NewDisposeScope();
            using var model = Export.RegistryExportTests.Small(name);
            Proven(model, model.Backbone.Info.InputSize);
        }
    }

    private static void Proven(ImageClassifier model, int side)
    {
        var found = ModelProof.OfTraining(model, Images(4, side, model.Backbone.Info.Channels));
        Assert.True(found.Fault is null, $"{model.Backbone.Info.Name} in {model.Precision}: {found.Fault}");
        Assert.InRange(found.Error, 1e-9, Tolerance.Of(model.Precision, DeviceType.CPU) / 2);    // half of it is left to other processors
    }

    private static ImageClassifier Model(Fault fault, Precision precision)
    {
        var net = new FaultyNet(fault);
        net.Initialise(seed: 1);
        return new ImageClassifier(net, classes: 5, new() { ProjectionWidth = 8 }) { Precision = precision };
    }

    private static Tensor Images(int count, int side = 8, int channels = 3) =>
        Support.Some.Rows(count, channels * side * side, dtype: ScalarType.Float32).view(count, channels, side, side);
}
