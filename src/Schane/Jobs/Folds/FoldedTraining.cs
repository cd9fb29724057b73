using Schane.Checkpoints;
using Schane.Data.Dividing;
using Schane.Data.Feeding;
using Schane.Data.Transforms;
using Schane.Evaluation;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tensors;
using Schane.Training;
using static TorchSharp.torch;

namespace Schane.Jobs.Folds;

/// <summary>
/// Training on every labelled image: first one run a fold without its images, which measures the recipe, then the run itself on all of
/// them. A budget is shared out evenly among them. Folds are run folders in the run's folder <c>folds</c>. A run that was stopped goes on
/// at the fold it was in.
/// </summary>
internal static class FoldedTraining
{
    /// <summary>Trains a new run.</summary>
    /// <param name="recipe">What to do; a budget holds for the folds and the run together.</param>
    /// <param name="options">Where and with what.</param>
    /// <param name="stop">Saves a checkpoint and stops; <see cref="TrainJob.Resume"/> goes on.</param>
    public static (RunFolder Folder, RunResults Results) Run(Recipe recipe, RunOptions options, CancellationToken stop)
    {
        var clock = options.Clock();
        Devices.Find(recipe.Device);                                       // what can be found wrong is, before a folder is made
        recipe = recipe with { NoRefit = false };
        var data = options.Open(recipe);
        var files = PartFiles.Within(OpenChoices.LimitOf(recipe, data));
        Say(RefitChoice.Sentence(data.Splits!));
        foreach (var warning in data.HoldingOut(data.Splits!.Folds[0].ToHashSet()).WarnOfCopies(files, stop)
            .Opened(recipe.OnBadImage, files, stop).Warnings.Except(data.Warnings))
            Say(warning);
        var run = RunFolder.Create(options.Folder ?? RunPaths.NextFree(recipe), options.Force);
        var held = run.Lock();
        try
        {
            data.Splits.Save(run.Splits);
            AtomicFile.WriteText(run.FoldsRecipe, RecipeFile.Write(recipe with
            {
                Data = RunPaths.Located(recipe.Data),
                Weights = recipe.Weights is { } weights ? RunPaths.Located(weights) : null,
                Exclude = recipe.Exclude is { } exclude ? Path.GetFullPath(exclude) : null,
                Relabel = recipe.Relabel is { } relabel ? Path.GetFullPath(relabel) : null,
            }));
            return (run, GoOn(run, options with
            { AcceptChangedData = false, Listed = null, Looked = true, Spent = clock() }, stop));
        }
        catch (Exception e) when (e is not (OperationCanceledException or DivergedException) && !run.HasBegun)
        {
            held.Dispose();
            run.Remove();
            throw;
        }
        finally
        {
            held.Dispose();
        }

        void Say(string sentence) => options.Listener?.Report(TrainingProgress.Note(sentence));
    }

