using Schane.Data.Dividing;
using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Statistics;
using Schane.Planning;
using Schane.Recipes;
using Schane.Reporting;
using Schane.Runs;
using Schane.Training;

namespace Schane.Jobs.Studies;

/// <summary>Trains several settings on the same seeds and compares them pair by pair: what <c>schane compare</c> does.</summary>
/// <remarks>Runs that are finished are reused and runs that were cut short go on, so a comparison can be stopped at any time.</remarks>
internal static class CompareJob
{
    /// <summary>With more images, pairing them would take longer than the training.</summary>
    private const int EmbeddingsLookedAt = 2000;

    /// <summary>Makes the runs that are missing, then compares; writes <c>compare.json</c> and <c>compare.html</c>.</summary>
    /// <param name="options">What to compare.</param>
    /// <param name="progress">Told how far all runs together are, and when one ends.</param>
    /// <param name="stop">Saves the runs at work and stops.</param>
    /// <returns>The comparison; a run that failed is named in it and left out of it.</returns>
    /// <exception cref="SchaneException">Fewer than two arms, no seeds, or a run in the folder has another recipe.</exception>
    /// <exception cref="FailedRunsException">Runs failed, and no pair is left.</exception>
    public static Comparison Run(CompareOptions options, IProgress<TrainingProgress>? progress = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Arms.Count < 2)
            throw new SchaneException($"A comparison needs two or more arms but has {options.Arms.Count}.");
        if (options.Seeds.Count == 0)
            throw new SchaneException("A comparison needs at least one seed.");
        IReadOnlyList<ComparedObjective> objectives = [
            .. options.Arms.Select(arm => new ComparedObjective(arm.Name, CompareOptions.Label(arm.Name)))];
        var comparison = new Comparison { Objectives = objectives, Runs = [], Against = options.Against };
        _ = ComparisonTable.Pairs(comparison);                   // a name that is no arm is refused before anything is made
        LabelSetChoice.RequireOneClass(options.Arms[0].Recipe, options.DataRoot);
        var arms = EqualBudget.For([.. options.Arms.Select(arm => (arm.Name, arm.Recipe with { Seed = options.Seeds[0] }))], options.Folder,
            ManyRuns.AtATime(options.Jobs, options.Command), options.DataRoot, options.Hub);
        // Seed by seed, so that a comparison that is cut short has whole pairs.
        var work = options.Seeds.SelectMany(seed => arms.Select(arm => (arm.Name, Recipe: arm.Recipe with { Seed = seed }))).ToList();
        var outcomes = new ManyRuns("compare", options.Jobs, options.Command, options.DataRoot, options.Hub)
        {
            Foretells = data => (data.Test?.Count ?? data.OneShot?.Sum(run => run.Test.Count)) is { } items and > 0 ? Outlook.Foretold(
                options.Seeds.Count, ComparisonTable.Pairs(comparison).Count(), items, TestPerTrain(arms[0].Recipe)) : null,
        }.Make([.. work.Select(item => new PlannedRun(RunOf(options.Folder, item.Name, item.Recipe.Seed), item.Recipe,
                $"{CompareOptions.Label(item.Name)}, seed {item.Recipe.Seed}"))], progress, stop);

