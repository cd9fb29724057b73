using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Schane.Checkpoints;
using Schane.Data;
using Schane.Evaluation;
using Schane.Models;
using Schane.Reporting;
using Schane.Training;

namespace Schane.Jobs;

/// <summary>Trains several settings on the same seeds and compares them pair by pair: what <c>schane compare</c> does.</summary>
/// <remarks>Runs that are finished are reused and runs that were cut short go on, so a comparison can be stopped at any time.</remarks>
public static class CompareJob
{
    /// <summary>Parts of a run in the progress over all runs.</summary>
    private const int Ticks = 1000;

    /// <summary>Makes the runs that are missing, then compares; writes <c>compare.json</c> and <c>compare.html</c>.</summary>
    /// <param name="options">What to compare.</param>
    /// <param name="progress">Told how far all runs together are, and when one ends.</param>
    /// <param name="stop">Saves the runs at work and stops.</param>
    /// <exception cref="SchaneException">Fewer than two arms, no seeds, or a run in the folder has another recipe.</exception>
    public static Comparison Run(CompareOptions options, IProgress<TrainingProgress>? progress = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Arms.Count < 2)
            throw new SchaneException($"A comparison needs two or more arms but has {options.Arms.Count}.");
        if (options.Seeds.Count == 0)
            throw new SchaneException("A comparison needs at least one seed.");
        var arms = SameBudget(options);
        // Seed by seed, so that a comparison that is cut short has whole pairs.
        var work = options.Seeds.SelectMany(seed => arms.Select(arm => (arm.Name, Recipe: arm.Recipe with { Seed = seed }))).ToList();
        MakeRuns(work, options, progress, stop);

