using Schane.Models;
using Schane.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Models;

/// <summary>Mixed precision: half products in training passes, float32 everywhere else.</summary>
public class PrecisionTests
{
    [Theory]
    [InlineData("vit_tiny_patch16_224", 32)]
    [InlineData("convnet4", 32)]
    public void Bf16_gives_nearly_the_gradient_of_float32_and_keeps_weights_and_gradients_in_float32(string name, int side)
    {
        using var scope = NewDisposeScope();
        var (exact, _) = GradientOf(name, side, Precision.Float32);
        var (mixed, types) = GradientOf(name, side, Precision.Bf16);
        Assert.InRange(((mixed - exact).norm() / exact.norm()).ToDouble(), 1e-4, 0.2);     // near, and not the same: the products were half
        Assert.Equal([ScalarType.Float32], types);
    }

    [Theory]
    [Trait("Slow", "1")]
    [InlineData("beit_base_patch16_224", 32)]
    [InlineData("swin_tiny_patch4_window7_224", 64)]
    [InlineData("convnext_tiny", 32)]
    [InlineData("resnet18", 32)]
    public void Bf16_does_so_in_every_family(string name, int side) =>
        Bf16_gives_nearly_the_gradient_of_float32_and_keeps_weights_and_gradients_in_float32(name, side);

    [Fact]
    public void Evaluation_does_not_depend_on_the_precision()
    {
        using var scope = NewDisposeScope();
        using var model = new ImageClassifier(ModelRegistry.Create("vit_tiny_patch16_224", seed: 1, inputSize: 32), classes: 3);
        using var _ = no_grad();
        var images = randn(2, 3, 32, 32);
        model.eval();
        var exact = model.Forward(images).Logits;
        model.Precision = Precision.Bf16;
        Assert.True(exact.Equals(model.Forward(images).Logits));
    }

    [Fact]
    public void Embeddings_and_logits_are_float32_in_a_mixed_pass()
    {
        using var scope = NewDisposeScope();
        using var model = new ImageClassifier(ModelRegistry.Create("convnet4", seed: 1, inputSize: 32), classes: 3)
        { Precision = Precision.Bf16 };
        model.train();
        var (embeddings, logits) = model.Forward(randn(2, 1, 32, 32));
        Assert.Equal((ScalarType.Float32, ScalarType.Float32), (embeddings.dtype, logits.dtype));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_bf16_product_and_its_gradients_are_exact_ones_of_rounded_factors_rounded_once(bool convolution)
    {
        using var scope = NewDisposeScope();
        using Layer layer = convolution ? new Convolution(8, 16, 3, padding: 1, hasBias: true) : new Dense(8, 16);
        using var init = new WeightInit(5);
        layer.Initialise(init);
        layer.Products = ScalarType.BFloat16;
        layer.train();
        var x = randn(convolution ? [4, 8, 6, 6] : [4, 6, 8], generator: new Generator(3, CPU)).requires_grad_();
        var output = layer.call(x);
        output.backward([Rounded(output.detach())]);

        Tensor[] factors = [.. layer.parameters().Prepend(x).Select(t => Rounded(t.detach()).to_type(ScalarType.Float64).requires_grad_())];
        var exact = convolution ? nn.functional.conv2d(factors[0], factors[1], factors[2], padding: [1, 1])
            : nn.functional.linear(factors[0], factors[1], factors[2]);
        exact.backward([output.detach().to_type(ScalarType.Float64)]);

        Assert.Equal(ScalarType.BFloat16, output.dtype);
        foreach (var (ours, expected) in layer.parameters().Prepend(x).Zip(factors, (t, f) => (t.grad!, f.grad!)).Prepend((output, exact)))
            // sums in float32 move a last digit now and then
            Assert.InRange(Rounded(ours).eq(Rounded(expected)).to_type(ScalarType.Float64).mean().ToDouble(), 0.95, 1);

        static Tensor Rounded(Tensor value) => value.to_type(ScalarType.BFloat16);
    }

    [Fact]
    public void A_model_is_not_told_to_choose() =>
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            new ImageClassifier(ModelRegistry.Create("convnet4", seed: 1), 3).Precision = Precision.Auto);

    private static (Tensor, ScalarType[]) GradientOf(string name, int side, Precision precision)
    {
        using var model = new ImageClassifier(ModelRegistry.Create(name, seed: 1, inputSize: side), classes: 3) { Precision = precision };
        model.train();
        var images = randn([8, model.Backbone.Info.Channels, side, side], generator: new Generator(3, CPU));
        nn.functional.cross_entropy(model.Forward(images).Logits, tensor((long[])[0, 1, 2, 0, 1, 2, 0, 1])).backward();
        var parameters = model.NamedParameters().Select(p => p.Parameter).Where(p => p.grad is not null).ToList();
        return (cat([.. parameters.Select(p => p.grad!.flatten())]).to_type(ScalarType.Float64),
            [.. parameters.SelectMany(p => new[] { p.dtype, p.grad!.dtype }).Distinct()]);
    }
}
