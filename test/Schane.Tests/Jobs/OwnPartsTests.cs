using Microsoft.Extensions.Logging;
using Schane.Data;
using Schane.Data.Dividing;
using Schane.Jobs;
using Schane.Models;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tests.Cli;
using Schane.Tests.Data;
using Schane.Training;

namespace Schane.Tests.Jobs;

/// <summary>A program trains on images of its own, and judges the model in its own way.</summary>
[Trait("Long", "1")]
public sealed class OwnPartsTests : IDisposable
{
    private readonly Photos photos = Photos.OfTwoClasses();

    private Recipe Short => new()
    {
        Data = photos.Data,
        NoRefit = true,
        Weights = "none",
        InputSize = 32,
        ImagesPerClass = 2,
        Steps = 3,
        EvaluateEvery = 2,
        Threads = 1,
        NoThumbnails = true,
    };

    private TrainingData Own
    {
        get
        {
            var divided = DividedData.Open(photos.Data);
            return new(divided.Train, divided.Validation, divided.Test);
        }
    }

    public void Dispose() => photos.Dispose();

    [Fact]
    public async Task Images_of_ones_own_train_to_the_weights_that_the_same_images_by_name_give()
    {
        var (named, _) = TrainJob.Run(Short, new() { Folder = At("named") });
        var (own, results) = await TrainJob.RunAsync(Short, new() { Folder = At("own"), Data = Own });
        Assert.Equal(File.ReadAllBytes(named.Model), File.ReadAllBytes(own.Model));
        Assert.Equal(Own.Test!.Count, results.Images);
    }

    [Fact]
    public void A_stopped_run_on_images_of_ones_own_goes_on_to_the_same_weights()
    {
        var options = new RunOptions { Data = Own };
        TrainJob.Run(Short, options with { Folder = At("whole") });
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() =>
            TrainJob.Run(Short, options with { Folder = At("stopped"), Progress = new AfterAStep(stop) }, stop.Token));
        TrainJob.Resume(At("stopped"), options);
        Assert.Equal(File.ReadAllBytes(RunFolder.Open(At("whole")).Model), File.ReadAllBytes(RunFolder.Open(At("stopped")).Model));
    }

    [Fact]
    public void Parts_with_other_classes_are_refused()
    {
        var error = Assert.Throws<SchaneException>(() =>
            TrainJob.Run(Short, new() { Folder = At("run"), Data = Own with { Test = new FakeDataset([0, 1, 2]) } }));
        Assert.Contains("must have the 2 classes of", error.Message);
    }

    [Fact]
    public void An_evaluator_of_ones_own_takes_the_place_of_the_built_in_one_and_the_log_hears_of_it()
    {
        var heard = new Heard();
        var (run, _) = TrainJob.Run(Short with { BestMetric = "taste" },
            new() { Folder = At("run"), Evaluator = new Taste(), Logger = heard });
        Assert.Equal([0.25], RunHistory.Read(run.Journal).Evaluations.Select(one => one.Metrics!["taste"]!.Value).Distinct());
        Assert.Contains(heard.Messages, message => message.Contains("taste 0.25", StringComparison.Ordinal));
    }

    private string At(string name) => Path.Combine(photos.Root, name);

    private sealed class Taste : IEvaluator
    {
        public string Part => "kitchen";

        public IReadOnlyList<string> Metrics => ["taste"];

        public IReadOnlyDictionary<string, double> Evaluate(ImageClassifier model, CancellationToken stop = default) =>
            new Dictionary<string, double> { ["taste"] = 0.25 };
    }

    private sealed class AfterAStep(CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value is { Phase: "train", Step: 1, Message: null })
                stop.Cancel();
        }
    }

    private sealed class Heard : ILogger
    {
        public List<string> Messages { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) =>
            Messages.Add(formatter(state, exception));
    }
}
