using Schane.Models;
using Schane.Tensors;
using Schane.Verification;
using static TorchSharp.torch;

namespace Schane.Tests.Verification;

/// <summary>
/// The proof on models and images where large terms cancel: it finds no fault, since there is none. Every family, weights that are drawn,
/// embedded, and driven far off by steps of a large rate; images of noise, of one colour, black, all the same, of two colours.
/// </summary>
public sealed class ModelProofStressTests
{
    /// <summary>Batches of the slow test, out of any number.</summary>
    private const int Batches = 24;

    private static readonly (string Name, int[] Sides)[] Families =
    [
        ("schane_tiny", [32, 64, 112]), ("convnet4", [32, 48]), ("resnet20_cntk", [32]), ("resnet18:widths=16-32-64-128", [32, 64, 224]),
        ("resnet50:depths=1-1-1-1,widths=16-32-64-128", [32, 64, 96]), ("convnext_atto:depths=1-1-1-1", [32, 64]),
        ("vit_tiny_patch16_224:depth=3", [32, 64, 224]), ("deit_tiny_distilled_patch16_224:depth=2", [32, 64]),
        ("beit_base_patch16_224:depth=2,width=96,heads=3", [32, 64]), ("beit3_base_patch16_224:depth=2,width=96,heads=3", [32, 64]),
        ("swin_tiny_patch4_window7_224:depths=2-2,width=48,heads=3-6,window=4", [32, 64]),
    ];

    [Fact]
    [Trait("Slow", "1")]
    public void Cancellation_is_not_taken_for_a_fault()
    {
        var alarms = new List<string>();
        for (var seed = 0; seed < Batches; seed++)
        {
            using var _ = NewDisposeScope();
            var (about, found) = Draw(seed);
            if (found.Fault is not null)
                alarms.Add($"{seed}: {about}: {found.Fault}");
        }
        Assert.True(alarms.Count == 0, string.Join('\n', alarms));
    }

    private static (string About, ProofResult Found) Draw(int seed)
    {
        var random = new SampleRandom(seed, 5);
        int Of(int count) => (int)random.Below(count);
        var (name, sides) = Families[Of(Families.Length)];
        var side = sides[Of(sides.Length)];
        var precision = Of(2) == 0 ? Precision.Float32 : Precision.Bf16;
        var (pictures, steps, count) = (Of(7), Of(3) == 0 ? 0 : 1 + Of(4), 2 + Of(7));
        var rate = new[] { 0.01, 0.1, 1, 10 }[Of(4)];
        var backbone = ModelRegistry.Create(name, seed, inputSize: side);
        var model = new ImageClassifier(backbone, 2 + Of(6), new() { ProjectionWidth = Of(2) == 0 ? 16 : null });
        model.Precision = precision;
        if (EmbeddedWeights.Exist(name) && Of(2) == 0)
        {
            using var weights = EmbeddedWeights.Open(name);
            model.Load(weights);
        }
        var images = Pictures(pictures, count, side, model.Backbone.Info.Channels, seed);
        for (var i = 0; i < steps; i++)
            Step(model, images, rate);
        if (Of(4) == 0)
            foreach (var parameter in model.Backbone.parameters())
                parameter.requires_grad = false;
        var found = Of(4) == 0 ? ModelProof.OfInference(model, images) : ModelProof.OfTraining(model, images);
        return ($"{name} at {side} in {precision}, {count} images of kind {pictures}, {steps} steps of {rate}", found);
    }

    private static Tensor Pictures(int kind, int count, int side, int channels, int seed)
    {
        var noise = Support.Some.Rows(count, channels * side * side, seed, ScalarType.Float32).view(count, channels, side, side);
        var colours = noise.narrow(2, 0, 1).narrow(3, 0, 1).expand(noise.shape);
        return (kind switch
        {
            0 => noise,
            1 => colours,                                                 // each of one colour
            2 => full_like(noise, -2.1),                                  // black
            3 => noise.narrow(0, 0, 1).expand(noise.shape),               // all the same
            4 => colours.narrow(0, 0, 1).expand(noise.shape),             // all of one colour
            5 => colours.index(arange(count, ScalarType.Int64).div(2, RoundingMode.floor) % 2),    // two of one colour, two of another
            _ => colours + (noise > 2.5).to_type(ScalarType.Float32),     // of one colour, with specks
        }).contiguous();
    }

    private static void Step(ImageClassifier model, Tensor images, double rate)
    {
        model.train();
        model.zero_grad();
        var (_, logits) = model.Forward(images);
        nn.functional.cross_entropy(logits, arange(images.shape[0], ScalarType.Int64) % model.Classes).backward();
        using var _ = no_grad();
        foreach (var parameter in model.parameters())
            if (parameter.grad is { } gradient)
                parameter.add_(gradient, alpha: -rate);
        model.zero_grad();
    }
}
