using Schane.Checkpoints;
using Schane.Checkpoints.Hub;
using Schane.Distributed;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tensors;
using Schane.Training;

namespace Schane.Jobs;

/// <summary>
/// Training in stages: each goes on with the weights of the one before, classifier included where it fits. The last stage is the run
/// itself; those before it are whole runs in its folder <c>stages</c>. A run that was stopped goes on at the stage it was in.
/// </summary>
public static class StagedTraining
{
    /// <summary>Trains a new run in stages.</summary>
    /// <param name="stages">Name and recipe of each, in order; at least two.</param>
    /// <param name="folder">Run folder to make; null: <c>runs/DATA-LOSS-N</c> with the next free N.</param>
    /// <param name="force">Replaces an existing run in <paramref name="folder"/>.</param>
    /// <param name="dataRoot">Folder of the named data sets.</param>
    /// <param name="progress">Told of each stage, step and evaluation.</param>
    /// <param name="hub">As for <see cref="TrainJob.Run"/>.</param>
    /// <param name="ranks">As for <see cref="TrainJob.Run"/>.</param>
    /// <param name="batchTimes">As for <see cref="TrainJob.Run"/>, in every stage.</param>
    /// <param name="stop">Saves a checkpoint and stops within a step; <see cref="TrainJob.Resume"/> goes on.</param>
    /// <exception cref="SchaneException">The data, a recipe or the folder breaks a rule.</exception>
    /// <exception cref="RankLostException">A rank gives no sign of life, or holds other weights.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    /// <exception cref="DivergedException">The loss or a gradient is not finite.</exception>
    public static (RunFolder Folder, RunResults Results) Run(
        IReadOnlyList<(string Name, Recipe Recipe)> stages, string? folder = null, bool force = false, string? dataRoot = null,
        IProgress<TrainingProgress>? progress = null,
        HubOptions? hub = null, ICollective? ranks = null, int batchTimes = 1, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(stages);
        if (stages.Count < 2)
            throw new SchaneException($"Training in stages needs two or more but has {stages.Count}; write a plain recipe instead.");
        ranks ??= new SingleProcess();
        var planned = new List<(string Name, Recipe Recipe)>();
        foreach (var (name, recipe) in stages)
        {
            Devices.Find(recipe.Device);                                   // what can be found wrong is, before a folder is made
            var data = DataSetup.Open(recipe, dataRoot);
            if (recipe.Model is { } model)
                ModelRegistry.InfoOf(model);
            planned.Add((name, ResolvedRecipe.Enlarged(recipe, data, batchTimes) with
            { Data = RunPaths.Located(recipe.Data), Weights = recipe.Weights is { } weights ? RunPaths.Located(weights) : null }));
        }
        RunFolder? made = null;
        IDisposable? held = null;
        try
        {
            ranks.OnFirst(() =>
            {
                made = RunFolder.Create(folder ?? RunPaths.NextFree(stages[^1].Recipe), force);
                held = made.Lock();
                AtomicFile.WriteText(made.Stages, RecipeFile.Write(planned));
            });
            var run = RunFolder.Elsewhere(ranks.BroadcastText(made?.Root ?? ""));
            return (run, GoOn(run, planned, dataRoot, progress, acceptChangedData: false, hub, ranks, stop));
        }
        finally
        {
            held?.Dispose();
        }
    }

    /// <summary>Does the stages of a run that are not done yet.</summary>
    internal static RunResults GoOn(RunFolder run, string? dataRoot, IProgress<TrainingProgress>? progress, bool acceptChangedData,
        HubOptions? hub, ICollective ranks, CancellationToken stop) =>
        GoOn(run, RecipeFile.LoadStages(run.Stages), dataRoot, progress, acceptChangedData, hub, ranks, stop);

    private static RunResults GoOn(
        RunFolder run, IReadOnlyList<(string Name, Recipe Recipe)> stages, string? dataRoot, IProgress<TrainingProgress>? progress,
        bool acceptChangedData, HubOptions? hub, ICollective ranks, CancellationToken stop)
    {
        string? before = null;
        for (var i = 0; i < stages.Count; i++)
        {
            var (name, recipe) = stages[i];
            if (before is not null)
                recipe = recipe with { Weights = before, KeepHead = true };
            if (i == stages.Count - 1)
            {
                Tell(i);
                return FirstHas(run.Recipe) ? TrainJob.GoOn(run, dataRoot, progress, acceptChangedData, hub, stop, view: null, ranks)
                    : TrainJob.Begin(recipe, _ => run, dataRoot, progress, hub, stop, view: null, ranks).Results;
            }
            var folder = Path.Combine(run.EarlierStages, name);
            var stage = RunFolder.Elsewhere(folder);
            if (!FirstHas(stage.Results))
            {
                Tell(i);
                if (FirstHas(stage.Recipe))
                    TrainJob.Resume(folder, dataRoot, progress, acceptChangedData, hub, ranks, stop);
                else
                    TrainJob.Run(recipe, folder, force: true, dataRoot, progress, hub, ranks, stop: stop);
            }
            before = folder;
        }
        throw new SchaneException($"'{run.Stages}' names no stages; it is damaged.");

        void Tell(int i)
        {
            if (ranks.Rank == 0)
                progress?.Report(new("plan", 0, 0, 0, null, 0, null, $"Stage {i + 1} of {stages.Count}: {stages[i].Name}."));
        }

        bool FirstHas(string file) => ranks.Any(ranks.Rank == 0 && File.Exists(file));         // the others may not see its disk
    }
}
