using System.Globalization;
using Schane.Checkpoints;
using Schane.Data.Dividing;
using Schane.Evaluation.Embeddings;
using Schane.Inference;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tensors;
using Schane.Training;

namespace Schane.Jobs.Labels;

/// <summary>
/// Self-training: a first run learns from the labelled images alone and labels those without a label of which it is sure; the run itself
/// learns from both, from the same initial weights. The first is a run of its own in the folder <c>stages/labelled</c>. A run that was
/// stopped goes on where it was.
/// </summary>
/// <remarks>Lee 2013, "Pseudo-label"; one round of Xie et al. 2020, arXiv:1911.04252. The threshold is not a constant, as in FixMatch (Sohn
/// et al. 2020, arXiv:2001.07685), but what gives the wanted precision on images that the first run has not learnt from.</remarks>
internal static class SelfTraining
{
    /// <summary>Whether a recipe asks for it.</summary>
    public static bool IsWanted(Recipe recipe) => recipe is { Unlabelled: not null, PseudoLabels: null };

    /// <summary>Trains a new run.</summary>
    /// <param name="recipe">What to do; a budget holds for both runs together.</param>
    /// <param name="options">Where and with what.</param>
    /// <param name="stop">Saves a checkpoint and stops; <see cref="TrainJob.Resume"/> goes on.</param>
    /// <exception cref="SchaneException">The data, the recipe or the folder breaks a rule.</exception>
    public static (RunFolder Folder, RunResults Results) Run(Recipe recipe, RunOptions options, CancellationToken stop)
    {
        if (options.AllRanks.Size > 1)
            throw new SchaneException("Images without labels are labelled and learnt from by one process; leave out mpirun or srun, or " +
                "give their labels with pseudo-labels.");
        if (recipe.NoRefit == false)
            throw new SchaneException("With unlabelled a part of the labelled images is kept aside to choose and measure on; leave out " +
                "no-refit: false.");
        if (!recipe.TrainsClassifier())
            throw new SchaneException("lambda 1 trains no classifier, which labels images; choose a lambda below 1, or leave out " +
                "unlabelled.");
        Devices.Find(recipe.Device);                                       // what can be found wrong is, before a folder is made
        options.Open(recipe);
        _ = Files(recipe, options);
        var run = RunFolder.Create(options.Folder ?? RunPaths.NextFree(recipe), options.Force);
        var held = run.Lock();
        try
        {
            Begin(run, recipe);
            return (run, GoOn(run, options with { AcceptChangedData = false }, stop));
        }
        catch (Exception e) when (e is not (OperationCanceledException or DivergedException) && !FirstRun(run).HasBegun)
        {
            held.Dispose();
            run.Remove();
            throw;
        }
        finally
        {
            held.Dispose();
        }
    }

    private static void Begin(RunFolder run, Recipe recipe) => AtomicFile.WriteText(run.SelfTraining, RecipeFile.Write(recipe with
    {
        Data = RunPaths.Located(recipe.Data),
        Weights = recipe.Weights is { } weights ? RunPaths.Located(weights) : null,
        Exclude = recipe.Exclude is { } exclude ? Path.GetFullPath(exclude) : null,
        Relabel = recipe.Relabel is { } relabel ? Path.GetFullPath(relabel) : null,
        Unlabelled = RunPaths.Located(recipe.Unlabelled!),
        NoRefit = true,
    }));

    private static RunFolder FirstRun(RunFolder run) => RunFolder.Elsewhere(Path.Combine(run.EarlierStages, "labelled"));

    /// <summary>A run in a folder where it may have been begun.</summary>
    public static RunResults Make(Recipe recipe, RunOptions options, CancellationToken stop)
    {
        var run = RunFolder.Elsewhere(options.Folder!);
        if (!File.Exists(run.SelfTraining))
            return Run(recipe, options, stop).Results;
        using var _ = run.Lock();
        return GoOn(run, options, stop);
    }

