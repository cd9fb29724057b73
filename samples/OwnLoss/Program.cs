// Trains with a loss that the library does not have: by name from a recipe, as an object from code, and on from where a run was stopped.
// OwnLoss FOLDER
using OwnLoss;
using Schane.Jobs;
using Schane.Losses;
using Schane.Recipes;
using Schane.Runs;
using Schane.Training;

var folder = args is [var given] ? given : Path.Combine("runs", "own-loss");

LossRegistry.Register(new MultiSimilarityLoss());                      // from here on recipes know its name and its settings
var recipe = RecipeFile.Parse("""
    loss: multi-similarity
    alpha: 2
    beta: 40
    threshold: 0.4
    lambda: 0.5
    data: lookalikes
    labels-per-class: 2
    input-size: 32
    classes-per-batch: 4
    images-per-class: 2
    steps: 4
    save-every: 2
    threads: 1
    no-thumbnails: true
    """, "own-loss.yaml");
Show("by name", TrainJob.Run(recipe, new() { Folder = Path.Combine(folder, "by-name") }).Results);

var loss = new MultiSimilarityLoss { Beta = 40, Threshold = 0.4 };
Show("by object", TrainJob.Run(recipe with { Loss = loss, Beta = null }, new() { Folder = Path.Combine(folder, "by-object") }).Results);

using var stop = new CancellationTokenSource();
var stopped = Path.Combine(folder, "resumed");
try
{
    TrainJob.Run(recipe, new() { Folder = stopped, Progress = new StopAt(2, stop) }, stop.Token);
}
catch (OperationCanceledException)
{
    Show("resumed", TrainJob.Resume(stopped).Results);
}

static void Show(string how, RunResults results) => Console.WriteLine($"{how}: {results.Loss}, {results.Metrics["top1"]:P1} right");

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
