using Schane.Checkpoints.Hub;
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
    /// <summary>Checks one recipe by the plan that training would make of it. Nothing is written, downloaded or measured.</summary>
    /// <param name="recipe">To check.</param>
    /// <param name="dataRoot">Folder of the named data sets.</param>
    /// <param name="before">Weights that a stage before it will have made; null: the recipe's.</param>
    /// <returns>What could not be checked here, and why: the data are not on this machine, for instance. Empty where all was.</returns>
    /// <exception cref="SchaneException">The recipe breaks a rule.</exception>
    public static IReadOnlyList<string> Run(Recipe recipe, string? dataRoot = null, InitialWeights? before = null)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        List<string> left = [];
        if (recipe.Augmentation is not null)
            TransformPreset.Find(recipe.Augmentation);
        var objective = new JointObjective(recipe.Objective());
        var classes = 2;
        if (Tried(() => DataSetup.Open(recipe, dataRoot).WithPseudoLabels(recipe, dataRoot), "Not checked against the data", left)
            is { } data)
        {
            data.RequireOthers(recipe);
            var options = new PlanOptions { Hub = new HubOptions { Offline = true } };
            if (recipe.Weights is not null)
                recipe = OpenChoices.Started(recipe, data, options, default);
            var weights = before
                ?? Tried(() => OpenChoices.WeightsOf(recipe, data, options, default), "Not checked against the weights", left)
                ?? new InitialWeights(recipe.Weights!, null, []);
            var plan = TrainingPlan.Unmeasured(recipe, data, weights, options);
            (recipe, classes) = (plan.Recipe, data.Train.Classes.Count);
            if ((recipe.Steps ?? recipe.Epochs * plan.Sampler.BatchesPerEpoch) is { } steps)
                RateSchedule.Of(recipe, steps, plan.Sampler.BatchesPerEpoch);
        }
        if (recipe.Model is not null)
            CheckModel(recipe, classes, objective.Options.Contrasts);
        Tried(() =>
        {
            Tensors.Devices.Find(recipe.Device);
            PrecisionChoice.Check(recipe.Precision, device(recipe.Device));
            return recipe;
        }, "Not for this machine", left);
        return left;
    }

    /// <summary>What only this machine may lack; null, and a sentence, where it does.</summary>
    private static T? Tried<T>(Func<T> open, string without, List<string> left) where T : class
    {
        try
        {
            return open();
        }
        catch (Exception e) when (e is SchaneException or DownloadException)
        {
            left.Add($"{without}: {e.Message}");
            return null;
        }
    }

    /// <summary>A model is made only where its parts decide, since a large one takes a while.</summary>
    private static void CheckModel(Recipe recipe, int classes, bool contrasts)
    {
        var info = ModelRegistry.InfoOf(recipe.Model!);
        if (contrasts && recipe is { Freeze: Freezing.Trunk, Projection: null })
            throw Freezing.NothingToContrast();
        if (recipe.DropPath > 0 && !info.HasDropPath)
            throw new SchaneException($"{info.Name} has no drop path; leave --drop-path at 0, or choose another model.");
        if (TrainingPlan.AdaptersOf(recipe) is null
            && recipe is { Freeze: null or Freezing.Trunk, InputSize: null, CheckpointActivations: false, SyncBatchnorm: false })
            return;
        using var scope = NewDisposeScope();
        using var model = TrainingPlan.NewClassifier(recipe, classes, recipe.InputSize);
        _ = new Freezing(model, recipe.Freeze);
        Freezing.CheckContrast(model, contrasts);
        SharedStatistics.Check(model, recipe.SyncBatchnorm);
    }
}
