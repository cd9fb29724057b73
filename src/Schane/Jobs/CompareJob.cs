using System.Text.Json;
using Schane.Checkpoints;
using Schane.Training;

namespace Schane.Jobs;

/// <summary>Trains the arms of a recipe on the same seeds and compares them pair by pair: what <c>schane compare</c> does.</summary>
/// <remarks>Runs that are finished are reused and runs that were cut short go on, so a comparison can be stopped at any time.</remarks>
public static class CompareJob
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

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
        Parallel.ForEach(work, new ParallelOptions { MaxDegreeOfParallelism = jobs, CancellationToken = stop }, item =>
        {
            var path = RunOf(folder, item.Name, item.Recipe.Seed);
            var results = RunOne(path, item.Recipe, dataRoot, stop);
            progress?.Report(new TrainingProgress("compare", Interlocked.Increment(ref done), work.Count, 0, null, 0, null,
                $"{item.Name}, seed {item.Recipe.Seed}: {MetricOf(results)} {results.Metrics[MetricOf(results)]:P2}"));
        });
        var comparison = Comparison.Of([.. arms.Select(arm => new ArmRuns(arm.Name, [.. seeds.Select(seed => RunResults.Load(RunFolder.Open(RunOf(folder, arm.Name, seed)).Results))]))]);
        AtomicFile.WriteText(Path.Combine(folder, "compare.json"), JsonSerializer.Serialize(comparison, Json) + "\n");
        return comparison;
    }

    /// <summary>Joins comparisons of the same arms and seeds on different data: the figures are the means over the data, seed by seed.</summary>
    /// <param name="folders">Folders that <see cref="Run"/> made.</param>
    /// <exception cref="SchaneException">A folder holds no comparison, or arms or seeds differ.</exception>
    public static Comparison Mean(params IReadOnlyList<string> folders)
    {
        var parts = folders.Select(folder => Path.Combine(folder, "compare.json") is var path && File.Exists(path)
            ? JsonSerializer.Deserialize<Comparison>(File.ReadAllText(path), Json)!
            : throw new SchaneException($"'{folder}' holds no compare.json; run schane compare there first.")).ToList();
        foreach (var part in parts)
            if (part.Metric != parts[0].Metric || !part.Seeds.SequenceEqual(parts[0].Seeds) || !part.Arms.Select(a => a.Name).SequenceEqual(parts[0].Arms.Select(a => a.Name)))
                throw new SchaneException("The comparisons must have the same arms, seeds and metric; run them with the same recipe arms and --seeds.");
        var values = parts[0].Arms.Select((arm, a) => (arm.Name, (IReadOnlyList<double>)[.. parts[0].Seeds.Select((_, s) => parts.Average(p => p.Arms[a].Values[s]))])).ToList();
        return Comparison.Of(parts[0].Metric, string.Join(" and ", parts.Select(p => p.Data)), parts[0].Seeds, values);
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
        return File.Exists(run.Results) ? RunResults.Load(run.Results) : TrainJob.Resume(path, dataRoot, null, stop).Results;
    }

    private static string RunOf(string folder, string arm, int seed) => Path.Combine(folder, $"{arm}-s{seed}");
}

/// <summary>Results of one arm, one per seed.</summary>
/// <param name="Name">Its name in the recipe.</param>
/// <param name="Results">In the order of the seeds.</param>
internal sealed record ArmRuns(string Name, IReadOnlyList<RunResults> Results);
