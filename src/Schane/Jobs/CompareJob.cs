using System.Collections.Concurrent;
using Schane.Checkpoints;
using Schane.Reporting;
using Schane.Training;

namespace Schane.Jobs;

/// <summary>Trains the arms of a recipe on the same seeds and compares them pair by pair: what <c>schane compare</c> does.</summary>
/// <remarks>Runs that are finished are reused and runs that were cut short go on, so a comparison can be stopped at any time.</remarks>
public static class CompareJob
{
    /// <summary>Makes the runs that are missing, then compares.</summary>
    /// <param name="recipeFile">Recipe with at least two arms.</param>
    /// <param name="folder">Folder of the comparison; a run lies in <c>ARM-sSEED</c>.</param>
    /// <param name="seeds">Seeds of every arm, at least 1.</param>
    /// <param name="jobs">Runs at a time; each takes its share of the cores.</param>
    /// <param name="dataRoot">Folder of the named data sets.</param>
    /// <param name="progress">Told when a run starts and ends.</param>
    /// <param name="stop">Saves the runs at work and stops.</param>
    /// <exception cref="SchaneException">The recipe has fewer than two arms, or a finished run has another recipe.</exception>
    public static Comparison Run(
        string recipeFile, string folder, IReadOnlyList<int> seeds, int jobs = 1, string? dataRoot = null, IProgress<TrainingProgress>? progress = null, CancellationToken stop = default)
    {
        var (_, arms) = RecipeFile.LoadArms(recipeFile);
        if (arms.Count < 2)
            throw new SchaneException($"Recipe '{recipeFile}' has {arms.Count} arms; a comparison needs two or more documents 'arm: NAME' after the first.");
        if (seeds.Count == 0)
            throw new SchaneException("A comparison needs at least one seed.");
        var threads = Math.Max(1, Environment.ProcessorCount / Math.Max(1, jobs));
        // Seed by seed, so that a comparison that is cut short has whole pairs.
        var work = seeds.SelectMany(seed => arms.Select(arm => (arm.Name, Recipe: arm.Recipe with { Seed = seed, Threads = arm.Recipe.Threads ?? threads }))).ToList();
        var done = 0;
        Parallel.ForEach(Partitioner.Create(work, EnumerablePartitionerOptions.NoBuffering), new ParallelOptions { MaxDegreeOfParallelism = jobs, CancellationToken = stop }, item =>
        {
            var path = RunOf(folder, item.Name, item.Recipe.Seed);
            var results = RunOne(path, item.Recipe, dataRoot, stop);
            progress?.Report(new TrainingProgress("compare", Interlocked.Increment(ref done), work.Count, 0, null, 0, null,
                $"{item.Name}, seed {item.Recipe.Seed}: {MetricOf(results)} {results.Metrics[MetricOf(results)]:P2}"));
        });
        var runs = work.Select(item => (item.Name, Results: RunResults.Load(RunFolder.Open(RunOf(folder, item.Name, item.Recipe.Seed)).Results))).ToList();
        var first = runs[0].Results;
        var comparison = new Comparison
        {
            Schane = RunFolder.Version,
            Data = first.Data,
            Model = first.Model,
            Part = first.Part,
            Images = first.Images,
            Budget = $"{first.Steps} steps",
            Metric = MetricOf(first),
            Objectives = [.. arms.Select(arm => new ComparedObjective(arm.Name, arm.Name))],
            Runs = [.. runs.Select(run => new ComparedRun(run.Name, run.Results.Seed, run.Results.Metrics, run.Results.PerClass?.ToDictionary(c => c.Class, c => c.Accuracy), run.Results.Seconds))],
        };
        comparison.Save(Path.Combine(folder, "compare.json"));
        CompareReport.Write(comparison, Path.Combine(folder, "compare.html"));
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
            Runs = [.. first.Runs.Select(run => new ComparedRun(run.Objective, run.Seed, new Dictionary<string, double> { [metric] = values.Average(v => v[(run.Objective, run.Seed)]) }))],
        };
    }

    internal static string MetricOf(RunResults results) => results.Metrics.ContainsKey("error") ? "error" : "top1";

    private static RunResults RunOne(string path, Recipe recipe, string? dataRoot, CancellationToken stop)
    {
        if (!File.Exists(Path.Combine(path, "run.json")))
            return TrainJob.Run(recipe, path, force: false, dataRoot, null, stop).Results;
        var run = RunFolder.Open(path);
        var wanted = TrainJob.Differs(RecipeFile.Load(run.Recipe), recipe);
        if (wanted is not null)
            throw new SchaneException($"'{path}' was made with another recipe ({wanted}); name another folder with --out.");
        return File.Exists(run.Results) ? RunResults.Load(run.Results) : TrainJob.Resume(path, dataRoot, stop: stop).Results;
    }

    private static string RunOf(string folder, string arm, int seed) => Path.Combine(folder, $"{arm}-s{seed}");
}
