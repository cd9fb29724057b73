using Schane.Jobs.Labels;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Jobs.Studies;

/// <summary>Estimates how long many runs will take, before the first begins.</summary>
internal static class RunEstimate
{
    /// <summary>Number of steps of one kind below which timing a few would cost as much as it saves.</summary>
    private const int WorthMeasuring = 200;

    /// <summary>Share of a run that its steps take; loading, evaluation and the measuring at the end take the rest.</summary>
    private const double ShareOfSteps = 0.8;

    /// <summary>
    /// Runs, steps and threads, and about how long: by the time a step takes in finished runs of the same kind, else in a few steps tried
    /// here. Without a time where the work is short, or a frozen trunk makes what a step takes hard to tell.
    /// </summary>
    /// <param name="work">All runs.</param>
    /// <param name="done">Results of those that are finished.</param>
    /// <param name="jobs">Runs side by side.</param>
    /// <param name="data">What the runs see.</param>
    public static string Sentence(IReadOnlyList<PlannedRun> work,
        IReadOnlyDictionary<PlannedRun, RunResults> done, int jobs, DataSetup data)
    {
        var left = work.Where(run => !done.ContainsKey(run))
            .Select(run => (run.Recipe, Shape: ShapeOf(run.Recipe, data), Steps: StepsOf(run.Recipe, data))).ToList();
        var known = done.Where(run => run.Value is { Seconds: > 0, Steps: > 0 }).GroupBy(run => ShapeOf(run.Key.Recipe, data))
            .ToDictionary(kind => kind.Key, kind => kind.Average(run => run.Value.Seconds / run.Value.Steps));
        var tried = false;
        double? seconds = 0;
        foreach (var kind in left.GroupBy(run => run.Shape))
        {
            if (!known.TryGetValue(kind.Key, out var step))
            {
                if (kind.Key.Frozen || kind.Sum(run => (long)run.Steps) < WorthMeasuring)
                {
                    seconds = null;
                    break;
                }
                (step, tried) = (Try(kind.First().Recipe, kind.Key, data), true);
            }
            seconds += kind.Sum(run => run.Steps * step * (SelfTraining.IsWanted(run.Recipe) ? 2 : 1)) / ShareOfSteps;
        }
        var steps = left.Select(run => run.Steps).Distinct().Order().ToArray();
        var threads = left.Count == 0 ? 0 : ComputeThreads.For(left[0].Recipe.Threads, jobs).Count;
        var time = seconds is { } all
            ? $", about {Spoken(all / Math.Min(jobs, Math.Max(1, left.Count)))} by " +
                $"{(tried ? "a few steps tried here" : "the finished runs")}" : "";
        return left.Count == 0 ? $"All {Runs(work.Count)} are there."
            : $"{Runs(work.Count)}{(done.Count > 0 ? $", {done.Count} of them there already" : "")}: {left.Count} to make, " +
                $"{(steps.Length == 1 ? $"{steps[0]}" : $"{steps[0]} to {steps[^1]}")} steps each, {Math.Min(jobs, left.Count)} at a " +
                $"time on {threads} {(threads == 1 ? "thread" : "threads")}{time}.";
    }

    private readonly record struct Shape(string Model, int Size, int Rows, int Pass, bool Contrasts, Precision Precision,
        bool Recomputes, bool Frozen, int? Threads);

    private static Shape ShapeOf(Recipe recipe, DataSetup data)
    {
        var info = ModelRegistry.InfoOf(recipe.Model ?? data.Model);
        var rows = RowsOf(recipe, data) * recipe.Views;
        return new(recipe.Model ?? data.Model, recipe.InputSize ?? info.InputSize, rows, Math.Min(recipe.MicroBatch ?? rows, rows),
            recipe.Objective().Contrasts, recipe.Precision, recipe.CheckpointActivations, recipe.Freeze is not null, recipe.Threads);
    }

    private static int RowsOf(Recipe recipe, DataSetup data) =>
        recipe.Batch ?? BatchShape.ClassesPerBatch(recipe, data.Train.Classes.Count) * recipe.ImagesPerClass;

    private static int StepsOf(Recipe recipe, DataSetup data) => recipe.Steps ?? (recipe.Epochs ?? data.Epochs ?? 1)
        * Samplers.For(recipe, data).BatchesPerEpoch;

    private static double Try(Recipe recipe, Shape shape, DataSetup data)
    {
        recipe = recipe with { Model = shape.Model };
        var pass = ComputeThreads.During(ComputeThreads.For(recipe.Threads).Count, () => RunPlan.Measure(
            size => TrainingPlan.NewClassifier(recipe, data.Train.Classes.Count, size), shape.Size, shape.Pass, recipe.Objective(),
            device(recipe.Device)));
        // Micro-batches pass once more, forward alone, which is about a third of a pass.
        return shape.Pass == shape.Rows ? pass : pass * shape.Rows / shape.Pass * (recipe.Accumulate ? 1 : 4.0 / 3);
    }

    private static string Runs(int count) => count == 1 ? "1 run" : $"{count} runs";

    private static string Spoken(double seconds) =>
        seconds < 90 ? $"{seconds:F0} s" : seconds < 5400 ? $"{seconds / 60:F0} min" : $"{seconds / 3600:F1} h";
}