    /// <summary>Does what is not done yet of a run whose folder is held.</summary>
    public static RunResults GoOn(RunFolder run, RunOptions options, CancellationToken stop)
    {
        if (options.AllRanks.Size > 1)
            throw new SchaneException($"'{run.Root}' is measured by folds, which one process trains; resume it without mpirun or srun.");
        var (clock, begun) = (options.Clock(), TimeSpan.Zero);
        var asked = RecipeFile.Load(run.FoldsRecipe);
        asked = asked with { OnBadImage = options.OnBadImage ?? asked.OnBadImage };
        var data = options.Open(asked, Splits.Load(run.Splits));
        if (data.Unlisted > 0)
            throw new SchaneException($"The data has changed since the run began: {data.Unlisted} images are new. Take them away, or " +
                "start a new run.");
        var folds = data.Splits!.Folds;
        var (recipe, outputs) = (asked with { Steps = RefitChoice.StepsOf(asked, data), Epochs = null }, new List<FoldOutputs>());
        var time = recipe.Steps is null ? new FoldTimes(OpenChoices.BudgetOf(asked), folds.Count) : null;
        ProofEvent? proof = null;                                          // of this machine, which may be another than before
        for (var i = 0; i < folds.Count; i++)
        {
            var fold = FoldEmbeddings.Of(run, i + 1);
            if (time is { IsUp: true } || (File.Exists(run.Recipe) && !File.Exists(FoldOutputs.In(fold))))
                break;
            if (time is not null && (i == 0 || recipe.ByTime))
                recipe = recipe with { Budget = time.Share };
            var proves = i == 0 && !File.Exists(fold.Results);
            try
            {
                outputs.Add(Fold(fold, recipe, data, folds[i].ToHashSet(), () => clock() - begun, options with
                {
                    Spent = TimeSpan.Zero,
                    Progress = new Told(options.Listener, $"fold {i + 1} of {folds.Count}", Sentences: i == 0),
                    Logger = null,
                }, stop));
            }
            catch (OperationCanceledException e)
            {
                throw new OperationCanceledException($"Interrupted in fold {i + 1} of {folds.Count}, which is saved; go on with " +
                    $"`schane train --resume {run.Root}`.", e, stop);
            }
            catch (DivergedException e)
            {
                throw new DivergedException($"Fold {i + 1} of {folds.Count}: {e.Message}");
            }
            time?.Took(TimeSpan.FromSeconds(outputs[^1].Seconds));
            begun = clock();
            if (proves)
                proof = RunHistory.Read(fold.Journal).Proof;
            if (i == 0)
                recipe = Settled(asked, fold) with { NoProof = true, OnBadImage = asked.OnBadImage };     // the machine is proven
        }
        if (outputs.Count < folds.Count)
            options.Listener?.Report(TrainingProgress.Note(RunResults.FoldsLeftOut(outputs.Count, folds.Count,
                $"the budget of {MeasuredChoices.Spoken(OpenChoices.BudgetOf(asked))}")));
        var found = OutOfFold.Of(outputs, folds.Count, recipe);
        options.Listener?.Report(TrainingProgress.Note(found.Sentence()));
        options = options with { OutOfFold = found, Spent = TimeSpan.Zero };
        if (File.Exists(run.Recipe))
            return SingleRun.GoOn(run, options, stop);
        recipe = recipe with { NoProof = asked.NoProof, Budget = asked.Budget };
        return SingleRun.Begin(found.Probe is { Kept: true } ? recipe with { Steps = 0, ByTime = false } : recipe, _ => run,
            options with
            {
                Spent = (time?.Used ?? TimeSpan.Zero) + clock() - begun,
                Limit = time is null ? null : OpenChoices.BudgetOf(asked),
                Proof = proof,
            }, stop).Results;
    }

    /// <summary>Trains without the images of a fold, and lets the model look at them; a fold that is done is used again.</summary>
    private static FoldOutputs Fold(RunFolder fold, Recipe recipe, DataSetup data, IReadOnlySet<string> heldOut,
        Func<TimeSpan> clock, RunOptions options, CancellationToken stop)
    {
        var (file, before) = (FoldOutputs.In(fold), TimeSpan.Zero);
        if (JsonFile.Read<FoldOutputs>(file) is { } done)
            return done;
        options = options with { Folder = fold.Root, Force = true, View = RunView.Without(heldOut) with { Leaves = RunLeaves.Data } };
        if (!File.Exists(fold.Results))
        {
            if (!File.Exists(fold.Recipe))
                SingleRun.New(recipe, options, stop);
            else
            {
                using var _ = fold.Lock();
                before = RecipeFile.LoadRun(fold.Recipe) is { ByTime: true, Budget: { } share } ? share : TimeSpan.Zero;
                SingleRun.GoOn(fold, options, stop);
            }
        }
        var images = data.HoldingOut(heldOut).Test!;
        var outputs = FoldOutputs.Of(fold, images, model => ModelOutputs.Of(model.Classifier, images,
            TransformPreset.Find(model.Augmentation).Evaluation(model.Input), device(recipe.Device),
            new LoaderOptions { OnBadImage = recipe.OnBadImage }, cancel: stop), recipe.Device);
        outputs = outputs with { Seconds = Math.Max(clock().TotalSeconds, before.TotalSeconds) };
        outputs.Save(file);
        foreach (var weights in Directory.EnumerateFiles(fold.Checkpoints, "*.safetensors").Concat([fold.Model, fold.Adapter]))
            File.Delete(weights);                                         // nothing asks for them again
        return outputs;
    }

    /// <summary>What the other folds and the run itself do: the choices of the first fold, and where time decides the steps that were
    /// planned for it.</summary>
    private static Recipe Settled(Recipe asked, RunFolder first)
    {
        var (recipe, pinned) = (SavedRun.RecipeOf(first), RecipeFile.LoadRun(first.Recipe).Weights!);
        return recipe with
        {
            Weights = InitialWeights.AreFetched(pinned) ? pinned : asked.Weights ?? pinned,
            Budget = asked.Budget,
        };
    }

    /// <summary>Tells of a fold; what is the same in all of them, once.</summary>
    private sealed record Told(IProgress<TrainingProgress>? Listener, string Phase, bool Sentences) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Message is null)
                Listener?.Report(value with { Phase = Phase });
            else if (Sentences)
                Listener?.Report(value);
        }
    }
}
