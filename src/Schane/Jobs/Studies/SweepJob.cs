using Schane.Checkpoints;
using Schane.Evaluation.Statistics;
using Schane.Planning;
using Schane.Recipes;
using Schane.Reporting;
using Schane.Runs;
using Schane.Tensors;
using Schane.Training;

namespace Schane.Jobs.Studies;

/// <summary>Chooses settings by the validation part, with the same number of trials for each loss: what <c>schane sweep</c> does.</summary>
/// <remarks>Finished runs are used again and runs that were cut short go on, so a sweep can be stopped at any time.</remarks>
internal static class SweepJob
{
    /// <summary>Fewest steps of the shortest runs of successive halving.</summary>
    private const int LeastSteps = 10;

    /// <summary>Makes the runs that are missing, chooses, then measures the chosen on the test part once; writes <c>sweep.json</c> and
    /// <c>best.yaml</c>, a recipe with an arm for each loss.</summary>
    /// <param name="options">What to try.</param>
    /// <param name="progress">Told how far the runs together are, and when one ends.</param>
    /// <param name="stop">Saves the runs at work and stops.</param>
    /// <returns>What it found; a trial with a run that failed is left out, and the test part then left alone.</returns>
    /// <exception cref="FailedRunsException">Runs failed, and no trial of an arm is left.</exception>
    /// <exception cref="SchaneException">The axes or their numbers break a rule, the data have no validation part, a run in the folder has
    /// another recipe, or every trial of an arm diverged.</exception>
    public static SweepResult Run(SweepOptions options, IProgress<TrainingProgress>? progress = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var settings = options.Arms.ToDictionary(arm => arm.Name, arm => Settings(arm, options));
        if (settings.Values.Select(s => s.Count).Distinct().Count() > 1)
            throw new SchaneException("Each loss must be tuned by the same number of trials, but the combinations are " +
                $"{string.Join(", ", settings.Select(s => $"{s.Value.Count} of {s.Key}"))}; draw the same number with --trials N, or " +
                "give an arm its own values with --over ARM:KEY=V,V,...");
        // Data without a validation part are refused before anything is made.
        LabelSetChoice.RequireOneClass(options.Arms[0].Recipe, options.DataRoot).ForSelection();
        var arms = EqualBudget.For(options.Arms, options.Folder, ManyRuns.AtATime(options.Jobs, options.Command), options.DataRoot,
            options.Hub);

        var open = arms.SelectMany(arm => settings[arm.Name].Select((s, number) => new Candidate(arm.Name, number, s, With(arm.Recipe, s))))
            .ToList();
        var done = new List<SweepTrial>();
        var failed = new List<FailedRun>();
        var metric = options.Metric;
        int? images = null;
        var rungs = Rungs(options, arms, settings.Values.First().Count);
        for (var rung = 0; rung < rungs.Count; rung++)
        {
            var divisor = rungs[rung];
            var work = open.SelectMany(candidate => Enumerable.Range(0, options.Seeds).Select(seed =>
                (Candidate: candidate, Run: Planned(candidate, divisor, seed, rungs.Count > 1 ? rung : null, options)))).ToList();
            var outcomes = new ManyRuns("sweep", options.Jobs, options.Command, options.DataRoot, options.Hub)
                .Make([.. work.Select(w => w.Run)], progress, stop);
            failed.AddRange(RunOutcome.Failures(outcomes));
            images ??= outcomes.FirstOrDefault(o => o.Results is not null)?.Results!.Images;
            metric ??= outcomes.FirstOrDefault(o => o.Results is not null)?.Results!.Headline;
            var trials = work.Zip(outcomes, (w, outcome) => (w.Candidate, w.Run, Outcome: outcome)).GroupBy(w => w.Candidate)
                .Where(g => g.All(w => w.Outcome.Error is null)).ToDictionary(g => g.Key,
                    g => Trial(g.Key, g.First().Run.Recipe.Steps ?? 0, [.. g.Select(w => Score(w.Outcome.Results, metric))]));
            open = [.. open.Where(trials.ContainsKey)];
            if (arms.Exists(arm => !open.Exists(c => c.Arm == arm.Name)))
                throw new FailedRunsException(failed);
            var keep = rung == rungs.Count - 1 ? 0 : Math.Max(1, trials.Count / arms.Count / options.Halving!.Value);
            var better = arms.SelectMany(arm => Ordered(open.Where(c => c.Arm == arm.Name), c => trials[c], metric).Take(keep)).ToList();
            done.AddRange(open.Except(better).Select(c => trials[c]));
            open = better;
        }

        List<SweepTrial> ordered = [.. arms.SelectMany(arm => done.Where(t => t.Arm == arm.Name).GroupBy(t => t.Steps)
            .OrderByDescending(g => g.Key).SelectMany(g => Ordered(g, t => t, metric)))];
        List<SweepTrial> best = [.. arms.Select(arm => ordered.First(t => t.Arm == arm.Name))];
        if (best.Find(t => double.IsNaN(t.Score)) is { } lost)
            throw new SchaneException(
                $"Every trial of {lost.Arm} that was given all steps diverged; sweep lower learning rates or higher temperatures.");
        AtomicFile.WriteText(Path.Combine(options.Folder, "best.yaml"),
            RecipeFile.WriteArms([.. best.Select(t => (t.Arm, Shared(With(arms.First(a => a.Name == t.Arm).Recipe, t.Settings))))]));
        var found = new SweepResult
        {
            Schane = RunFolder.Version,
            Data = RunPaths.Shareable(arms[0].Recipe.Data),
            Metric = metric!,
            Images = images,
            Trials = ordered,
            Winners = [.. best.Select(t => new SweepWinner(t.Arm, t.Number, t.Score, null))],
            Failed = failed,
            TestUse = "The test part was not looked at: settings were chosen by the validation part alone" + (failed.Count == 0 ? "."
                : ", and trials are missing, since runs failed."),
        };
        if (options.MeasuresTest && failed.Count == 0)
            found = found with
            {
                Winners = Tested(found, SweepResult.Load(Path.Combine(options.Folder, "sweep.json")), options, best, rungs, stop),
                TestUse = $"The test part was looked at once, at the end, with the one chosen trial of each arm; the {ordered.Count} " +
                    "trials were judged by the validation part alone.",
            };
        found.Save(Path.Combine(options.Folder, "sweep.json"));
        return found;
    }

