// Decides which images meet in a batch, and goes on with the same batches after a stop.
// OwnSampler FOLDER
using OwnSampler;
using Schane.Jobs;
using Schane.Recipes;
using Schane.Training;

var folder = args is [var given] ? given : Path.Combine("runs", "own-sampler");
var recipe = new Recipe { Data = "lookalikes", LabelsPerClass = 3, InputSize = 32, Steps = 5, SaveEvery = 1, Threads = 1 };
var options = new RunOptions { Sampler = images => new NeighbourSampler(images, classes: 4, perClass: 3, seed: recipe.Seed) };
var (_, results) = TrainJob.Run(recipe, options with { Folder = Path.Combine(folder, "whole") });
Console.WriteLine($"whole: {results.Metrics["top1"]:P1} right");

using var stop = new CancellationTokenSource();
var stopped = Path.Combine(folder, "stopped");
try
{
    TrainJob.Run(recipe, options with { Folder = stopped, Progress = new StopAt(2, stop) }, stop.Token);
}
catch (OperationCanceledException)
{
    Console.WriteLine($"stopped and resumed: {TrainJob.Resume(stopped, options).Results.Metrics["top1"]:P1} right");
}

/// <summary>Stops a training once it has done some steps.</summary>
internal sealed class StopAt(long step, CancellationTokenSource stop) : IProgress<TrainingProgress>
{
    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        if (value.Phase == "train" && value.Step >= step && value.Message is null)
            stop.Cancel();
    }
}
