using Schane.Data.Transforms;
using Schane.Losses;
using Schane.Models;
using Schane.Recipes;
using Schane.Training;
using static TorchSharp.torch;

namespace Schane.Planning;

/// <summary>Looks at a recipe as training does before its first step, without training: what
/// <c>schane recipe check</c> does.</summary>
internal static class RecipeCheck
{
    /// <summary>Checks one recipe. Nothing is written, downloaded or measured.</summary>
    /// <param name="recipe">To check.</param>
    /// <param name="dataRoot">Folder of the named data sets.</param>
    /// <returns>What could not be checked here, and why: the data are not on this machine, for instance. Empty where all was.</returns>
    /// <exception cref="SchaneException">The recipe breaks a rule.</exception>
    public static IReadOnlyList<string> Run(Recipe recipe, string? dataRoot = null)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        List<string> left = [];
        if (recipe.Augmentation is not null)
            TransformPreset.Find(recipe.Augmentation);
        var objective = new JointObjective(recipe.Objective());
        DataSetup? data = null;
        try
        {
            data = DataSetup.Open(recipe, dataRoot);
        }
        catch (SchaneException e)
        {
            left.Add($"Not checked against the data: {e.Message}");
        }
        if ((recipe.Model ?? data?.Model) is { } model)
            CheckModel(recipe with { Model = model }, data?.Train.Classes.Count ?? 2, objective.Options.Contrasts);
        if (data is not null)
            CheckBatches(recipe, data);
        try
        {
            Tensors.Devices.Find(recipe.Device);
            PrecisionChoice.Check(recipe.Precision, device(recipe.Device));
        }
        catch (SchaneException e)
        {
            left.Add($"Not for this machine: {e.Message}");
        }
        return left;
    }

    /// <summary>A model is made only where its parts decide, since a large one takes a while.</summary>
    private static void CheckModel(Recipe recipe, int classes, bool contrasts)
    {
        var info = ModelRegistry.InfoOf(recipe.Model!);
        if (contrasts && recipe is { Freeze: Freezing.Trunk, Projection: null })
            throw Freezing.NothingToContrast();
        if (recipe.DropPath > 0 && !info.HasDropPath)
            throw new SchaneException($"{info.Name} has no drop path; leave --drop-path at 0, or choose another model.");
        if (recipe is { Freeze: null or Freezing.Trunk, InputSize: null, CheckpointActivations: false, SyncBatchnorm: false })
            return;
        using var scope = NewDisposeScope();
        using var model = TrainingPlan.NewClassifier(recipe, classes, recipe.InputSize);
        _ = new Freezing(model, recipe.Freeze);
        Freezing.CheckContrast(model, contrasts);
        SharedStatistics.Check(model, recipe.SyncBatchnorm);
    }

    private static void CheckBatches(Recipe recipe, DataSetup data)
    {
        var sampler = Samplers.For(recipe, data);
        BatchShape.Check(recipe, sampler.Batches(0)[0].Length);
        if ((recipe.Steps ?? OpenChoices.EpochsOf(recipe, data) * sampler.BatchesPerEpoch) is { } steps)
            RateSchedule.Of(recipe, steps, sampler.BatchesPerEpoch);
    }
}
