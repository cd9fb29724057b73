using Schane.Data.Feeding;
using Schane.Distributed;
using Schane.Losses;
using Schane.Models;
using Schane.Recipes;
using Schane.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Training;

/// <summary>The seam: loss at the embeddings, whatever the micro-batches.</summary>
[Trait("Long", "1")]
public class TrainingStepTests
{
    [Theory]
    [InlineData("ce", 0, false)]
    [InlineData("supcon", 0, false)]
    [InlineData("schane", 0, false)]
    [InlineData("schane", 0.5, false)]
    [InlineData("schane", 0.5, true)]
    public void Micro_batches_give_the_gradient_of_the_whole_batch(string loss, double dropPath, bool recomputes)
    {
        using var scope = NewDisposeScope();
        var whole = GradientOf(loss, microBatch: null, dropPath);
        foreach (var size in (int[])[1, 3, 4])                                             // 8 rows: even, uneven and single
            Assert.True(Apart(GradientOf(loss, size, dropPath, recomputes), whole) <= 1e-12, $"micro-batches of {size}");
    }

    [Fact]
    public void Micro_batches_give_the_float32_gradient_of_the_whole_batch_within_1e_5()
    {
        using var scope = NewDisposeScope();
        var whole = GradientOf("schane", null, type: ScalarType.Float32, rows: 64);
        foreach (var size in (int[])[8, 32])
            Assert.InRange(Apart(GradientOf("schane", size, type: ScalarType.Float32, rows: 64), whole), 0, 1e-5);
    }

    [Fact]
    public void Accumulation_gives_the_mean_of_the_gradients_of_its_micro_batches()
    {
        using var scope = NewDisposeScope();
        var accumulated = GradientOf("schane", 4, accumulates: true);
        var mean = (GradientOf("schane", null, part: (0, 4)) + GradientOf("schane", null, part: (4, 4))) / 2;
        Assert.InRange(Apart(accumulated, mean), 0, 1e-12);
        Assert.True(Apart(accumulated, GradientOf("schane", 4)) > 1e-3, "It should not be the gradient of the whole batch.");
    }

    [Fact]
    public void Images_that_wait_as_bytes_give_the_gradient_of_normalised_ones()
    {
        using var scope = NewDisposeScope();
        var scale = new Schane.Data.Transforms.InputShape(3, 32, [0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);
        using var floats = Images(8, 3, 32);
        var bytes = randint(256, [8, 3, 32, 32], dtype: ScalarType.Int32, generator: new Generator(3, CPU)).to_type(ScalarType.Byte);
        Tensor Of(float[] values) => tensor(values).view(1, 3, 1, 1);
        var normalised = (bytes.to_type(ScalarType.Float32) / 255 - Of(scale.Mean)) / Of(scale.Std);
        foreach (var mixing in (MixedPairs?[])[null, MixedPairs.Soft])
            Assert.InRange(
                Apart(GradientOf("schane", 2, mixing: mixing, type: ScalarType.Float32,
                    images: floats with { Images = bytes, Scale = scale }),
                    GradientOf("schane", 2, mixing: mixing, type: ScalarType.Float32, images: floats with { Images = normalised })), 0,
                1e-5);
    }

    [Fact]
    public void Drop_path_drops_something_else_at_every_step()
    {
        using var scope = NewDisposeScope();
        var (first, second, plain) = (GradientOf("schane", null, 0.5),
            GradientOf("schane", null, 0.5, step: 1), GradientOf("schane", null));
        Assert.True(Apart(first, second) > 1e-3);
        Assert.True(Apart(first, plain) > 1e-3);
    }

    private static double Apart(Tensor gradient, Tensor other) => (gradient - other).norm().ToDouble() / other.norm().ToDouble();

    [Theory]
    [InlineData(MixedPairs.Soft, "schane")]
    [InlineData(MixedPairs.Clean, "schane")]
    [InlineData(MixedPairs.Clean, "hcl")]
    [InlineData(MixedPairs.Soft, "ce")]
    public void Mixed_images_give_one_gradient_whatever_the_micro_batches(MixedPairs mixing, string loss)
    {
        using var scope = NewDisposeScope();
        var whole = GradientOf(loss, microBatch: null, mixing: mixing);
        foreach (var size in (int[])[1, 3, 4])
            Assert.True(Apart(GradientOf(loss, size, mixing: mixing), whole) <= 1e-12, $"micro-batches of {size}");
        Assert.True(Apart(GradientOf(loss, null), whole) > 1e-3, "Nothing was mixed.");
    }

    [Fact]
    public void Clean_mixing_shows_the_contrastive_term_the_unmixed_images_and_cross_entropy_the_mixtures()
    {
        using var scope = NewDisposeScope();
        var (model, plain) = Build("convnet4", 16, "schane", null);
        // running statistics: a row does not depend on the others
        model.eval();
        using var batch = Images(rows: 8, channels: 1, side: 16);
        using var unmixed = plain.Run(batch, 0);
        using var clean = Mixed(model, MixedPairs.Clean).Run(batch, 0);
        using var soft = Mixed(model, MixedPairs.Soft).Run(batch, 0);
        Assert.Equal(unmixed.Contrastive, clean.Contrastive, 1e-6);
        Assert.Equal(soft.CrossEntropy, clean.CrossEntropy, 1e-6);
        Assert.True(Math.Abs(soft.Contrastive - clean.Contrastive) > 1e-3);
        Assert.True(Math.Abs(unmixed.CrossEntropy - clean.CrossEntropy) > 1e-5);
        model.Dispose();
    }

    private static TrainingStep Mixed(ImageClassifier model, MixedPairs mixing) =>
        new(model, new SharedObjective(new JointObjective(new JointOptions { Loss = new SchaneLoss(), Mixed = mixing }),
            new SingleProcess()), null, CPU, seed: 5, new Recipe { Mixup = 0.8, Cutmix = 1 }.Mixer(3));

    [Fact]
    public void Running_statistics_move_once_however_many_micro_batches_there_are()
    {
        using var scope = NewDisposeScope();
        using var random = Images(rows: 8, channels: 1, side: 16);
        var (model, step) = Build("convnet4", 16, "schane", microBatch: 4);
        step.Run(random, 0).Dispose();
        var counters = model.StateDict().Where(t => t.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal))
            .Select(t => t.Value.item<long>()).ToList();
        Assert.NotEmpty(counters);
        Assert.All(counters, counter => Assert.Equal(2, counter));                         // two micro-batches, second pass only
    }

