using System.Text.Json;
using Schane.Checkpoints;
using Schane.Data;
using Schane.Losses;
using Schane.Models;
using Schane.Training;

namespace Schane.Jobs;

/// <summary>How a run was made, as its folder says.</summary>
internal static class SavedRun
{
    /// <summary>The resolved recipe of a run, with the data where they lay when it was made.</summary>
    internal static Recipe RecipeOf(RunFolder run)
    {
        var recipe = RecipeFile.Load(run.Recipe);
        // The lists as they were when the run was made, which it keeps.
        recipe = recipe with { Exclude = File.Exists(run.Exclude) ? run.Exclude : null, Relabel = File.Exists(run.Relabel) ? run.Relabel : null };
        return File.Exists(run.Source) && JsonSerializer.Deserialize<string[]>(File.ReadAllText(run.Source)) is [var data, var weights] ? recipe with { Data = data, Weights = weights } : recipe;
    }

    /// <summary>The first setting that <paramref name="wanted"/> sets and a run's resolved recipe has otherwise; null if there is none.</summary>
    internal static string? Differs(Recipe resolved, Recipe wanted)
    {
        foreach (var property in typeof(Recipe).GetProperties())
            if (property.GetValue(wanted) is { } value && !(property.Name == nameof(Recipe.Weights) && InitialWeights.Meets(resolved.Weights!, (string)value, resolved.Model)) && !value.Equals(property.GetValue(resolved)) && !(value is string path && RunPaths.Shareable(path).Equals(property.GetValue(resolved))) && value is not (LossKernel.Auto or Precision.Auto))
                return $"{property.Name} is {property.GetValue(resolved) ?? "unset"}, wanted {(property.Name == nameof(Recipe.Weights) ? InitialWeights.Shown((string)value) : value)}";
        return null;
    }

    /// <summary>The saved division of a run's images; null for data that come divided.</summary>
    internal static Splits? SplitsOf(RunFolder run) => File.Exists(run.Splits) ? Splits.Load(run.Splits) : null;
}
