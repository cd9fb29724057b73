using Schane.Data.Feeding;
using Schane.Distributed;
using Schane.Models;
using Schane.Models.Convolutional;
using Schane.Models.Layers;
using Schane.Products;
using Schane.Recipes;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Planning;

/// <summary>What only this machine can decide, the precision and the length that a budget holds, and what is to be said of a
/// plan.</summary>
/// <param name="plan">Settled but for these.</param>
/// <param name="ranks">The processes that share its batches.</param>
/// <param name="clock">Time of the budget that is gone.</param>
internal sealed class MeasuredChoices(TrainingPlan plan, ICollective ranks, Func<TimeSpan> clock)
{
    private readonly BackboneInfo info = ModelRegistry.InfoOf(plan.Recipe.Model!);
    private readonly int rows = plan.Sampler.Batches(0)[0].Length * plan.Recipe.Views;         // of all ranks, which share them out

    /// <summary>The plan with nothing open.</summary>
    public TrainingPlan Make()
    {
        List<string> notes = [];
        if (plan.Recipe.NoOwnProducts is null && device(plan.Recipe.Device).type == TorchSharp.DeviceType.CPU)
        {
            var ratio = ComputeThreads.During(plan.Threads, () => ProductChoice.Ratio);
            plan = plan with { Recipe = plan.Recipe with { NoOwnProducts = ratio < ProductChoice.Least } };
            if (ratio >= ProductChoice.Least && HasLinearLayers)
                notes.Add($"Linear layers in float32 by Schane's own products, {ratio:F1} times as fast as libtorch's here.");
        }
        if (plan.Recipe.Precision == Precision.Auto)
        {
            var (precision, why) = ComputeThreads.During(plan.Threads, PrecisionOf);
            plan = plan with { Recipe = plan.Recipe with { Precision = precision } };
            notes.Add($"Precision {precision.ToString().ToLowerInvariant()}: {why}.");
        }
        var epoch = plan.Sampler.BatchesPerEpoch;
        (var recipe, var how) = plan.Recipe is { Steps: null, Epochs: null } ? ComputeThreads.During(plan.Threads, ByBudget)
            : (plan.Recipe with
            { InputSize = plan.Recipe.InputSize ?? info.InputSize, Steps = plan.Recipe.Steps ?? plan.Recipe.Epochs * epoch },
                plan.Recipe.ByTime ? Held : "as the recipe says");
        plan = plan with { Recipe = recipe };
        notes.Add($"{recipe.Model} at {recipe.InputSize} px, {plan.Data.Train.Classes.Count} classes, {plan.Data.Train.Count} training " +
            $"images; {recipe.Steps} steps ({(double)recipe.Steps!.Value / epoch:0.#} epochs), {how}.");
        return plan with { Notes = [.. notes, .. Remarks()] };
    }

    /// <summary>How a time is written in a plan.</summary>
    public static string Spoken(TimeSpan time) => time.TotalSeconds < 90 ? $"{time.TotalSeconds:F0} s" : $"{time.TotalMinutes:F0} min";

    private bool HasLinearLayers
    {
        get
        {
            using var scope = NewDisposeScope();
            return ModelRegistry.Uninitialised(info.Name).modules().OfType<Dense>().Any();
        }
    }

    private (Precision, string) PrecisionOf()
    {
        var recipe = plan.Recipe;
        var own = Math.Max(1, rows / ranks.Size);
        var length = (recipe.Steps ?? recipe.Epochs * plan.Sampler.BatchesPerEpoch) is { } steps ? steps * own : (double?)null;
        return PrecisionChoice.Decide(() => plan.NewClassifier(), Math.Min(recipe.MicroBatch ?? own, own), length, plan.Budget,
            device(recipe.Device), Machine.Examine().Features);
    }

    private (Recipe, string) ByBudget()
    {
        var (recipe, left) = (plan.Recipe, plan.Budget - clock());
        var sizes = InputSizes();
        var passes = recipe.NoProbe == true ? 0 : ProbeChoice.PassesInSteps(plan.Data, rows);
        var fit = RunPlan.Fit(left, plan.Sampler.BatchesPerEpoch, sizes,
            size => RunPlan.Measure(side => plan.NewClassifier(side), size, Math.Max(1, rows / ranks.Size), plan.Objective,
                device(recipe.Device)), passes, passes > 0 ? ProbeChoice.EnoughEpochs : RunPlan.EnoughEpochs);
        if (passes > 0 && fit.Epochs < ProbeChoice.LeastEpochs)
            fit = fit with { Steps = 0, InputSize = ProbeChoice.LargestInput(left, sizes, fit, passes) };
        var whole = fit.Steps >= RunPlan.MostEpochs * plan.Sampler.BatchesPerEpoch;
        return (recipe with { InputSize = fit.InputSize, Steps = fit.Steps, ByTime = fit.Steps > 0 }, fit.Steps == 0
            ? $"for a budget of {Spoken(plan.Budget)} is too short for {ProbeChoice.LeastEpochs} epochs after the linear probe, which " +
                "is the run's model then"
            : whole ? $"the most that a run makes, which won't use up its budget of {Spoken(plan.Budget)}"
            : $"{Held}; planned at {rows / fit.SecondsPerStep:F0} images/s");
    }

    private string Held => $"or as many as its budget of {Spoken(plan.Budget)} holds, report included";

    /// <summary>
    /// Sides that a budget may choose from, smallest first: a net without positions gives good features of smaller images too.
    /// </summary>
    private int[] InputSizes() => plan.Recipe.InputSize is { } given ? [given]
        : info.InputSize == 64 ? [64, 96, 128]
        : info.InputSize == 224 && ModelRegistry.ShapeOf(info.Name) is ResNetShape ? [96, 128, 160, 224]
        : [info.InputSize];

    private IEnumerable<string> Remarks()
    {
        if (plan.Data.OwnSampler is not null)
            yield return $"The batches are those of {plan.Sampler.GetType().Name}, not of the recipe's sampler.";
        if (plan.Recipe.MultiLabel == true)
            yield return "Batches are of any images (sampler shuffled), since images of several classes are not of one of P classes; the " +
                "contrastive term takes them as positives by the classes they share (the cosine of both sets).";
        if (LossSettings.Unused(plan.Recipe) is { } unused)
            yield return unused;
        foreach (var warning in plan.Data.Warnings)
            yield return warning;
        if (!plan.Weights.Exist && info.Weights is { } published)
            yield return $"Training starts from random weights; --weights {InitialWeights.Published} takes {published} (licence " +
                $"{info.WeightsLicense}).";
        if (plan.Sampler is BalancedSampler { ClassesWithOneImage: > 0 } balanced)
            yield return $"{balanced.ClassesWithOneImage} {(balanced.ClassesWithOneImage == 1 ? "class has" : "classes have")} one " +
                "image: other augmentations of it are its only positives.";
    }
}
