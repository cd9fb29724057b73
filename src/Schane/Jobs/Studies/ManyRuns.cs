using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Schane.Checkpoints;
using Schane.Checkpoints.Hub;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Training;

namespace Schane.Jobs.Studies;

/// <summary>One run among many.</summary>
/// <param name="Path">Its folder.</param>
/// <param name="Recipe">What it does.</param>
/// <param name="Label">Its name for people.</param>
/// <param name="View">What it sees of its data; null: what its recipe says.</param>
internal sealed record PlannedRun(string Path, Recipe Recipe, string Label, RunView? View = null);

/// <summary>Makes runs side by side: finished ones are used again, those that were cut short go on. Their pages are left to
/// <see cref="ReportJob"/>, since few are looked at.</summary>
/// <param name="phase">Name of the work in the progress over all runs.</param>
/// <param name="jobs">Runs at a time.</param>
/// <param name="dataRoot">Folder of the named data sets.</param>
/// <param name="hub">Where weights come from.</param>
internal sealed class ManyRuns(string phase, int jobs, string? dataRoot, HubOptions? hub)
{
    /// <summary>Parts of a run in the progress over all.</summary>
    private const int Ticks = 1000;

    /// <summary>Whether a run that diverges is a result, not an error.</summary>
    public bool ToleratesDivergence { get; init; }

    /// <summary>Makes the runs that are missing.</summary>
    /// <param name="work">In the order in which they are begun.</param>
    /// <param name="progress">Told how far all together are, and when one ends.</param>
    /// <param name="stop">Saves the runs at work and stops.</param>
    /// <returns>Results in the order of <paramref name="work"/>; null for one that diverged, where that is tolerated.</returns>
    /// <exception cref="SchaneException">A run in a folder has another recipe.</exception>
    public RunResults?[] Make(IReadOnlyList<PlannedRun> work, IProgress<TrainingProgress>? progress, CancellationToken stop)
    {
        foreach (var run in work)
            RequireSameRecipe(run);
        TellEstimate(work, progress);
        var results = new RunResults?[work.Count];
        var ticks = new int[work.Count];
        var watch = Stopwatch.StartNew();
        void Tell(int run, int done, string? message)
        {
            ticks[run] = done;
            var sum = ticks.Sum(t => (long)t);
            var total = (long)work.Count * Ticks;
            var left = sum > 0 ? watch.Elapsed / sum * (total - sum) : (TimeSpan?)null;
            progress?.Report(new TrainingProgress(phase, sum, total, 0, null, 0, left, message));
        }
        try
        {
            Parallel.ForEach(Partitioner.Create(Enumerable.Range(0, work.Count), EnumerablePartitionerOptions.NoBuffering),
                new ParallelOptions { MaxDegreeOfParallelism = jobs, CancellationToken = stop }, run =>
                {
                    var found = results[run] = One(work[run], new Inner(share => Tell(run, (int)(share * (Ticks - 1)), null)), stop);
                    Tell(run, Ticks, found is null
                        ? $"{work[run].Label}: diverged" : $"{work[run].Label}: {found.Headline} {found.Metrics[found.Headline]:P2}");
                });
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(
                e.Flatten().InnerExceptions.FirstOrDefault(inner => inner is not OperationCanceledException) ?? e.InnerExceptions[0]);
        }
        return results;
    }

    /// <summary>Says before the first run begins how many there are and about how long they take.</summary>
    private void TellEstimate(IReadOnlyList<PlannedRun> work, IProgress<TrainingProgress>? progress)
    {
        work = [.. work.Where(run => !File.Exists(Diverged(run)))];
        if (progress is null || work.Count == 0)
            return;
        var done = work.Where(run => File.Exists(RunFolder.Elsewhere(run.Path).Results))
            .ToDictionary(run => run, run => RunResults.Load(RunFolder.Elsewhere(run.Path).Results));
        var data = DataSetup.Open(work[0].Recipe, dataRoot);
        progress.Report(new TrainingProgress("plan", 0, 0, 0, null, 0, null,
            RunEstimate.Sentence(work, done, jobs, work[0].View?.Of(data) ?? data)));
    }

    private RunResults? One(PlannedRun planned, IProgress<TrainingProgress> progress, CancellationToken stop)
    {
        if (File.Exists(Diverged(planned)))
            return null;
        var options = new RunOptions { DataRoot = dataRoot, Hub = hub, Progress = progress, View = planned.View, Page = false };
        try
        {
            if (!File.Exists(Path.Combine(planned.Path, "run.json")))
                return TrainJob.Run(planned.Recipe, options with { Folder = planned.Path }, stop).Results;
            var run = RunFolder.Open(planned.Path);
            if (File.Exists(run.Results))
                return RunResults.Load(run.Results);
            using var _ = run.Lock();
            return TrainJob.GoOn(run, options, stop);
        }
        catch (DivergedException e) when (ToleratesDivergence)
        {
            AtomicFile.WriteText(Diverged(planned), e.Message + "\n");
            return null;
        }
        catch (DivergedException e)
        {
            throw new DivergedException($"{planned.Label} ({planned.Path}) stopped early: {e.Message}");
        }
    }

    private static string Diverged(PlannedRun run) => Path.Combine(run.Path, "diverged.txt");

    private static void RequireSameRecipe(PlannedRun run)
    {
        if (File.Exists(Path.Combine(run.Path, "run.json"))
            && SavedRun.Differs(RecipeFile.Load(RunFolder.Open(run.Path).Recipe), run.Recipe) is { } setting)
            throw new SchaneException($"'{run.Path}' was made with another recipe ({setting}); name another folder with --out.");
    }

    private sealed class Inner(Action<double> share) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value is { Phase: "train", Message: null, Steps: > 0 })
                share((double)value.Step / value.Steps);
        }
    }
}
