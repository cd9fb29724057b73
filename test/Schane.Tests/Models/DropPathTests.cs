using Schane.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Models;

public sealed class DropPathTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    [Theory]
    [InlineData("vit_tiny_patch16_224", 32)]
    [InlineData("convnext_atto", 32)]
    [InlineData("swin_tiny_patch4_window7_224", 32)]
    public void Drops_by_sample_whatever_the_micro_batch(string name, int size)
    {
        using var backbone = ModelRegistry.Create(name, 1, inputSize: size, dropPath: 0.5);
        if (name.StartsWith("convnext", StringComparison.Ordinal))        // initial layer scale hides the branches
            foreach (var (parameterName, parameter) in backbone.named_parameters())
                if (parameterName.EndsWith("gamma", StringComparison.Ordinal))
                    using (no_grad())
                        parameter.fill_(1);
        backbone.train();
        using var _ = no_grad();
        var images = rand(4, 3, size, size);

        Tensor Pass(long step, params long[] samples) =>
            backbone.Drawing(new(Seed: 5, step, samples), () => backbone.call(images.index_select(0, tensor(samples))));

        var whole = Pass(0, 0, 1, 2, 3);
        var parts = cat([Pass(0, 0), Pass(0, 1, 2), Pass(0, 3)]);
        Assert.InRange((whole - parts).abs().max().item<float>(), 0, 1e-5);
        Assert.True((whole - Pass(1, 0, 1, 2, 3)).abs().max().item<float>() > 1e-3);
        backbone.eval();
        Assert.True((whole - backbone.call(images)).abs().max().item<float>() > 1e-3);
    }

    [Fact]
    public void Blocks_run_again_in_another_pass_drop_what_they_dropped()
    {
        double[] Gradient(bool again)
        {
            using var backbone = ModelRegistry.Create("vit_tiny_patch16_224", 1, inputSize: 32, dropPath: 0.5);
            backbone.Recomputes = again;
            backbone.train();
            var embeddings = backbone.Drawing(new(5, 0, [0, 1, 2]), () => backbone.call(full([3, 3, 32, 32], 0.3)));
            backbone.Drawing(new(5, 1, [3, 4]), () =>                     // the next pass, another batch
            {
                embeddings.pow(3).sum().backward();
                return backbone.call(full([2, 3, 32, 32], 0.3));
            });
            return [.. backbone.named_parameters().Select(p => p.parameter.grad!.norm().item<float>()).Select(n => (double)n)];
        }
        Assert.All(Gradient(false).Zip(Gradient(true)), pair => Assert.Equal(pair.First, pair.Second, 1e-4 * (1 + pair.First)));
    }

    [Fact]
    public void Keeps_the_share_it_says_and_scales_it_up()
    {
        var drops = new Schane.Models.Layers.DropPaths();
        var (first, second) = (drops.Layer(0.25), drops.Layer(0.25));
        drops.Draws = new(1, 7, [.. Enumerable.Range(0, 4000).Select(row => (long)row)]);
        var (one, two) = (first.Apply(ones(4000, 2), training: true), second.Apply(ones(4000, 2), training: true));
        Assert.InRange(one.mean().item<float>(), 0.95, 1.05);
        Assert.Equal([0f, 4f / 3], one.unique(sorted: true).output.data<float>().ToArray());
        Assert.False(one.equal(two).all().item<bool>());                  // layers draw apart
    }

    [Fact]
    public void Training_without_knowing_the_samples_is_an_error()
    {
        using var backbone = ModelRegistry.Create("vit_tiny_patch16_224", 1, inputSize: 32, dropPath: 0.1);
        backbone.train();
        Assert.Contains("names its samples", Assert.Throws<InvalidOperationException>(() => backbone.call(zeros(1, 3, 32, 32))).Message);
        Assert.Contains("2 samples but the batch has 1", Assert.Throws<InvalidOperationException>(
            () => backbone.Drawing(SampleDraws.Of(2), () => backbone.call(zeros(1, 3, 32, 32)))).Message);
        Assert.Contains("has no drop path",
            Assert.Throws<SchaneException>(() => ModelRegistry.Create("resnet18", 1, dropPath: 0.1)).Message);
    }
}
