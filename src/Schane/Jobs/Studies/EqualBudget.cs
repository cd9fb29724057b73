using Schane.Checkpoints;
using Schane.Checkpoints.Hub;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tensors;

namespace Schane.Jobs.Studies;

/// <summary>Gives several settings everything that must be the same in all of them: model, input size, steps, threads, precision.</summary>
internal static class EqualBudget
{
    /// <summary>
    /// The settings with the open choices made once. A budget in time is measured on the last of them, and the choice is kept in the
    /// folder, so that work that goes on has the same.
    /// </summary>
    /// <param name="arms">At least one.</param>
    /// <param name="folder">Gets <c>plan.yaml</c>, or has it.</param>
    /// <param name="jobs">Runs side by side, each with its share of the cores.</param>
    /// <param name="dataRoot">Folder of the named data sets.</param>
    /// <param name="hub">Where weights come from.</param>
    public static List<(string Name, Recipe Recipe)> For(IReadOnlyList<(string Name, Recipe Recipe)> arms, string folder, int jobs,
        string? dataRoot, HubOptions? hub)
    {
        if (arms.FirstOrDefault(arm => arm.Recipe.NoRefit == false).Name is { } refit)
            throw new SchaneException($"'{refit}' is to learn from all images (no-refit: false), but its runs are measured on parts that " +
                "are kept aside; leave it out.");
        var threads = ComputeThreads.For(sharers: jobs).Count;
        var shared = arms.Select(arm => (arm.Name, Recipe: arm.Recipe with { Threads = arm.Recipe.Threads ?? threads })).ToList();
        var open = shared.Exists(arm => arm.Recipe.Precision == Precision.Auto);
        var last = shared[^1].Recipe with { Precision = open ? Precision.Auto : shared[^1].Recipe.Precision };
        var kept = Path.Combine(folder, "plan.yaml");
        var plan = File.Exists(kept) ? RecipeFile.Load(kept)
            : TrainingPlan.Make(last, DataSetup.Open(last, dataRoot), new() { Hub = hub }, CancellationToken.None).Recipe;
        if (!File.Exists(kept))
        {
            Directory.CreateDirectory(folder);
            AtomicFile.WriteText(kept, RecipeFile.Write(plan with { Data = RunPaths.Shareable(plan.Data) }));
        }
        return [.. shared.Select(arm => (arm.Name, arm.Recipe with
        {
            Model = arm.Recipe.Model ?? plan.Model,
            Weights = arm.Recipe.Weights == last.Weights && InitialWeights.AreFetched(plan.Weights!) ? plan.Weights : arm.Recipe.Weights,
            InputSize = arm.Recipe.InputSize ?? plan.InputSize,
            ClassesPerBatch = arm.Recipe.ClassesPerBatch ?? plan.ClassesPerBatch,
            Steps = arm.Recipe.Steps ?? (arm.Recipe.Epochs is null || arm.Recipe.Epochs == last.Epochs ? plan.Steps : null),
            Kernel = plan.Kernel,
            NoOwnProducts = arm.Recipe.NoOwnProducts ?? plan.NoOwnProducts,
            Precision = arm.Recipe.Precision == Precision.Auto ? plan.Precision : arm.Recipe.Precision,
        }))];
    }
}
