using Schane.Models;
using Schane.Models.Transformers;
using Schane.Recipes;
using Schane.Training;

namespace Schane.Planning;

/// <summary>Whether a run begins with a linear probe of its trunk, and what that takes.</summary>
internal static class ProbeChoice
{
    /// <summary>Epochs below which fine-tuning is left out where a budget in time decides: the rate rises and falls before it has changed
    /// much.</summary>
    public const int LeastEpochs = 2;

    /// <summary>Rate of the trunk, of the head's, where the head has nothing left to learn but to follow the trunk.</summary>
    public const double TrunkRate = 0.1;

    /// <summary>Epochs for which a budget does not give up a larger input: a trunk's features of larger images are worth more than
    /// further epochs (docs/log.md).</summary>
    public const int EnoughEpochs = 4;

    /// <summary>What a forward pass takes of a training step on the same images.</summary>
    private const double ShareOfStep = 1.0 / 3;

    /// <summary>Whether there is no probe: asked for, or where there is nothing to choose, to measure or to begin.</summary>
    /// <exception cref="SchaneException">A probe is asked for, or training of no steps, where there can be none.</exception>
    public static bool LeavesOut(Recipe recipe, DataSetup data, InitialWeights weights, BackboneInfo info)
    {
        var problem = data.Validation is null && recipe.NoRefit != false ? "there are no validation images to compare it on"
            : !weights.Exist ? "the trunk's weights are random"
            : !recipe.TrainsClassifier() ? "lambda 1 trains no classifier"
            : recipe.KeepHead ? "keep-head begins with the classifier of the weights"
            : recipe.Freeze == Freezing.Trunk ? "training a head on a frozen trunk is one"
            : ModelRegistry.ShapeOf(info.Name) is VisionTransformerShape { Distilled: true } ? "a distilled model has two heads" : null;
        if (problem is not null && (recipe.NoProbe == false || recipe.Steps == 0))
            throw new SchaneException(
                $"There can be no linear probe: {problem}. Leave out {(recipe.Steps == 0 ? "steps 0" : "no-probe: false")}.");
        if (recipe is { Steps: 0, NoProbe: true })
            throw new SchaneException("steps 0 is the linear probe alone, and no-probe leaves it out; set steps to 1 or more.");
        return problem is not null || (recipe.NoProbe ?? (recipe.Steps != 0 && weights.Reference == EmbeddedWeights.Name));
    }

    /// <summary>Time of the passes of the probe and of the measuring at the end, in training steps.</summary>
    /// <param name="data">Training and validation images pass for the probe; these and the test images once more, the test images for the
    /// probe too.</param>
    /// <param name="rows">Images in a step.</param>
    public static double PassesInSteps(DataSetup data, int rows) =>
        2.0 * (data.Train.Count + (data.Validation?.Count ?? 0) + (data.Test?.Count ?? 0)) * ShareOfStep / rows;

    /// <summary>The largest input at which a budget holds the probe alone, by the time of a step at another, which grows with the
    /// area.</summary>
    /// <param name="budget">Wall time.</param>
    /// <param name="sides">To choose from, smallest first.</param>
    /// <param name="measured">A step's time, at its input.</param>
    /// <param name="passes">Of <see cref="PassesInSteps"/>.</param>
    public static int LargestInput(TimeSpan budget, IReadOnlyList<int> sides, RunPlan measured, double passes) =>
        sides.LastOrDefault(side => passes * measured.SecondsPerStep * Math.Pow((double)side / measured.InputSize, 2)
            <= budget.TotalSeconds * RunPlan.ShareForSteps, sides[0]);
}
