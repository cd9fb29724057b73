using System.Text.Json;
using Schane.Checkpoints;
using Schane.Data.Dividing;
using Schane.Distributed;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tensors;
using Schane.Training;
using static TorchSharp.torch;

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
        options.RequireFreeFolder();
        RunFolder? made = null;
        IDisposable? held = null;
        try
        {
            return Begin(recipe, resolved =>
            {
                made = RunFolder.Create(options.Folder ?? RunPaths.NextFree(resolved), options.Force);
                held = made.Lock();
                return made;
            }, options, cancellationToken);
        }
        catch (Exception e) when (e is not (OperationCanceledException or DivergedException) && made is { HasBegun: false })
        {
            held?.Dispose();
            try
            {
                made.Remove();
            }
            catch (Exception left) when (left is IOException or UnauthorizedAccessException)
            {
                // Why the run failed matters more, and what is left is in nobody's way.
            }
            throw;
        }
        finally
        {
            held?.Dispose();
        }
    }

    /// <summary><see cref="Run"/> on a thread of its own, since a run takes long and computes all the time.</summary>
    /// <param name="recipe">What to do.</param>
    /// <param name="options">Where and with what; null for the defaults.</param>
    /// <param name="cancellationToken">Saves a checkpoint and stops within a step.</param>
    public static Task<(RunFolder Folder, RunResults Results)> RunAsync(
        Recipe recipe, RunOptions? options = null, CancellationToken cancellationToken = default) =>
        OnItsOwnThread(() => Run(recipe, options, cancellationToken), cancellationToken);

    /// <summary>Trains in a folder that rank 0 makes and holds once the recipe has been found right.</summary>
    internal static (RunFolder Folder, RunResults Results) Begin(
        Recipe recipe, Func<Recipe, RunFolder> make, RunOptions options, CancellationToken cancellationToken)
    {
        var (ranks, progress) = (options.AllRanks, options.Listener);
        Devices.Find(recipe.Device);
        var data = options.Open(recipe);
        PrecisionChoice.Check(recipe.Precision, device(recipe.Device));
        var weights = InitialWeights.Nothing;
        var root = "";
        var sharers = ranks.OnTheSameProcessors();       // all have read their lists, which may lie in the run that is replaced
        ranks.OnFirst(() =>
        {
            if (options.View is null)
            {
                var files = new PartFiles();
                data = data.WarnOfCopies(cancellationToken, files).Opened(recipe.OnBadImage, cancellationToken, files);
            }
            recipe = ResolvedRecipe.Started(recipe, data, options.Hub, progress, cancellationToken);
            weights = ResolvedRecipe.WeightsOf(recipe, data, options.Hub, progress, cancellationToken);
            recipe = ResolvedRecipe.Enlarged(recipe, data, options.BatchTimes);
            recipe = ResolvedRecipe.Resolve(recipe, data, weights, progress, ranks, sharers);
            // Read first, for the same reason.
            var excluded = recipe.Exclude is { } exclude ? File.ReadAllText(exclude) : null;
            var relabelled = recipe.Relabel is { } relabel ? File.ReadAllText(relabel) : null;
            var made = make(recipe);
            weights.Save(made.Weights);
            AtomicFile.WriteText(made.Recipe, RecipeFile.Write(recipe with
            {
                Data = RunPaths.Shareable(recipe.Data),
                Exclude = recipe.Exclude is { } left ? RunPaths.Shareable(left) : null,
                Relabel = recipe.Relabel is { } renamed ? RunPaths.Shareable(renamed) : null,
            }));
            foreach (var (text, copy) in ((string?, string)[])[(excluded, made.Exclude), (relabelled, made.Relabel)])
                if (text is not null)
                    AtomicFile.WriteText(copy, text);
            AtomicFile.WriteText(made.Source, JsonSerializer.Serialize(new[] { RunPaths.Located(recipe.Data), weights.Location }));
            data.Splits?.Save(made.Splits);
            root = made.Root;
        });
        recipe = RecipeFile.Parse(ranks.BroadcastText(RecipeFile.Write(recipe)), "the recipe of rank 0", recipe.Loss);
        var run = RunFolder.Elsewhere(ranks.BroadcastText(root));
        options = options with { AcceptChangedData = false };
        return (run, TrainingRun.Train(recipe, data, weights, run, resume: false, options, cancellationToken));
    }

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
        return (run, File.Exists(run.Stages)
            ? StagedTraining.GoOn(run, options, cancellationToken) : GoOn(run, options, cancellationToken));
    }

    /// <summary><see cref="Resume"/> on a thread of its own.</summary>
    /// <param name="folder">Run folder.</param>
    /// <param name="options">Where and with what; null for the defaults.</param>
    /// <param name="cancellationToken">Saves a checkpoint and stops within a step.</param>
    public static Task<(RunFolder Folder, RunResults Results)> ResumeAsync(
        string folder, RunOptions? options = null, CancellationToken cancellationToken = default) =>
        OnItsOwnThread(() => Resume(folder, options, cancellationToken), cancellationToken);

    private static Task<T> OnItsOwnThread<T>(Func<T> run, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(run, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary><see cref="Resume"/> in a folder that is held already.</summary>
    internal static RunResults GoOn(RunFolder run, RunOptions options, CancellationToken cancellationToken)
    {
        if (options.OnBadImage is { } other)
            options.AllRanks.OnFirst(() => AtomicFile.WriteText(run.Recipe,
                RecipeFile.Write(RecipeFile.LoadRun(run.Recipe) with { OnBadImage = other })));
        var recipe = SavedRun.RecipeOf(run);
        recipe = recipe with { OnBadImage = options.OnBadImage ?? recipe.OnBadImage };
        Devices.Find(recipe.Device);
        var splits = SavedRun.SplitsOf(run);
        var data = options.Open(recipe,
            options.AcceptChangedData && splits is not null ? splits with { AllowsMissing = true } : splits);
        if (data.Unlisted > 0 && !options.AcceptChangedData)
            throw new SchaneException($"The data has changed since the run began: {data.Unlisted} images are new. Go on without them " +
                "with --accept-changed-data, or start a new run.");
        var weights = InitialWeights.Nothing;
        options.AllRanks.OnFirst(() =>
        {
            if (options.View is null)
                data.Opened(recipe.OnBadImage, cancellationToken);
            weights = InitialWeights.Find(recipe.Weights, recipe.Model!, options.Hub, options.Listener, cancellationToken);
            weights.MustBe(InitialWeights.Saved(run.Weights));
        });
        return TrainingRun.Train(recipe, data, weights, run, resume: true, options, cancellationToken);
    }
}
