using Schane.Distributed;
using Schane.Jobs.Folds;
using Schane.Jobs.Labels;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Training;

namespace Schane.Jobs;

/// <summary>Trains on a data set from start to report: what <c>schane train</c> does.</summary>
public static class TrainJob
{
    /// <summary>Trains a new run.</summary>
    /// <param name="recipe">What to do; unset values take the defaults of the data, the model and the loss.</param>
    /// <param name="options">Where and with what; null for the defaults.</param>
    /// <param name="cancellationToken">Saves a checkpoint and stops within a step.</param>
    /// <exception cref="SchaneException">The data, the recipe or the folder breaks a rule, or this machine computes the model
    /// wrong.</exception>
    /// <exception cref="RankLostException">A rank gives no sign of life, or holds other weights.</exception>
    /// <exception cref="OperationCanceledException">Stopped; <see cref="Resume"/> goes on.</exception>
    /// <exception cref="DivergedException">The loss or a gradient is not finite.</exception>
    public static (RunFolder Folder, RunResults Results) Run(
        Recipe recipe, RunOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        options ??= new();
        var clock = options.Clock();
        options.RequireFreeFolder();
        if (SelfTraining.IsWanted(recipe))
            return SelfTraining.Run(recipe, options, cancellationToken);
        var (refits, note, listed) = options.Data is not null && recipe.NoRefit != false ? default
            : RefitChoice.Of(recipe, options.DataRoot, AgainstFolds(options));
        options = options with { Listed = listed, Spent = clock() };
        if (refits)
            return FoldedTraining.Run(recipe, options, cancellationToken);
        if (note is not null)
            options.Listener?.Report(TrainingProgress.Note(note));
        return SingleRun.New(recipe, options, cancellationToken);
    }

    /// <summary><see cref="Run"/> on a thread of its own, since a run takes long and computes all the time.</summary>
    /// <param name="recipe">What to do.</param>
    /// <param name="options">Where and with what; null for the defaults.</param>
    /// <param name="cancellationToken">Saves a checkpoint and stops within a step.</param>
    public static Task<(RunFolder Folder, RunResults Results)> RunAsync(
        Recipe recipe, RunOptions? options = null, CancellationToken cancellationToken = default) =>
        OnItsOwnThread(() => Run(recipe, options, cancellationToken), cancellationToken);

    /// <summary>Resumes a run that was stopped or killed from its newest whole checkpoint, to the weights it would have had.</summary>
    /// <param name="folder">Run folder.</param>
    /// <param name="options">Where and with what; the run's own folder and recipe hold. Null for the defaults.</param>
    /// <param name="cancellationToken">Saves a checkpoint and stops within a step.</param>
    /// <exception cref="SchaneException">No such run, or its checkpoint is of another model, of other classes, data or batches.</exception>
    /// <exception cref="RankLostException">A rank gives no sign of life, or holds other weights.</exception>
    /// <exception cref="OperationCanceledException">Stopped again.</exception>
    /// <exception cref="DivergedException">The loss or a gradient is not finite.</exception>
    public static (RunFolder Folder, RunResults Results) Resume(
        string folder, RunOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new();
        var run = RunFolder.Open(options.AllRanks.BroadcastText(folder));
        using var _ = options.AllRanks.Rank == 0 ? run.Lock() : null;
        return (run, File.Exists(run.SelfTraining) ? SelfTraining.GoOn(run, options, cancellationToken)
            : File.Exists(run.FoldsRecipe) ? FoldedTraining.GoOn(run, options, cancellationToken)
            : File.Exists(run.Stages) ? StagedTraining.GoOn(run, options, cancellationToken)
            : SingleRun.GoOn(run, options, cancellationToken));
    }

    /// <summary><see cref="Resume"/> on a thread of its own.</summary>
    /// <param name="folder">Run folder.</param>
    /// <param name="options">Where and with what; null for the defaults.</param>
    /// <param name="cancellationToken">Saves a checkpoint and stops within a step.</param>
    public static Task<(RunFolder Folder, RunResults Results)> ResumeAsync(
        string folder, RunOptions? options = null, CancellationToken cancellationToken = default) =>
        OnItsOwnThread(() => Resume(folder, options, cancellationToken), cancellationToken);

    private static string? AgainstFolds(RunOptions options) =>
        options.AllRanks.Size > 1 ? "several processes train one model, and a fold is trained by one process"
        : options.Data is not null ? "the program gives the parts itself"
        : options.Sampler is not null || options.Evaluator is not null ? "the program has a sampler or an evaluator of its own"
        : options.BatchTimes > 1 ? "the batches are enlarged" : null;

    private static Task<T> OnItsOwnThread<T>(Func<T> run, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(run, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
