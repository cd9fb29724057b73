using Schane.Checkpoints;
using Schane.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Models;

public sealed class ImageClassifierTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    [Fact]
    public void Gives_embeddings_of_the_backbone_or_of_its_projection_and_logits()
    {
        using var plain = Tiny(classes: 5);
        var (embeddings, logits) = plain.Forward(zeros(2, 3, 64, 64));
        Assert.Equal([2, 128], embeddings.shape);
        Assert.Equal([2, 5], logits.shape);

        using var projected = new ImageClassifier(ModelRegistry.Create("schane_tiny", 1), 5, new() { ProjectionWidth = 16 });
        Assert.Equal([2, 16], projected.Forward(zeros(2, 3, 64, 64)).Embeddings.shape);
        projected.eval();                                                 // the projection serves the loss alone
        Assert.Equal([2, 128], projected.Forward(zeros(2, 3, 64, 64)).Embeddings.shape);
        Assert.Contains("projection.fc2.weight", projected.StateDict().Keys);
    }

    [Theory]
    [InlineData("beit3_base_patch16_224", null, 2e-5)]
    [InlineData("vit_tiny_patch16_224", null, 0.02)]
    [InlineData("vit_tiny_patch16_224", 0.01, 2e-4)]
    public void A_new_head_starts_as_small_as_the_backbone_is_fine_tuned_with(string name, double? scale, double deviation)
    {
        using var model = new ImageClassifier(ModelRegistry.Uninitialised(name), 10, new() { HeadInitScale = scale });
        Assert.InRange(model.StateDict()["head.weight"].std().item<float>(), 0.95 * deviation, 1.05 * deviation);
    }

    [Fact]
    public void Takes_its_own_weights_back_and_then_computes_the_same()
    {
        using var one = Tiny(classes: 5, seed: 1);
        using var other = Tiny(classes: 5, seed: 2);
        one.eval();
        other.eval();
        var images = rand(2, 3, 64, 64);
        Assert.False(one.Forward(images).Logits.allclose(other.Forward(images).Logits));

        var report = other.Load(one.StateDict(), HeadLoading.Required);

        Assert.Equal(one.StateDict().Count, report.Used.Count);
        Assert.Equal(one.Forward(images).Logits.data<float>().ToArray(), other.Forward(images).Logits.data<float>().ToArray());
    }

    [Theory]
    [InlineData(double.NaN, "has NaN in 'conv1.weight'")]
    [InlineData(double.NegativeInfinity, "has infinity in 'conv1.weight'")]
    public void Weights_that_are_not_finite_are_refused_by_the_name_of_the_tensor(double value, string sentence)
    {
        using var model = Tiny(classes: 5);
        var weights = model.StateDict().ToDictionary(e => e.Key, e => e.Value.detach().clone());
        weights["conv1.weight"].view(-1)[3] = tensor((float)value);
        using var other = Tiny(classes: 5);
        Assert.Contains(sentence, Assert.Throws<CheckpointException>(() => other.Load(weights)).Message);
    }

    [Fact]
    public void Keeps_its_new_head_where_the_checkpoint_has_other_classes_and_says_so()
    {
        using var one = Tiny(classes: 5, seed: 1);
        using var other = Tiny(classes: 7, seed: 2);
        var report = other.Load(one.StateDict());
        Assert.Equal(["fc.bias", "fc.weight"], report.Reinitialised.Order());
        Assert.Equal(["fc.bias", "fc.weight"], report.Ignored.Order());
        Assert.Contains("2 begin anew (fc.weight, fc.bias), 2 of the file left out", report.ToString());
        Assert.Throws<CheckpointException>(() => other.Load(one.StateDict(), HeadLoading.Required));

        using var same = Tiny(classes: 5, seed: 3);
        Assert.Equal(["fc.bias", "fc.weight"], same.Load(one.StateDict(), HeadLoading.Never).Reinitialised.Order());
    }

    [Fact]
    public void Refuses_a_checkpoint_with_a_tensor_too_few_or_too_many_or_of_another_shape_and_changes_nothing()
    {
        using var model = Tiny(classes: 5, seed: 1);
        var before = model.StateDict()["conv1.weight"].clone();
        var state = Tiny(classes: 5, seed: 2).StateDict();
        Dictionary<string, Tensor> Without(string name) => state.Where(t => t.Key != name).ToDictionary();

        Assert.Contains("no tensor for 'layer2.0.bn1.running_var'", Refusal(Without("layer2.0.bn1.running_var")));
        Assert.Contains("'layer9.weight' first", Refusal(new(state) { ["layer9.weight"] = ones(1) }));
        Assert.Contains("but schane_tiny needs [24, 3, 3, 3]",
            Refusal(new(Without("conv1.weight")) { ["conv1.weight"] = ones(24, 3, 7, 7) }));
        Assert.Contains("stores 'conv1.weight' as Int64",
            Refusal(new(Without("conv1.weight")) { ["conv1.weight"] = ones(24, 3, 3, 3, dtype: ScalarType.Int64) }));
        Assert.True(before.Equals(model.StateDict()["conv1.weight"]));

        string Refusal(Dictionary<string, Tensor> tensors) => Assert.Throws<CheckpointException>(() => model.Load(tensors)).Message;
    }

    [Fact]
    public void Sums_the_first_convolution_where_RGB_weights_go_into_a_gray_net()
    {
        using var colour = Tiny(classes: 5, seed: 1);
        using var gray = new ImageClassifier(ModelRegistry.Create("schane_tiny", 2, channels: 1), 5);
        var report = gray.Load(colour.StateDict());
        Assert.Equal(["conv1.weight [24, 3, 3, 3] → [24, 1, 3, 3]"], report.Resized);
        colour.eval();
        gray.eval();
        var image = rand(2, 1, 64, 64);
        Assert.True(gray.Forward(image).Logits.allclose(colour.Forward(image.expand(2, 3, 64, 64)).Logits, 1e-4, 1e-5));
    }

    private static ImageClassifier Tiny(int classes, long seed = 1) =>
        new(ModelRegistry.Create("schane_tiny", seed), classes, new() { Seed = seed });
}