    [Fact]
    public void Steps_leave_no_tensor_behind()
    {
        var (model, step) = Build("convnet4", 16, "schane", microBatch: 4);
        using var batch = Images(rows: 8, channels: 1, side: 16);
        using var scope = NewDisposeScope();
        step.Run(batch, 0).Dispose();                                                      // makes the gradients
        var before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        for (var i = 0; i < 20; i++)
            step.Run(batch, i).Dispose();
        Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
        model.Dispose();
    }

    private static Tensor GradientOf(string loss, int? microBatch, double dropPath = 0, bool recomputes = false, long step = 0,
        MixedPairs? mixing = null, bool accumulates = false,
        ScalarType type = ScalarType.Float64, int rows = 8, (int At, int Count)? part = null, Batch? images = null)
    {
        var (model, seam) = Build("vit_tiny_patch16_224:depth=4", 32, loss, microBatch, dropPath, mixing, accumulates);
        model.Backbone.Recomputes = recomputes;
        model.to(type);
        using var parameters = new FlatParameters(
            [.. model.NamedParameters().Select(p => ((Tensor)p.Parameter, new ParameterTreatment(1, 0)))]);
        using var own = Images(rows, channels: 3, side: 32, type);
        var batch = images ?? own;
        if (part is var (at, count))
            batch = batch with
            {
                Images = batch.Images.narrow(0, at, count),
                Labels = batch.Labels.narrow(0, at, count),
                ImageIds = batch.ImageIds.narrow(0, at, count),
                Indices = batch.Indices[at..(at + count)],
                Positions = batch.Positions[at..(at + count)]
            };
        seam.Run(batch, step).Dispose();
        model.Dispose();
        return parameters.Gradients.clone();
    }

    private static (ImageClassifier, TrainingStep) Build(string name, int side, string loss, int? microBatch, double dropPath = 0,
        MixedPairs? mixing = null, bool accumulates = false)
    {
        var model = new ImageClassifier(ModelRegistry.Create(name, seed: 1, inputSize: side, dropPath: dropPath), classes: 3);
        model.train();
        var options = new JointOptions { Loss = LossRegistry.Find(loss) } is var plain && mixing is { } pairs
            ? plain with { Mixed = pairs } : plain;
        return (model, new TrainingStep(model, new SharedObjective(new JointObjective(options), new SingleProcess()), microBatch, CPU,
            seed: 5, mixing is null ? null : new Recipe { Mixup = 0.8, Cutmix = 1 }.Mixer(3), accumulates));
    }

    private static Batch Images(int rows, int channels, int side, ScalarType type = ScalarType.Float32)
    {
        var generator = new Generator(7, CPU);
        var images = randn([rows, channels, side, side], dtype: ScalarType.Float64, generator: generator).to(type).DetachFromDisposeScope();
        var labels = tensor((long[])[.. Enumerable.Range(0, rows).Select(i => (long)(i / 2 % 3))]).DetachFromDisposeScope();
        return new Batch(0, 0, images, labels, arange(rows, dtype: ScalarType.Int64).DetachFromDisposeScope(),
            [.. Enumerable.Range(0, rows)], [.. Enumerable.Range(0, rows)]);
    }
}