    /// <summary>Does what is not done yet of a run whose folder is held.</summary>
    public static RunResults GoOn(RunFolder run, RunOptions options, CancellationToken stop)
    {
        var asked = RecipeFile.Load(run.SelfTraining);
        asked = asked with { OnBadImage = options.OnBadImage ?? asked.OnBadImage };
        if (asked is { Steps: null, Epochs: null })
            asked = asked with { Budget = OpenChoices.BudgetOf(asked) / 2 };
        var first = FirstRun(run);
        try
        {
            if (!File.Exists(first.Results))
                Learn(first, asked with { Unlabelled = null, PseudoPrecision = null }, options with
                { Page = false, View = options.View is { } view ? view with { Leaves = RunLeaves.Data } : null }, stop);
            if (!File.Exists(run.PseudoLabels))
                Label(first, run, asked, options, stop);
        }
        catch (OperationCanceledException e)
        {
            throw new OperationCanceledException("Interrupted in the first run, from the labelled images alone, which is saved; go on " +
                $"with `schane train --resume {run.Root}`.", e, stop);
        }
        catch (DivergedException e)
        {
            throw new DivergedException($"The first run, from the labelled images alone: {e.Message}");
        }
        if (!File.Exists(run.Recipe))
            Say("Second run: from all of them.");
        var results = File.Exists(run.Recipe) ? SingleRun.GoOn(run, options, stop)
            : SingleRun.Begin(asked with { PseudoLabels = run.PseudoLabels }, _ => run, options, stop).Results;
        if (RunResults.Load(first.Results).Metrics.TryGetValue("top1", out var before)
            && results.Metrics.TryGetValue("top1", out var after))
            Say(string.Create(CultureInfo.InvariantCulture,
                $"Of the {results.Images} images measured the first run has {before:P1} right, this one {after:P1}."));
        return results;

        void Say(string sentence) => options.Listener?.Report(TrainingProgress.Note(sentence));
    }

    private static void Learn(RunFolder first, Recipe recipe, RunOptions options, CancellationToken stop)
    {
        options.Listener?.Report(TrainingProgress.Note("First run: from the labelled images alone."));
        if (File.Exists(first.Recipe))
        {
            using var _ = first.Lock();
            SingleRun.GoOn(first, options, stop);
        }
        else
            SingleRun.New(recipe, options with { Folder = first.Root, Force = true }, stop);
    }

    /// <summary>Lists the images that the first run is sure of.</summary>
    private static void Label(RunFolder first, RunFolder run, Recipe recipe, RunOptions options, CancellationToken stop)
    {
        var ((folder, files), precision) = (Files(recipe, options), recipe.PseudoPrecision ?? RecipeSettings.PseudoPrecision);
        using var classifier = Classifier.Load(first.Root, new() { Device = recipe.Device });
        var confidence = classifier.Confidence ?? throw new SchaneException("There are no images to choose the confidence on from which " +
            "on an image is labelled; give labels with pseudo-labels, or more labelled images.");
        var found = OpenImages.Look(classifier, EmbeddedImages.Load(first.Embeddings).Embeddings, files, options.Listener, stop);
        var threshold = confidence.Points.Where(p => p.Accuracy >= precision).MaxBy(p => p.Coverage)?.Threshold;
        var sure = found.Open.Select(i => found.Answers[i]).Where(a => !a.Unknown && a.Top[0].Probability >= threshold).ToList();
        PseudoLabels.Save(run.PseudoLabels, sure.Select(a =>
            (Path.GetRelativePath(folder, a.Image).Replace('\\', '/'), a.Top[0].Class, a.Top[0].Probability)));
        var share = precision.ToString("0.#%", CultureInfo.InvariantCulture);
        options.Listener?.Report(TrainingProgress.Note(threshold is null
            ? $"No confidence gives labels of which {share} are right on the {confidence.Images} images kept aside, so no image without " +
                "a label gets one; a lower pseudo-precision or more labels may."
            : string.Create(CultureInfo.InvariantCulture, $"{sure.Count} of {files.Count} images without a label get one: those with a " +
                $"confidence of at least {threshold:0.00}, above which {share} of the answers on {confidence.Images} images kept aside " +
                $"are right{FewImages.Words(confidence.Images)}.{Left(found)}")));
    }

    private static string Left(OpenImages found)
    {
        (int Count, string What)[] left = [(found.Known, "are labelled already"), (found.Copies, "are copies of others"),
            (found.Problems.Count, "can't be read")];
        string[] said = [.. left.Where(l => l.Count > 0).Select(l => $"{l.Count} {l.What}")];
        return said.Length == 0 ? "" : $" {string.Join(", ", said)}, and left out.";
    }

    private static (string Folder, IReadOnlyList<string> Images) Files(Recipe recipe, RunOptions options)
    {
        var folder = PseudoLabels.Folder(recipe.Unlabelled!, options.DataRoot);
        return (folder, [.. ImageFiles.Find([folder]).Order(StringComparer.Ordinal)]);
    }
}
