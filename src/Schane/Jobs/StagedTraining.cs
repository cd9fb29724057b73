using Schane.Checkpoints;
using Schane.Distributed;
using Schane.Jobs.Labels;
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
internal static class StagedTraining
{
    /// <summary>Trains a new run in stages.</summary>
    /// <param name="stages">Name and recipe of each, in order; at least two.</param>
    /// <param name="options">Where and with what, the same in every stage; null for the defaults.</param>
    /// <param name="cancellationToken">Saves a checkpoint and stops within a step; <see cref="TrainJob.Resume"/> goes on.</param>
    /// <exception cref="SchaneException">The data, a recipe or the folder breaks a rule.</exception>
    /// <exception cref="RankLostException">A rank gives no sign of life, or holds other weights.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    /// <exception cref="DivergedException">The loss or a gradient is not finite.</exception>
    public static (RunFolder Folder, RunResults Results) Run(
        IReadOnlyList<(string Name, Recipe Recipe)> stages, RunOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stages);
        if (stages.Count < 2)
            throw new SchaneException($"Training in stages needs two or more but has {stages.Count}; write a plain recipe instead.");
        if (stages.Any(stage => stage.Recipe.NoRefit == false))
            throw new SchaneException("Stages keep a part of the images aside to choose and measure on; leave out no-refit: false.");
        if (stages.Any(stage => SelfTraining.IsWanted(stage.Recipe)))
            throw new SchaneException("Stages label no images; leave out unlabelled, or give the labels with pseudo-labels.");
        options ??= new();
        options.RequireFreeFolder();
        var ranks = options.AllRanks;
        var planned = new List<(string Name, Recipe Recipe)>();
        foreach (var (name, recipe) in stages)
        {
            Devices.Find(recipe.Device);                                   // what can be found wrong is, before a folder is made
            var data = options.Open(recipe);
            if (recipe.Model is { } model)
                ModelRegistry.InfoOf(model);
            planned.Add((name, OpenChoices.Enlarged(recipe, data, options.BatchTimes) with
            { Data = RunPaths.Located(recipe.Data), Weights = recipe.Weights is { } weights ? RunPaths.Located(weights) : null }));
        }
        RunFolder? made = null;
        IDisposable? held = null;
        try
        {
            ranks.OnFirst(() =>
            {
                made = RunFolder.Create(options.Folder ?? RunPaths.NextFree(stages[^1].Recipe), options.Force);
                held = made.Lock();
                AtomicFile.WriteText(made.Stages, RecipeFile.Write(planned));
            });
            var run = RunFolder.Elsewhere(ranks.BroadcastText(made?.Root ?? ""));
            return (run, GoOn(run, planned, options with { AcceptChangedData = false, BatchTimes = 1 }, cancellationToken));
        }
        finally
        {
            held?.Dispose();
        }
    }

    /// <summary>Does the stages of a run that are not done yet.</summary>
    internal static RunResults GoOn(RunFolder run, RunOptions options, CancellationToken cancellationToken) =>
        GoOn(run, RecipeFile.LoadStages(run.Stages), options, cancellationToken);

    private static RunResults GoOn(
        RunFolder run, IReadOnlyList<(string Name, Recipe Recipe)> stages, RunOptions options, CancellationToken cancellationToken)
    {
        var ranks = options.AllRanks;
        string? before = null;
        for (var i = 0; i < stages.Count; i++)
        {
            var (name, recipe) = stages[i];
            recipe = recipe with { OnBadImage = options.OnBadImage ?? recipe.OnBadImage };
            if (before is not null)
                recipe = recipe with { Weights = before, KeepHead = true };
            if (i == stages.Count - 1)
            {
                Tell(i);
                return FirstHas(run.Recipe) ? SingleRun.GoOn(run, options, cancellationToken)
                    : SingleRun.Begin(recipe, _ => run, options, cancellationToken).Results;
            }
            var folder = Path.Combine(run.EarlierStages, name);
            var stage = RunFolder.Elsewhere(folder);
            if (!FirstHas(stage.Results))
            {
                Tell(i);
                if (FirstHas(stage.Recipe))
                {
                    using var _ = ranks.Rank == 0 ? stage.Lock() : null;
                    SingleRun.GoOn(stage, options, cancellationToken);
                }
                else
                    SingleRun.New(recipe, options with { Folder = folder, Force = true }, cancellationToken);
            }
            before = folder;
        }
        throw new SchaneException($"'{run.Stages}' names no stages; it is damaged.");

        void Tell(int i)
        {
            options.Listener?.Report(TrainingProgress.Note($"Stage {i + 1} of {stages.Count}: {stages[i].Name}."));
        }

        bool FirstHas(string file) => ranks.Any(ranks.Rank == 0 && File.Exists(file));         // the others may not see its disk
    }
}
