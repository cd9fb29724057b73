// Lets a measure of one's own judge the model while it trains, and keeps the weights that it likes best.
// OwnEvaluator FOLDER
using OwnEvaluator;
using Schane.Data;
using Schane.Jobs;
using Schane.Recipes;
using Schane.Training;

var folder = args is [var given] ? given : Path.Combine("runs", "own-evaluator");
var recipe = new Recipe
{
    Data = "lookalikes",
    LabelsPerClass = 2,
    InputSize = 32,
    ClassesPerBatch = 8,
    ImagesPerClass = 2,
    Steps = 6,
    EvaluateEvery = 2,
    BestMetric = "nearest_mean",
    FinalWeights = FinalWeights.Best,
    Threads = 1,
};
var told = new Told();
var evaluator = new NearestMean(DatasetCatalog.Open("lookalikes:val"));
var (_, results) = TrainJob.Run(recipe, new() { Folder = folder, Evaluator = evaluator, Progress = told });
Console.WriteLine($"{told.Evaluations} evaluations; {results.Metrics["top1"]:P1} of the test images are right");

/// <summary>Counts what the evaluator was asked.</summary>
internal sealed class Told : IProgress<TrainingProgress>
{
    /// <summary>Evaluations so far.</summary>
    public int Evaluations { get; private set; }

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        if (value.Message?.Contains("nearest_mean", StringComparison.Ordinal) != true)
            return;
        Evaluations++;
        Console.WriteLine(value.Message);
    }
}
