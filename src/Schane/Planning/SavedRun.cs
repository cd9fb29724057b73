using System.Text.Json;
using Schane.Data.Dividing;
using Schane.Recipes;
using Schane.Runs;

namespace Schane.Planning;

/// <summary>How a run was made, as its folder says.</summary>
internal static class SavedRun
{
    /// <summary>The resolved recipe of a run, with the data where they lay when it was made.</summary>
    internal static Recipe RecipeOf(RunFolder run)
    {
        var recipe = RecipeFile.LoadRun(run.Recipe);
        // The lists as they were when the run was made, which it keeps.
        recipe = recipe with
        {
            Exclude = File.Exists(run.Exclude) ? run.Exclude : null,
            Relabel = File.Exists(run.Relabel) ? run.Relabel : null,
            PseudoLabels = File.Exists(run.PseudoLabels) ? run.PseudoLabels : null,
        };
        return File.Exists(run.Source) && JsonSerializer.Deserialize<string[]>(File.ReadAllText(run.Source)) is
            [var data, var weights, .. var unlabelled]
            ? recipe with { Data = data, Weights = weights, Unlabelled = unlabelled is [var folder] ? folder : recipe.Unlabelled } : recipe;
    }

    /// <summary>Settings that may be changed while a run is stopped: they decide how it is computed and kept, not what.</summary>
    private static readonly string[] Free = ["device", "threads", "save-every", "keep-last", "on-bad-image", "on-non-finite", "skip-limit",
        "no-thumbnails", "no-proof", "tensorboard"];

    /// <summary>Refuses to go on with a recipe that was edited: the weights would be those of neither.</summary>
    /// <exception cref="SchaneException">A setting is another than when the run began.</exception>
    internal static void MustBeAsBegun(RunFolder run)
    {
        if (!File.Exists(run.FirstRecipe))
            return;                                                       // of a version that kept none
        var (first, now) = (RecipeFile.Values(RecipeFile.LoadRun(run.FirstRecipe)), RecipeFile.Values(RecipeFile.LoadRun(run.Recipe)));
        if (now.Keys.Union(first.Keys).FirstOrDefault(key => !Free.Contains(key)
            && first.GetValueOrDefault(key) != now.GetValueOrDefault(key)) is { } changed)
            throw new SchaneException($"The recipe of run '{run.Root}' was changed since it began: {changed} is " +
                $"{now.GetValueOrDefault(changed) ?? "unset"} and was {first.GetValueOrDefault(changed) ?? "unset"}. Put it back, or " +
                $"start a new run with --recipe {run.Recipe}.");
    }

    /// <summary>The first setting that <paramref name="wanted"/> sets and a run's resolved recipe has otherwise;
    /// null if there is none.</summary>
    internal static string? Differs(Recipe resolved, Recipe wanted)
    {
        static string? Shared(string? path) => path is null ? null : RunPaths.Shareable(RunPaths.Located(path));
        var saved = RecipeFile.Values(resolved);
        var shared = RecipeFile.Values(
            wanted with
            {
                Data = Shared(wanted.Data)!,
                Exclude = Shared(wanted.Exclude),
                Relabel = Shared(wanted.Relabel),
                Unlabelled = Shared(wanted.Unlabelled),
                PseudoLabels = Shared(wanted.PseudoLabels),
            });
        foreach (var (key, value) in RecipeFile.Values(wanted))
        {
            var (has, chosenOnce) = (saved.GetValueOrDefault(key), key is "kernel" or "precision" && value == "auto");
            if (value is null || value == has || shared[key] == has || chosenOnce)
                continue;
            if (key != "weights")
                return $"{key} is {has ?? "unset"}, wanted {value}";
            if (!InitialWeights.Meets(resolved.Weights!, wanted.Weights!, resolved.Model))
                return $"{key} is {has}, wanted {InitialWeights.Shown(wanted.Weights!)}";
        }
        return null;
    }

    /// <summary>The saved division of a run's images; null for data that come divided.</summary>
    internal static Splits? SplitsOf(RunFolder run) => File.Exists(run.Splits) ? Splits.Load(run.Splits) : null;
}