        var runs = work.Select(item => (item.Name, Folder: RunFolder.Open(RunOf(options.Folder, item.Name, item.Recipe.Seed))))
            .Select(run => (run.Name, run.Folder, Results: RunResults.Load(run.Folder.Results))).ToList();
        var first = runs[0].Results;
        if (runs.FirstOrDefault(run => run.Results.Data != first.Data || run.Results.Part != first.Part).Results is { } odd)
            throw new SchaneException($"'{options.Folder}' holds runs on {first.Data} ({first.Part}) and on {odd.Data} ({odd.Part}); a comparison needs one data set. Name another folder with --out.");
        var folds = arms[0].Recipe.Folds;
        var comparison = new Comparison
        {
            Schane = RunFolder.Version,
            Data = first.Data,
            Model = first.Model,
            Part = first.Part,
            Images = first.Images,
            Budget = $"{first.Steps} steps",
            Metric = MetricOf(first),
            TestPerTrain = folds is { } k ? 1.0 / (k - 1) : null,
            Objectives = [.. arms.Select(arm => new ComparedObjective(arm.Name, CompareOptions.Label(arm.Name)))],
            Runs = [.. runs.Select(run => new ComparedRun(run.Name, run.Results.Seed, run.Results.Metrics, run.Results.PerClass?.ToDictionary(c => c.Class, c => c.Accuracy), run.Results.Seconds))],
        };
        comparison = comparison with { Bootstrap = Bootstrap(comparison, runs.ToDictionary(run => (run.Name, run.Results.Seed), run => run.Folder)) };
        comparison.Save(Path.Combine(options.Folder, "compare.json"));
        CompareReport.Write(comparison, Path.Combine(options.Folder, "compare.html"));
        return comparison;
    }

    /// <summary>Joins comparisons of the same arms and seeds on different data: the figures are the means over the data, seed by seed.</summary>
    /// <param name="folders">Folders that <see cref="Run"/> made.</param>
    /// <exception cref="SchaneException">A folder holds no comparison, or arms, seeds or metric differ.</exception>
    public static Comparison Mean(params IReadOnlyList<string> folders)
    {
        var parts = folders.Select(folder => Comparison.Load(Path.Combine(folder, "compare.json"))).ToList();
        var first = parts[0];
        var metric = first.Metric;
        var values = parts.Select(part => part.Runs.ToDictionary(run => (run.Objective, run.Seed), run => run.Metrics[part.Metric])).ToList();
        if (parts.Any(part => part.Metric != metric) || values.Any(v => !v.Keys.ToHashSet().SetEquals(values[0].Keys)))
            throw new SchaneException("The comparisons must have the same arms, seeds and metric; make them with the same arms and --seeds.");
        return first with
        {
            Data = string.Join(" and ", parts.Select(part => part.Data)),
            Bootstrap = null,
            Runs = [.. first.Runs.Select(run => new ComparedRun(run.Objective, run.Seed, new Dictionary<string, double> { [metric] = values.Average(v => v[(run.Objective, run.Seed)]) }))],
        };
    }

    /// <summary>How many images a data set has that does not come divided into parts; null for one that does.</summary>
    /// <exception cref="SchaneException">There are no such data.</exception>
    public static int? UndividedImages(string data, string? dataRoot = null) => data.Split(':')[0] is "lookalikes" or "omniglot" ? null : DividedData.UndividedImages(data, dataRoot);

    internal static string MetricOf(RunResults results) => results.Metrics.ContainsKey("error") ? "error" : "top1";

    /// <summary>
    /// The arms with everything that must be the same in all of them chosen once: model, input size, steps. A budget in time is measured on the last arm, and the
    /// choice is kept in the folder, so that a comparison that goes on has the same.
    /// </summary>
    private static List<(string Name, Recipe Recipe)> SameBudget(CompareOptions options)
    {
        var threads = Math.Max(1, Environment.ProcessorCount / options.Jobs);
        var arms = options.Arms.Select(arm => (arm.Name, Recipe: arm.Recipe with { Threads = arm.Recipe.Threads ?? threads })).ToList();
        var open = arms.Exists(arm => arm.Recipe.Precision == Precision.Auto);
        var last = arms[^1].Recipe with { Seed = options.Seeds[0], Precision = open ? Precision.Auto : arms[^1].Recipe.Precision };
        var kept = Path.Combine(options.Folder, "plan.yaml");
        var plan = File.Exists(kept) ? RecipeFile.Load(kept) : TrainJob.Resolved(last, options.DataRoot, options.Hub);
        if (!File.Exists(kept))
        {
            Directory.CreateDirectory(options.Folder);
            AtomicFile.WriteText(kept, RecipeFile.Write(plan with { Data = TrainJob.Shareable(plan.Data) }));
        }
        return [.. arms.Select(arm => (arm.Name, arm.Recipe with
        {
            Model = arm.Recipe.Model ?? plan.Model,
            Weights = arm.Recipe.Weights == last.Weights && InitialWeights.AreFetched(plan.Weights!) ? plan.Weights : arm.Recipe.Weights,
            InputSize = arm.Recipe.InputSize ?? plan.InputSize,
            ClassesPerBatch = arm.Recipe.ClassesPerBatch ?? plan.ClassesPerBatch,
            Steps = arm.Recipe.Steps ?? (arm.Recipe.Epochs is null || arm.Recipe.Epochs == last.Epochs ? plan.Steps : null),
            Kernel = plan.Kernel,
            Precision = arm.Recipe.Precision == Precision.Auto ? plan.Precision : arm.Recipe.Precision,
        }))];
    }

    private static void MakeRuns(List<(string Name, Recipe Recipe)> work, CompareOptions options, IProgress<TrainingProgress>? progress, CancellationToken stop)
    {
        var ticks = new int[work.Count];
        var watch = System.Diagnostics.Stopwatch.StartNew();
        void Tell(int run, int done, string? message)
        {
            ticks[run] = done;
            var sum = ticks.Sum(t => (long)t);
            var total = (long)work.Count * Ticks;
            var left = sum > 0 ? watch.Elapsed / sum * (total - sum) : (TimeSpan?)null;
            progress?.Report(new TrainingProgress("compare", sum, total, 0, null, 0, left, message));
        }
        foreach (var (name, recipe) in work)
            RequireSameRecipe(RunOf(options.Folder, name, recipe.Seed), recipe);
        try
        {
            All();
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.Flatten().InnerExceptions.FirstOrDefault(inner => inner is not OperationCanceledException) ?? e.InnerExceptions[0]);
        }

        void All() => Parallel.ForEach(Partitioner.Create(Enumerable.Range(0, work.Count), EnumerablePartitionerOptions.NoBuffering), new ParallelOptions { MaxDegreeOfParallelism = options.Jobs, CancellationToken = stop }, run =>
        {
            var (name, recipe) = work[run];
            var results = RunOne(RunOf(options.Folder, name, recipe.Seed), recipe, options, new Inner(step => Tell(run, (int)(step * (Ticks - 1)), null)), stop);
            Tell(run, Ticks, $"{CompareOptions.Label(name)}, seed {recipe.Seed}: {MetricOf(results)} {results.Metrics[MetricOf(results)]:P2}");
        });
    }

    private static RunResults RunOne(string path, Recipe recipe, CompareOptions options, IProgress<TrainingProgress> progress, CancellationToken stop)
    {
        if (!File.Exists(Path.Combine(path, "run.json")))
            return TrainJob.Run(recipe, path, force: false, options.DataRoot, progress, options.Hub, stop).Results;
        var run = RunFolder.Open(path);
        return File.Exists(run.Results) ? RunResults.Load(run.Results) : TrainJob.Resume(path, options.DataRoot, progress, hub: options.Hub, stop: stop).Results;
    }

    private static void RequireSameRecipe(string path, Recipe recipe)
    {
        if (File.Exists(Path.Combine(path, "run.json")) && TrainJob.Differs(RecipeFile.Load(RunFolder.Open(path).Recipe), recipe) is { } setting)
            throw new SchaneException($"'{path}' was made with another recipe ({setting}); name another folder with --out.");
    }

    /// <summary>Each later arm against each earlier one, over test items and seeds.</summary>
    private static List<BootstrapInterval> Bootstrap(Comparison comparison, Dictionary<(string Arm, int Seed), RunFolder> runs)
    {
        var items = runs.ToDictionary(run => run.Key, run => PredictedItem.Load(run.Value.Predictions));
        int[] seeds = [.. runs.Keys.Select(key => key.Seed).Distinct().Order()];
        var wrong = comparison.Metric == "error";
        double[] Outcomes(string arm, int seed) => [.. items[(arm, seed)].Select(item => item.Right != wrong ? 1.0 : 0.0)];
        var shared = items.Values.All(list => list.Select(item => item.Image).SequenceEqual(items.Values.First().Select(item => item.Image)));
        int[] groups = [.. items.Values.First().Select(item => item.Group)];
        List<BootstrapInterval> found = [];
        for (var later = 1; later < comparison.Objectives.Count; later++)
            for (var earlier = 0; earlier < later; earlier++)
            {
                var (a, b) = (comparison.Objectives[later].Name, comparison.Objectives[earlier].Name);
                double[][] first = [.. seeds.Select(seed => Outcomes(a, seed))], second = [.. seeds.Select(seed => Outcomes(b, seed))];
                var (low, high) = shared ? PairedBootstrap.Of(first, second, groups) : PairedBootstrap.WithinSeeds(first, second);
                found.Add(new(a, b, low, high));
            }
        return found;
    }

    private static string RunOf(string folder, string arm, int seed) => Path.Combine(folder, $"{arm}-s{seed}");

    private sealed class Inner(Action<double> share) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value is { Phase: "train", Message: null, Steps: > 0 })
                share((double)value.Step / value.Steps);
        }
    }
}
