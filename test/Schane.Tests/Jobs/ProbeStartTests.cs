using Schane.Jobs;
using Schane.Losses;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tests.Cli;
using Schane.Training;

namespace Schane.Tests.Jobs;

/// <summary>The linear probe that a run on a pre-trained trunk begins with.</summary>
[Trait("Long", "1")]
public sealed class ProbeStartTests : IDisposable
{
    private Recipe Probed => new()
    {
        Data = photos.Data,
        NoRefit = true,
        Model = "schane_tiny",
        Weights = "embedded",
        NoProbe = false,
        Loss = new SchaneLoss(),
        Steps = 6,
        InputSize = 32,
        ClassesPerBatch = 2,
        ImagesPerClass = 2,
        SaveEvery = 2,
        EvaluateEvery = 3,
        Ema = 0.9,
        Threads = 1,
        NoThumbnails = true,
    };

    private readonly Photos photos = Photos.OfTwoClasses();

    public void Dispose() => photos.Dispose();

    [Fact]
    public void Without_steps_it_is_the_model_of_the_run()
    {
        var (run, results) = TrainJob.Run(Probed with { Steps = 0 }, new() { Folder = At("alone") });
        var probe = results.Probe!;
        Assert.True(probe.Kept);
        Assert.Null(probe.FineTuned);
        Assert.Equal((0, 1.0), (results.Steps, results.Metrics["top1"]));        // red and blue
        Assert.Equal(results.Metrics["top1"], probe.Test!["top1"]);
        Assert.Equal(results.Metrics["top1"], EvaluateJob.Run(run.Root, photos.Data).Metrics["top1"]);
        Assert.Contains("linear probe that the run began with", File.ReadAllText(run.Report));
    }

    [Fact]
    public void It_is_told_before_the_first_step_and_fine_tuning_begins_from_it()
    {
        var said = new Told();
        var (run, results) = TrainJob.Run(Probed with { Steps = 1, LearningRate = 1e-9, Ema = null },
            new() { Folder = At("run"), Progress = said });
        var message = Assert.Single(said.Messages, m => m.StartsWith("Linear probe after", StringComparison.Ordinal));
        Assert.True(said.Messages.IndexOf(message) < said.Messages.FindIndex(m => m.StartsWith("step 1", StringComparison.Ordinal)));
        var found = RunHistory.Read(run.Journal).Probe!;
        // A step that moves nothing leaves the probe's probabilities, but for the statistics of its batch.
        Assert.Equal(found.Metrics["nll"], results.Probe!.FineTuned!["nll"], 0.2);
        Assert.NotEqual(Math.Log(2), results.Probe.FineTuned["nll"], 0.1);           // a random head's
        Assert.All(found.Metrics, metric => Assert.Equal(metric.Value, results.Probe.Validation[metric.Key], 1e-8));
    }

    [Fact]
    public void It_is_kept_where_fine_tuning_does_worse_and_both_are_told()
    {
        var (run, results) = TrainJob.Run(Probed with { LearningRate = 0.01, Warmup = 0, Ema = null, BestMetric = "nll" },
            new() { Folder = At("run") });
        var (alone, _) = TrainJob.Run(Probed with { Steps = 0 }, new() { Folder = At("alone") });
        Assert.True(results.Probe!.Kept);
        Assert.True(results.Probe.FineTuned!["nll"] > results.Probe.Validation["nll"]);
        Assert.Equal(File.ReadAllBytes(alone.Model), File.ReadAllBytes(run.Model));
    }