    private sealed record Candidate(string Arm, int Number, IReadOnlyDictionary<string, string> Settings, Recipe Recipe);

    /// <summary>What each trial of an arm sets.</summary>
    private static List<IReadOnlyDictionary<string, string>> Settings((string Name, Recipe Recipe) arm, SweepOptions options)
    {
        if (options.Axes.FirstOrDefault(a => a.Arm is { } named && options.Arms.All(other => other.Name != named)) is { } lost)
            throw new SchaneException($"--over {lost.Arm}:{lost.Key}: there is no arm '{Printable.Escape(lost.Arm!)}'; the arms are " +
                $"{string.Join(", ", options.Arms.Select(a => a.Name))}.");
        if (options.Axes.FirstOrDefault(a => a.Arm == arm.Name && !SweepAxis.Matters(a.Key, arm.Recipe.Loss)) is { } idle)
            throw new SchaneException(
                $"--over {arm.Name}:{idle.Key}: '{idle.Key}' does nothing with the loss {arm.Recipe.Loss.Name}; leave it out.");
        var own = options.Axes.Where(a => a.Arm == arm.Name).ToList();
        List<SweepAxis> axes = [.. own,
            .. options.Axes.Where(a => a.Arm is null && SweepAxis.Matters(a.Key, arm.Recipe.Loss) && own.All(o => o.Key != a.Key))];
        if (axes.Count == 0)
            throw new SchaneException($"Nothing that is varied has an effect on {arm.Name} (loss {arm.Recipe.Loss.Name}), so it can't be " +
                "tuned by as many trials as the others; add --over lr=..., which every loss has.");
        if (axes.GroupBy(a => a.Key).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new SchaneException($"--over {twice.Key} stands twice for {arm.Name}; give all its values at once.");
        if (axes.Find(a => a.IsRange) is { } range)
        {
            if (options.Trials is not { } count)
                throw new SchaneException(
                    $"--over {range.Key} is a range, which has no list of values to try all of; say how many to draw with --trials N.");
            // The draw of a setting depends on its key and the trial alone: trial 3 of every arm has the same learning rate, and
            // more trials begin with the same.
            return [.. Enumerable.Range(0, count).Select(trial =>
                (IReadOnlyDictionary<string, string>)axes.ToDictionary(a => a.Key, a => Drawn(a, trial, options.SearchSeed)))];
        }
        var grid = axes.Aggregate(new List<Dictionary<string, string>> { new() }, (rows, axis) => [
            .. rows.SelectMany(row => axis.Values.Distinct().Select(value => new Dictionary<string, string>(row) { [axis.Key] = value }))]);
        if (options.Trials is { } wanted)
        {
            if (wanted > grid.Count)
                throw new SchaneException($"--trials {wanted}: {arm.Name} has only {grid.Count} combinations of the values; lower " +
                    $"--trials, or give it more values with --over {arm.Name}:KEY=... or a range.");
            var order = grid.ToArray();
            new SampleRandom(options.SearchSeed).Shuffle<Dictionary<string, string>>(order);
            grid = [.. order.Take(wanted)];
        }
        return [.. grid];
    }

    private static string Drawn(SweepAxis axis, int trial, int seed)
    {
        var random = new SampleRandom([seed, trial, .. axis.Key.Select(c => (long)c)]);
        return axis.Draw(ref random);
    }

    private static Recipe With(Recipe recipe, IReadOnlyDictionary<string, string> settings) =>
        settings.Aggregate(recipe, (r, s) => RecipeFile.With(r, s.Key, s.Value, $"--over {s.Key}"));

    private static Recipe Shared(Recipe recipe) => recipe with { Threads = null, Data = RunPaths.Shareable(recipe.Data) };

    /// <summary>By how much the steps are divided, rung by rung; the last is 1.</summary>
    private static List<int> Rungs(SweepOptions options, List<(string Name, Recipe Recipe)> arms, int trials)
    {
        if (options.Halving is not { } by)
            return [1];
        var steps = arms.Min(arm => arm.Recipe.Steps ?? throw new SchaneException(
            $"--halving shortens runs by their steps, but the arm {arm.Name} counts epochs of its own; give all arms --steps."));
        List<int> divisors = [1];
        for (var divisor = by; divisor <= trials && steps / divisor >= LeastSteps; divisor *= by)
            divisors.Insert(0, divisor);
        return divisors;
    }

    private static PlannedRun Planned(Candidate candidate, int divisor, int seed, int? rung, SweepOptions options)
    {
        var recipe = candidate.Recipe with { Seed = candidate.Recipe.Seed + seed };
        if (divisor > 1)
            recipe = recipe with { Steps = recipe.Steps / divisor };
        return new(RunOf(options.Folder, candidate.Arm, candidate.Number, rung, recipe.Seed), recipe,
            string.Join(", ", [CompareOptions.Label(candidate.Arm), .. candidate.Settings.Select(s => $"{s.Key} {s.Value}"),
                .. options.Seeds > 1 ? (string[])[$"seed {recipe.Seed}"] : [], .. divisor > 1 ? (string[])[$"{recipe.Steps} steps"] : []]),
            RunView.Trial)
        { ToleratesDivergence = true };
    }

    private static string RunOf(string folder, string arm, int trial, int? rung, int seed) =>
        Path.Combine(folder, $"{arm}-t{trial:000}{(rung is { } r ? $"-r{r}" : "")}-s{seed}");

    private static SweepTrial Trial(Candidate candidate, int steps, double[] scores) =>
        new(candidate.Arm, candidate.Number, candidate.Settings, steps, scores, scores.Average());

    private static double Score(RunResults? results, string? metric) => results is null || metric is null ? double.NaN
        : results.Metrics.TryGetValue(metric, out var value) ? value
        : throw new SchaneException($"--metric {Printable.Escape(metric)}: the runs have no such " +
            $"metric{Nearest.Hint(metric, results.Metrics.Keys)}; they have " + string.Join(", ",
            results.Metrics.Keys.Where(key =>
                !key.EndsWith("_low", StringComparison.Ordinal) && !key.EndsWith("_high", StringComparison.Ordinal))) + ".");

    /// <summary>Best first, diverged last.</summary>
    private static IEnumerable<T> Ordered<T>(IEnumerable<T> items, Func<T, SweepTrial> trial, string? metric)
    {
        var sign = metric is "nll" or "ece" || metric?.StartsWith("error", StringComparison.Ordinal) == true ? 1 : -1;
        return items.OrderBy(i => double.IsNaN(trial(i).Score)).ThenBy(i => sign * trial(i).Score).ThenBy(i => trial(i).Number);
    }

    /// <summary>The chosen trials on the test part; what an earlier call measured of the same choice stands.</summary>
    private static List<SweepWinner> Tested(SweepResult found, SweepResult? before, SweepOptions options, List<SweepTrial> best,
        List<int> rungs, CancellationToken stop) =>
        [.. found.Winners.Zip(best, (winner, trial) => before?.Winners.FirstOrDefault(w =>
            w.Arm == winner.Arm && w.Trial == winner.Trial && w.Validation == winner.Validation && w.Test is not null)
            ?? winner with { Test = OnTest(trial, options, rungs, stop) })];

    private static Interval OnTest(SweepTrial trial, SweepOptions options, List<int> rungs, CancellationToken stop)
    {
        var first = options.Arms.First(arm => arm.Name == trial.Arm).Recipe;
        var results = Enumerable.Range(0, options.Seeds)
            .Select(seed => EvaluateJob.Run(RunOf(options.Folder, trial.Arm, trial.Number, rungs.Count > 1 ? rungs.Count - 1 : null,
                first.Seed + seed), dataRoot: options.DataRoot, device: first.Device, cancellationToken: stop)).ToList();
        var figures = results.Select(r => r.Metrics[r.Headline]).ToList();
        return figures.Count > 1 ? Interval.StudentT(figures)
            : Interval.Wilson((int)Math.Round(figures[0] * results[0].Images), results[0].Images);
    }
}
