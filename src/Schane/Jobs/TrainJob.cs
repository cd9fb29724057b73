using System.Text.Json;
using Schane.Checkpoints;
using Schane.Checkpoints.Hub;
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
    /// <param name="folder">Run folder to make; null: <c>runs/DATA-LOSS-N</c> with the next free N.</param>
    /// <param name="force">Replaces an existing run in <paramref name="folder"/>.</param>
    /// <param name="dataRoot">Folder of the named data sets; null: <c>$SCHANE_DATA</c>, then the user's data folder.</param>
    /// <param name="progress">Told of a download, the plan, each step and each evaluation.</param>
    /// <param name="hub">Where downloaded weights are kept and whether the network may be used; null for the defaults, which come from the environment.</param>
    /// <param name="ranks">The processes that train together (<see cref="Ranks.Join"/>), each of which calls this and sees the data under the same name; rank 0 alone writes. Null: this one alone.</param>
    /// <param name="batchTimes">Makes the recipe's batches this many times as large, for instance once per rank; the learning rate stays. 1 by default.</param>
    /// <param name="stop">Saves a checkpoint and stops within a step.</param>
    /// <exception cref="SchaneException">The data, the recipe or the folder breaks a rule.</exception>
    /// <exception cref="RankLostException">A rank gives no sign of life, or holds other weights.</exception>
    /// <exception cref="OperationCanceledException">Stopped; <see cref="Resume"/> goes on.</exception>
    /// <exception cref="DivergedException">The loss or a gradient is not finite.</exception>
    public static (RunFolder Folder, RunResults Results) Run(
        Recipe recipe, string? folder = null, bool force = false, string? dataRoot = null, IProgress<TrainingProgress>? progress = null, HubOptions? hub = null,
        ICollective? ranks = null, int batchTimes = 1, CancellationToken stop = default) => Make(recipe, folder, force, dataRoot, progress, hub, view: null, stop, ranks, batchTimes);

    /// <summary>
    /// As <see cref="Run"/>, where <paramref name="view"/> is given on other data than the recipe says and without what is for people; without <paramref name="page"/> the
    /// pictures and the page are left to <see cref="ReportJob"/>.
    /// </summary>
    internal static (RunFolder Folder, RunResults Results) Make(
        Recipe recipe, string? folder, bool force, string? dataRoot, IProgress<TrainingProgress>? progress, HubOptions? hub, RunView? view, CancellationToken stop, ICollective? ranks = null, int batchTimes = 1, bool page = true)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ranks ??= new SingleProcess();
        RunFolder? made = null;
        IDisposable? held = null;
        try
        {
            var (run, results) = Begin(recipe, resolved =>
            {
                made = RunFolder.Create(folder ?? RunPaths.NextFree(resolved), force);
                held = made.Lock();
                return made;
            }, dataRoot, progress, hub, stop, view, ranks, batchTimes, page);
            return (run, results);
        }
        finally
        {
            held?.Dispose();
        }
    }

    /// <summary>Trains in a folder that rank 0 makes and holds once the recipe has been found right.</summary>
    internal static (RunFolder Folder, RunResults Results) Begin(
        Recipe recipe, Func<Recipe, RunFolder> make, string? dataRoot, IProgress<TrainingProgress>? progress, HubOptions? hub, CancellationToken stop, RunView? view = null, ICollective? ranks = null, int batchTimes = 1, bool page = true)
    {
        ranks ??= new SingleProcess();
        progress = ranks.Rank == 0 ? progress : null;
        Devices.Find(recipe.Device);
        var data = DataSetup.Open(recipe, dataRoot);
        data = view?.Of(data) ?? data;
        PrecisionChoice.Check(recipe.Precision, device(recipe.Device));
        var weights = InitialWeights.Nothing;
        var root = "";
        var sharers = ranks.OnTheSameProcessors();                                             // all have read their lists, which may lie in the run that is replaced
        ranks.OnFirst(() =>
        {
            data = view is null ? data.WarnOfCopies(stop) : data;
            recipe = ResolvedRecipe.Started(recipe, data, hub, progress, stop);
            weights = ResolvedRecipe.WeightsOf(recipe, data, hub, progress, stop);
            recipe = ResolvedRecipe.Resolve(ResolvedRecipe.Enlarged(recipe, data, batchTimes), data, weights, progress, ranks, sharers);
            // Read first, for the same reason.
            var (excluded, relabelled) = (recipe.Exclude is { } e ? File.ReadAllText(e) : null, recipe.Relabel is { } r ? File.ReadAllText(r) : null);
            var made = make(recipe);
            weights.Save(made.Weights);
            AtomicFile.WriteText(made.Recipe, RecipeFile.Write(recipe with { Data = RunPaths.Shareable(recipe.Data), Exclude = recipe.Exclude is { } left ? RunPaths.Shareable(left) : null, Relabel = recipe.Relabel is { } renamed ? RunPaths.Shareable(renamed) : null }));
            foreach (var (text, copy) in ((string?, string)[])[(excluded, made.Exclude), (relabelled, made.Relabel)])
                if (text is not null)
                    AtomicFile.WriteText(copy, text);
            AtomicFile.WriteText(made.Source, JsonSerializer.Serialize(new[] { RunPaths.Located(recipe.Data), weights.Location }));
            data.Splits?.Save(made.Splits);
            root = made.Root;
        });
        recipe = RecipeFile.Parse(ranks.BroadcastText(RecipeFile.Write(recipe)), "the recipe of rank 0", recipe.Loss);
        var run = RunFolder.Elsewhere(ranks.BroadcastText(root));
        return (run, TrainingRun.Train(recipe, data, weights, run, resume: false, Leaves(view, page), progress, ranks, acceptChangedData: false, stop));
    }

    /// <summary>Goes on with a run that was stopped or killed, from its newest whole checkpoint, to the weights it would have had.</summary>
    /// <param name="folder">Run folder.</param>
    /// <param name="dataRoot">Folder of the named data sets.</param>
    /// <param name="progress">Told of each step and each evaluation.</param>
    /// <param name="acceptChangedData">Goes on although training images came or went; the result is then no longer that of an uninterrupted run.</param>
    /// <param name="hub">As for <see cref="Run"/>.</param>
    /// <param name="ranks">As for <see cref="Run"/>; any number of them. Each must see the run folder.</param>
    /// <param name="stop">Saves a checkpoint and stops within a step.</param>
    /// <exception cref="SchaneException">No such run, or its checkpoint is of another model, of other classes, data or batches.</exception>
    /// <exception cref="RankLostException">A rank gives no sign of life, or holds other weights.</exception>
    /// <exception cref="OperationCanceledException">Stopped again.</exception>
    /// <exception cref="DivergedException">The loss or a gradient is not finite.</exception>
    public static (RunFolder Folder, RunResults Results) Resume(
        string folder, string? dataRoot = null, IProgress<TrainingProgress>? progress = null, bool acceptChangedData = false, HubOptions? hub = null,
        ICollective? ranks = null, CancellationToken stop = default)
    {
        ranks ??= new SingleProcess();
        var run = RunFolder.Open(ranks.BroadcastText(folder));
        using var _ = ranks.Rank == 0 ? run.Lock() : null;
        return (run, File.Exists(run.Stages) ? StagedTraining.GoOn(run, dataRoot, progress, acceptChangedData, hub, ranks, stop) : GoOn(run, dataRoot, progress, acceptChangedData, hub, stop, view: null, ranks));
    }

    /// <summary><see cref="Resume"/> in a folder that is held already.</summary>
    internal static RunResults GoOn(RunFolder run, string? dataRoot, IProgress<TrainingProgress>? progress, bool acceptChangedData, HubOptions? hub, CancellationToken stop, RunView? view = null, ICollective? ranks = null, bool page = true)
    {
        ranks ??= new SingleProcess();
        progress = ranks.Rank == 0 ? progress : null;
        var recipe = SavedRun.RecipeOf(run);
        Devices.Find(recipe.Device);
        var splits = SavedRun.SplitsOf(run);
        var data = DataSetup.Open(recipe, dataRoot, acceptChangedData && splits is not null ? splits with { AllowsMissing = true } : splits);
        if (data.Unlisted > 0 && !acceptChangedData)
            throw new SchaneException($"The data has changed since the run began: {data.Unlisted} images are new. Go on without them with --accept-changed-data, or start a new run.");
        data = view?.Of(data) ?? data;
        var weights = InitialWeights.Nothing;
        ranks.OnFirst(() =>
        {
            weights = InitialWeights.Find(recipe.Weights, recipe.Model!, hub, progress, stop);
            weights.MustBe(InitialWeights.Saved(run.Weights));
        });
        return TrainingRun.Train(recipe, data, weights, run, resume: true, Leaves(view, page), progress, ranks, acceptChangedData, stop);
    }

    private static RunLeaves Leaves(RunView? view, bool page) => view is not null ? RunLeaves.Results : page ? RunLeaves.Page : RunLeaves.Data;
}
