using Schane.Data.Feeding;
using Schane.Models;
using Schane.Tests.Support;
using Schane.Training;
using static TorchSharp.torch;

namespace Schane.Tests.Training;

[Collection(WholeProcess.Name)]
public class MemoryCheckTests
{
    [Fact]
    public void A_pass_that_does_not_fit_is_refused_with_the_micro_batch_that_does()
    {
        using var scope = NewDisposeScope();
        var (model, batch) = Some();
        var message =
            Assert.Throws<SchaneException>(() => MemoryCheck.Require(model, batch, rows: 16384, further: 0, free: 1_000_000_000)).Message;
        Assert.Matches(@"^A pass of 16384 images needs about \d+\.\d GB of memory but 1\.0 GB are free; use --micro-batch \d+, " +
            @"which leaves the batch and its negatives as they are, or --checkpoint-activations\.$", message);
    }

    [Fact]
    public void Where_not_even_one_image_fits_other_ways_out_are_named()
    {
        using var scope = NewDisposeScope();
        var (model, batch) = Some();
        Assert.Contains("not even one image fits", Assert.Throws<SchaneException>(() =>
            MemoryCheck.Require(model, batch, rows: 16384, further: 2_000_000_000, free: 1_000_000_000)).Message);
    }

    [Fact]
    public void A_pass_that_fits_changes_no_weight_and_no_running_statistic()
    {
        using var scope = NewDisposeScope();
        var (model, batch) = Some();
        var before = model.StateDict().ToDictionary(t => t.Key, t => t.Value.clone());
        MemoryCheck.Require(model, batch, rows: 16, further: 0, free: long.MaxValue);
        Assert.All(model.StateDict(), t => Assert.True(before[t.Key].Equals(t.Value), t.Key));
    }

    private static (ImageClassifier, Batch) Some()
    {
        var model = new ImageClassifier(ModelRegistry.Create("convnet4", seed: 1, inputSize: 64), 3);
        model.train();
        return (model, new(0, 0, randn(256, 1, 64, 64), zeros(256, ScalarType.Int64), arange(256, ScalarType.Int64),
            [.. Enumerable.Range(0, 256)], [.. Enumerable.Range(0, 256)]));
    }
}