        var failed = RunOutcome.Failures(outcomes);
        var runs = work.Zip(outcomes).Where(made => made.Second.Results is not null)
            .Select(made => (made.First.Name, Folder: RunFolder.Open(made.Second.Run.Path), Results: made.Second.Results!)).ToList();
        if (failed.Count > 0 && !runs.GroupBy(run => run.Results.Seed).Any(seed => ComparisonTable.Pairs(comparison)
            .Any(pair => seed.Any(run => run.Name == pair.First.Name) && seed.Any(run => run.Name == pair.Second.Name))))
            throw new FailedRunsException(failed);
        var first = runs[0].Results;
        var lengths = runs.Select(run => run.Results.Steps).Distinct().Order().ToArray();
        if (runs.Find(run => RecipeFile.Load(run.Folder.Recipe) is { Patience: null, Steps: { } steps }
            && run.Results.Steps < steps) is { Folder: { } cut } early)
            throw new SchaneException(
                $"'{cut.Root}' stopped early, after {early.Results.Steps} of {RecipeFile.Load(cut.Recipe).Steps} steps, and a comparison " +
                "needs whole runs. Delete its results.json and compare again, which goes on with the run, or delete the folder.");
        if (runs.FirstOrDefault(run => run.Results.Data != first.Data || run.Results.Part != first.Part).Results is { } odd)
            throw new SchaneException($"'{options.Folder}' holds runs on {first.Data} ({first.Part}) and on {odd.Data} ({odd.Part}); a " +
                "comparison needs one data set. Name another folder with --out.");
        var items = runs.ToDictionary(run => (run.Name, run.Results.Seed), run => PredictedItem.Load(run.Folder.Predictions));
        RequireSameItems(items, options.Folder);
        comparison = comparison with
        {
            Schane = RunFolder.Version,
            Data = first.Data,
            Model = first.Model,
            Part = first.Part,
            Images = first.Images,
            Budget = lengths.Length == 1 ? $"{lengths[0]} steps" : $"{lengths[0]} to {lengths[^1]} steps",
            Metric = first.Headline,
            TestPerTrain = TestPerTrain(arms[0].Recipe),
            Failed = failed,
            Runs = [.. runs.Select(run => new ComparedRun(run.Name, run.Results.Seed, Figures(run.Results, run.Folder),
                run.Results.PerClass?.ToDictionary(c => c.Class, c => c.Accuracy), run.Results.Seconds))],
        };
        comparison = comparison with { Bootstrap = Bootstrap(comparison, items) };
        comparison.Save(Path.Combine(options.Folder, "compare.json"));
        CompareReport.Write(comparison, Path.Combine(options.Folder, "compare.html"));
        return comparison;
    }

    /// <summary>Joins comparisons of the same arms and seeds on different data: the figures are the means over
    /// the data, seed by seed.</summary>
    /// <param name="folders">Folders that <see cref="Run"/> made; what their arms are compared with is that of the first.</param>
    /// <exception cref="SchaneException">A folder holds no comparison, or arms, seeds or metric differ.</exception>
    public static Comparison Mean(params IReadOnlyList<string> folders)
    {
        var parts = folders.Select(folder => Comparison.Load(Path.Combine(folder, "compare.json"))).ToList();
        var first = parts[0];
        var metric = first.Metric;
        var values = parts.Select(part => part.Runs.ToDictionary(run => (run.Objective, run.Seed), run => run.Metrics[part.Metric]))
            .ToList();
        if (parts.Any(part => part.Metric != metric) || values.Any(v => !v.Keys.ToHashSet().SetEquals(values[0].Keys)))
            throw new SchaneException(
                "The comparisons must have the same arms, seeds and metric; make them with the same arms and --seeds.");
        return first with
        {
            Data = string.Join(" and ", parts.Select(part => part.Data)),
            Bootstrap = null,
            Failed = [],
            Runs = [.. first.Runs.Select(run => new ComparedRun(run.Objective, run.Seed,
                new Dictionary<string, double> { [metric] = values.Average(v => v[(run.Objective, run.Seed)]) }))],
        };
    }

    /// <summary>How many images a data set has that does not come divided into parts; null for one that does.</summary>
    /// <exception cref="SchaneException">There are no such data.</exception>
    public static int? UndividedImages(Recipe recipe, string? dataRoot = null) => recipe.Data.Split(':')[0] is "lookalikes" or "omniglot"
        ? null : DividedData.UndividedImages(recipe.Data, dataRoot, DataSetup.OptionsOf(recipe));

    /// <summary>Metrics of a run, and what its embeddings look like: the paper's analysis beside the accuracy.</summary>
    private static Dictionary<string, double> Figures(RunResults results, RunFolder run)
    {
        var figures = new Dictionary<string, double>(results.Metrics);
        if (File.Exists(run.Embeddings) && EmbeddedImages.Load(run.Embeddings).Part(results.Part) is { Embeddings: var all })
        {
            var shown = all.Count <= EmbeddingsLookedAt
                ? all : all.Rows([.. Enumerable.Range(0, EmbeddingsLookedAt).Select(i => (int)((long)i * all.Count / EmbeddingsLookedAt))]);
            foreach (var (name, value) in EmbeddingQuality.Of(shown).Named())
                figures[name] = value;
        }
        return figures;
    }

    /// <summary>Runs of a seed are pairs only where they were measured on the same images under the same labels; folders of one name may
    /// hold different ones.</summary>
    private static void RequireSameItems(Dictionary<(string Arm, int Seed), IReadOnlyList<PredictedItem>> items, string folder)
    {
        foreach (var seed in items.GroupBy(run => run.Key.Seed))
        {
            var first = seed.First();
            if (seed.FirstOrDefault(run => !run.Value.Select(i => (i.Image, i.Label))
                .SequenceEqual(first.Value.Select(i => (i.Image, i.Label)))) is { Value: not null } odd)
                throw new SchaneException(
                    $"'{RunOf(folder, first.Key.Arm, seed.Key)}' and '{RunOf(folder, odd.Key.Arm, seed.Key)}' were measured on different " +
                    "images; a comparison needs one data set. Make all runs again in another folder, named with --out.");
        }
    }

    /// <summary>The differences that are shown, over test items and seeds.</summary>
    private static List<BootstrapInterval> Bootstrap(Comparison comparison,
        Dictionary<(string Arm, int Seed), IReadOnlyList<PredictedItem>> items)
    {
        var wrong = comparison.Metric == "error";
        double[] Outcomes(string arm, int seed) => [.. items[(arm, seed)].Select(item => item.Right != wrong ? 1.0 : 0.0)];
        var shared =
            items.Values.All(list => list.Select(item => item.Image).SequenceEqual(items.Values.First().Select(item => item.Image)));
        int[] groups = [.. items.Values.First().Select(item => item.Group)];
        List<BootstrapInterval> found = [];
        foreach (var (a, b) in ComparisonTable.Pairs(comparison))
        {
            int[] seeds = [.. items.Keys.Where(key => key.Arm == a.Name && items.ContainsKey((b.Name, key.Seed)))
                .Select(key => key.Seed).Order()];
            if (seeds.Length == 0)
                continue;
            double[][] first = [.. seeds.Select(seed => Outcomes(a.Name, seed))],
                second = [.. seeds.Select(seed => Outcomes(b.Name, seed))];
            var (low, high) = shared ? PairedBootstrap.Of(first, second, groups) : PairedBootstrap.WithinSeeds(first, second);
            found.Add(new(a.Name, b.Name, low, high));
        }
        return found;
    }

    private static double? TestPerTrain(Recipe recipe) => recipe.Folds is { } folds ? 1.0 / (folds - 1) : null;

    private static string RunOf(string folder, string arm, int seed) => Path.Combine(folder, $"{arm}-s{seed}");
}