    [Theory]
    [InlineData("top1", 0.8, 0.7, 0.75, "linear probe")]
    [InlineData("top1", 0.8, 0.85, 0.82, "mean")]
    [InlineData("top1", 0.8, 0.81, 0.82, "fine-tuned model")]
    [InlineData("top1", 0.8, 0.8, 0.8, "fine-tuned model")]
    [InlineData("top1", 0.8, 0.8, 0.7, "mean")]
    [InlineData("top1", 0.8, double.NaN, double.NaN, "linear probe")]
    [InlineData("top1", 0.8, 0.85, double.NaN, "mean")]
    [InlineData("nll", 0.8, double.NaN, 0.7, "fine-tuned model")]
    [InlineData("nll", 0.8, 0.7, 0.75, "mean")]
    [InlineData("nll", 0.6, 0.7, 0.75, "linear probe")]
    public void The_best_of_the_three_is_kept_and_at_a_tie_rather_what_was_trained(
        string metric, double probe, double mean, double tuned, string kept)
    {
        Dictionary<string, double> Figures(double value) => new() { [metric] = value };
        Assert.Equal(kept, ProbeStart.Compare(Figures(probe), Figures(mean), Figures(tuned), 100, metric).KeptName);
    }

    [Fact]
    public void The_mean_of_both_is_kept_where_half_the_way_is_better_than_all_of_it()
    {
        // A rate at which six steps go far beyond the best weights, in a good direction.
        var (run, results) = TrainJob.Run(Probed with { LearningRate = 10, Warmup = 0, Ema = null, BestMetric = "nll" },
            new() { Folder = At("run") });
        var probe = results.Probe!;
        Assert.True(probe.MeanKept, $"{probe.Validation["nll"]}, {probe.Mean!["nll"]}, {probe.FineTuned!["nll"]}");
        Assert.True(probe.Mean["nll"] < probe.FineTuned["nll"] && probe.Mean["nll"] < probe.Validation["nll"]);
        Assert.Contains("so the mean is kept", File.ReadAllText(run.Report));
    }

    [Fact]
    public void A_run_that_was_stopped_goes_on_to_the_same_bits_and_keeps_the_probe_that_it_has()
    {
        TrainJob.Run(Probed, new() { Folder = At("whole") });
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => TrainJob.Run(Probed,
            new() { Folder = At("stopped"), Progress = new Stopper(stop) }, stop.Token));
        var said = new Told();
        TrainJob.Resume(At("stopped"), new() { Progress = said });
        Assert.DoesNotContain(said.Messages, m => m.StartsWith("Linear probe after", StringComparison.Ordinal));
        Assert.Equal(File.ReadAllBytes(Path.Combine(At("whole"), "model.safetensors")),
            File.ReadAllBytes(Path.Combine(At("stopped"), "model.safetensors")));
        Assert.NotNull(RunHistory.Read(Path.Combine(At("stopped"), "journal.jsonl")).Probe);
    }

    [Theory]
    [InlineData(false, null, "none", "random")]
    [InlineData(null, 0, "none", "random")]
    [InlineData(true, 0, "embedded", "no-probe leaves it out")]
    public void One_that_makes_no_sense_is_refused_in_a_sentence(bool? leftOut, int? steps, string weights, string word)
    {
        var wrong = Assert.Throws<SchaneException>(() =>
            TrainJob.Run(Probed with { NoProbe = leftOut, Steps = steps ?? 2, Weights = weights }, new() { Folder = At("wrong") }));
        Assert.Contains(word, wrong.Message);
    }

    [Fact, Trait("Slow", "1")]
    public void Embedded_weights_and_random_ones_have_none_unless_it_is_asked_for()
    {
        foreach (var weights in (string[])["embedded", "none"])
            Assert.Null(TrainJob.Run(Probed with { NoProbe = null, Steps = 1, Weights = weights },
                new() { Folder = At(weights) }).Results.Probe);
        var file = Path.Combine(At("embedded"), "model.safetensors");
        Assert.NotNull(TrainJob.Run(Probed with { NoProbe = null, Steps = 1, Weights = file },
            new() { Folder = At("file") }).Results.Probe);
    }

    private string At(string name) => Path.Combine(photos.Root, name);

    private sealed class Told : IProgress<TrainingProgress>
    {
        public List<string> Messages { get; } = [];

        public void Report(TrainingProgress value)
        {
            if (value.Message is { } message)
                Messages.Add(message);
        }
    }

    private sealed class Stopper(CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value is { Phase: "train", Step: 3 })
                stop.Cancel();
        }
    }
}
