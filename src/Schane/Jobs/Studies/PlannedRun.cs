using Schane.Checkpoints;
using Schane.Checkpoints.Hub;
using Schane.Jobs.Labels;
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
internal sealed record PlannedRun(string Path, Recipe Recipe, string Label, RunView? View = null)
{
    /// <summary>Whether it is a result, not an error, when it diverges.</summary>
    public bool ToleratesDivergence { get; init; }

    /// <summary>Whether it has diverged, and was told that this is a result.</summary>
    public bool HasDiverged => File.Exists(DivergedFile);

    /// <summary>Results of a run that is finished, else null.</summary>
    public RunResults? Finished =>
        File.Exists(RunFolder.Elsewhere(Path).Results) ? RunResults.Load(RunFolder.Elsewhere(Path).Results) : null;

    /// <summary>Makes it, or goes on with it; null where it diverged and that is tolerated.</summary>
    public RunResults? Make(string? dataRoot, HubOptions? hub, IProgress<TrainingProgress> progress, CancellationToken stop)
    {
        if (HasDiverged)
            return null;
        var options = new RunOptions { DataRoot = dataRoot, Hub = hub, Progress = progress, View = View, Page = false };
        try
        {
            if (SelfTraining.IsWanted(Recipe))
                return Finished ?? SelfTraining.Make(Recipe, options with { Folder = Path, Force = true }, stop);
            if (!File.Exists(RunFolder.Elsewhere(Path).Journal))                                 // nothing was done that could be lost
                return SingleRun.New(Recipe, options with { Folder = Path, Force = true }, stop).Results;
            if (Finished is { } results)
                return results;
            var run = RunFolder.Open(Path);
            using var _ = run.Lock();
            return SingleRun.GoOn(run, options, stop);
        }
        catch (DivergedException e) when (ToleratesDivergence)
        {
            AtomicFile.WriteText(DivergedFile, e.Message + "\n");
            return null;
        }
        catch (DivergedException e)
        {
            throw new DivergedException($"It stopped early: {e.Message}");
        }
    }

    /// <exception cref="SchaneException">A run in its folder has another recipe.</exception>
    public void RequireSameRecipe()
    {
        if (File.Exists(System.IO.Path.Combine(Path, "run.json")) && RunFolder.Open(Path) is var run && File.Exists(run.Recipe)
            && SavedRun.Differs(RecipeFile.Load(run.Recipe), Recipe) is { } setting)
            throw new SchaneException($"'{Path}' was made with another recipe ({setting}); name another folder with --out.");
    }

    private string DivergedFile => System.IO.Path.Combine(Path, "diverged.txt");
}
