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

/// <summary>One run in one stage: begun in a folder of its own, or gone on with.</summary>
internal static class SingleRun
{
    /// <summary>Trains a new run in a folder that is made once the recipe has been found right, and taken away where training fails
    /// before its first checkpoint.</summary>
    public static (RunFolder Folder, RunResults Results) New(Recipe recipe, RunOptions options, CancellationToken cancellationToken)
    {
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

    /// <summary>Trains a new run in a folder that rank 0 makes and holds once the recipe has been found right.</summary>
    public static (RunFolder Folder, RunResults Results) Begin(
        Recipe recipe, Func<Recipe, RunFolder> make, RunOptions options, CancellationToken cancellationToken)
    {
        var (ranks, progress, clock) = (options.AllRanks, options.Listener, options.Clock());
        Devices.Find(recipe.Device);
        var data = options.Open(recipe);
        options = options with { Limit = options.Limit ?? OpenChoices.LimitOf(recipe, data) };
        PrecisionChoice.Check(recipe.Precision, device(recipe.Device));
        var weights = InitialWeights.Nothing;
        var root = "";
        var sharers = ranks.OnTheSameProcessors();       // all have read their lists, which may lie in the run that is replaced
        ranks.OnFirst(() =>
        {
            if (options is { View: null, Looked: false })
            {
                var files = PartFiles.Within(options.Limit);
                data = data.WarnOfCopies(files, cancellationToken).Opened(recipe.OnBadImage, files, cancellationToken);
            }
            var plan = TrainingPlan.Make(recipe, data, new PlanOptions
            {
                Hub = options.Hub,
                Progress = progress,
                Ranks = ranks,
                Sharers = sharers,
                BatchTimes = options.BatchTimes,
                Clock = clock,
            }, cancellationToken);
            foreach (var note in plan.Notes)
                progress?.Report(TrainingProgress.Note(note));
            (recipe, weights) = (plan.Recipe, plan.Weights);
            root = Keep(plan.Recipe, plan.Weights, plan.Data.Splits, make).Root;
        });
        recipe = RecipeFile.Parse(ranks.BroadcastText(RecipeFile.Write(recipe)), "the recipe of rank 0", recipe.Loss);
        var run = RunFolder.Elsewhere(ranks.BroadcastText(root));
        return (run, TrainingRun.Train(TrainingPlan.Of(recipe, data, weights, sharers), run, resume: false,
            options with { AcceptChangedData = false }, clock, cancellationToken));
    }

    /// <summary>Goes on with a run whose folder is held already.</summary>
    public static RunResults GoOn(RunFolder run, RunOptions options, CancellationToken cancellationToken)
    {
        var clock = options.Clock();
        if (options.OnBadImage is { } other)
            options.AllRanks.OnFirst(() => AtomicFile.WriteText(run.Recipe,
                RecipeFile.Write(RecipeFile.LoadRun(run.Recipe) with { OnBadImage = other })));
        SavedRun.MustBeAsBegun(run);
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
                data.Opened(recipe.OnBadImage, new(), cancellationToken);
            weights = InitialWeights.Find(recipe.Weights, recipe.Model!, options.Hub, options.Listener, cancellationToken);
            weights.MustBe(InitialWeights.Saved(run.Weights));
        });
        var plan = TrainingPlan.Of(recipe, data, weights, options.AllRanks.OnTheSameProcessors());
        return TrainingRun.Train(plan, run, resume: true, options, clock, cancellationToken);
    }

    /// <summary>What a run goes on from, in the folder that is made for it.</summary>
    internal static RunFolder Keep(Recipe recipe, InitialWeights weights, Splits? splits, Func<Recipe, RunFolder> make)
    {
        // Read first: they may lie in the run that is replaced.
        var excluded = recipe.Exclude is { } exclude ? File.ReadAllText(exclude) : null;
        var relabelled = recipe.Relabel is { } relabel ? File.ReadAllText(relabel) : null;
        var given = recipe.PseudoLabels is { } list ? File.ReadAllText(list) : null;
        var made = make(recipe);
        weights.Save(made.Weights);
        var text = RecipeFile.Write(recipe with
        {
            Data = RunPaths.Shareable(recipe.Data),
            Exclude = recipe.Exclude is { } left ? RunPaths.Shareable(left) : null,
            Relabel = recipe.Relabel is { } renamed ? RunPaths.Shareable(renamed) : null,
            Unlabelled = recipe.Unlabelled is { } folder ? RunPaths.Shareable(folder) : null,
            PseudoLabels = recipe.PseudoLabels is { } labels ? RunPaths.Shareable(labels) : null,
        });
        AtomicFile.WriteText(made.FirstRecipe, text);
        AtomicFile.WriteText(made.Recipe, text);
        foreach (var (kept, copy) in ((string?, string)[])
            [(excluded, made.Exclude), (relabelled, made.Relabel), (given, made.PseudoLabels)])
            if (kept is not null)
                AtomicFile.WriteText(copy, kept);
        AtomicFile.WriteText(made.Source, JsonSerializer.Serialize((string?[])[RunPaths.Located(recipe.Data), weights.Location,
            .. recipe.Unlabelled is { } place ? [RunPaths.Located(place)] : (string[])[]]));
        splits?.Save(made.Splits);
        return made;
    }
}
