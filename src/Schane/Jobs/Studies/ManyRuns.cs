using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Schane.Checkpoints.Hub;
using Schane.Planning;
using Schane.Reporting;
using Schane.Runs;
using Schane.Training;

namespace Schane.Jobs.Studies;

/// <summary>
/// Makes many runs: finished ones are used again, those that were cut short go on, and one that fails takes no other with it. Runs side by
/// side are processes of their own. Their pages are left to <see cref="ReportJob"/>, since few are looked at.
/// </summary>
/// <param name="phase">Name of the work in the progress over all runs.</param>
/// <param name="jobs">Runs at a time, as <see cref="AtATime"/> allows them.</param>
/// <param name="command">Command line that starts <c>schane</c>; null: one run after another in this process.</param>
/// <param name="dataRoot">Folder of the named data sets.</param>
/// <param name="hub">Where weights come from.</param>
internal sealed class ManyRuns(string phase, int jobs, IReadOnlyList<string>? command, string? dataRoot, HubOptions? hub)
{
    /// <summary>Parts of a run in the progress over all.</summary>
    public const int Ticks = 1000;

    private readonly RunProcess? processes = jobs > 1 && command is not null ? new(command, dataRoot, hub) : null;
    private readonly int atATime = AtATime(jobs, command);

    /// <summary>What else is told of the data before the first run begins.</summary>
    public Func<DataSetup, string?>? Foretells { get; init; }

    /// <summary>How many of the runs that are wanted at a time are made so: without a command to start, one.</summary>
    public static int AtATime(int jobs, IReadOnlyList<string>? command) => command is null ? 1 : jobs;

    /// <summary>Makes the runs that are missing.</summary>
    /// <param name="work">In the order in which they are begun.</param>
    /// <param name="progress">Told how far all together are, and when one ends.</param>
    /// <param name="stop">Saves the runs at work and stops.</param>
    /// <returns>How each ended, in the order of <paramref name="work"/>.</returns>
    /// <exception cref="SchaneException">A run in a folder has another recipe, or every run found its input wrong.</exception>
    public IReadOnlyList<RunOutcome> Make(IReadOnlyList<PlannedRun> work, IProgress<TrainingProgress>? progress, CancellationToken stop)
    {
        foreach (var run in work)
            run.RequireSameRecipe();
        TellEstimate(work, progress);
        var outcomes = new RunOutcome[work.Count];
        var ticks = new int[work.Count];
        var watch = Stopwatch.StartNew();
        void Tell(int run, int done, string? message)
        {
            ticks[run] = done;
            var sum = ticks.Sum(t => (long)t);
            var total = (long)work.Count * Ticks;
            var left = sum > 0 ? watch.Elapsed / sum * (total - sum) : (TimeSpan?)null;
            var now = Math.Min(work.Count, 1 + ticks.Count(t => t == Ticks));
            progress?.Report(new TrainingProgress($"{phase}, run {now} of {work.Count}", sum, total, 0, null, 0, left, message));
        }
        try
        {
            Parallel.ForEach(Partitioner.Create(Enumerable.Range(0, work.Count), EnumerablePartitionerOptions.NoBuffering),
                new ParallelOptions { MaxDegreeOfParallelism = atATime, CancellationToken = stop }, run =>
                {
                    outcomes[run] = One(work[run], share => Tell(run, (int)(share * (Ticks - 1)), null), stop);
                    Tell(run, Ticks, outcomes[run].Sentence);
                });
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(
                e.Flatten().InnerExceptions.FirstOrDefault(inner => inner is not OperationCanceledException) ?? e.InnerExceptions[0]);
        }
        if (outcomes.Length > 0 && outcomes.All(o => o.Error is SchaneException))
            ExceptionDispatchInfo.Throw(outcomes[0].Error!);
        return outcomes;
    }

    private RunOutcome One(PlannedRun run, Action<double> tell, CancellationToken stop)
    {
        try
        {
            return new(run, run.Finished ?? (processes is null || run.HasDiverged
                ? run.Make(dataRoot, hub, new Shares(tell), stop) : processes.Make(run, tell, stop)));
        }
        catch (Exception e) when (e is not OperationCanceledException || !stop.IsCancellationRequested)
        {
            return new(run, null, e);
        }
    }

    /// <summary>Says before the first run begins how many there are and about how long they take.</summary>
    private void TellEstimate(IReadOnlyList<PlannedRun> work, IProgress<TrainingProgress>? progress)
    {
        work = [.. work.Where(run => !run.HasDiverged)];
        if (progress is null || work.Count == 0)
            return;
        void Say(string sentence) => progress.Report(TrainingProgress.Note(sentence));
        if (atATime < jobs)
            Say("The runs are made one after another: side by side each is a process of its own, and no command is named that starts one.");
        var done = work.Select(run => (Run: run, Results: run.Finished)).Where(run => run.Results is not null)
            .ToDictionary(run => run.Run, run => run.Results!);
        var data = DataSetup.Open(work[0].Recipe, dataRoot);
        foreach (var warning in data.Warnings)
            Say(warning);
        Say(RunEstimate.Sentence(work, done, atATime, work[0].View?.Of(data) ?? data));
        if (Foretells?.Invoke(data) is { } sentence)
            Say(sentence);
    }
}

/// <summary>How one run among many ended: with results, in an error, or with neither where it diverged and that is tolerated.</summary>
internal sealed record RunOutcome(PlannedRun Run, RunResults? Results, Exception? Error = null)
{
    /// <summary>What is told of it when it ends.</summary>
    public string Sentence => $"{Run.Label}: " + (Results is { } found ? $"{found.Headline} {found.Metrics[found.Headline]:P2}"
        : Error is { } error ? $"failed: {error.Message.Split('\n')[0]}" : "diverged");

    /// <summary>The failures among many.</summary>
    public static List<FailedRun> Failures(IEnumerable<RunOutcome> outcomes) =>
        [.. outcomes.Where(o => o.Error is not null).Select(o =>
            new FailedRun(Path.GetFileName(o.Run.Path), o.Run.Label) { Reason = o.Error!.Message.Split('\n')[0] })];
}
