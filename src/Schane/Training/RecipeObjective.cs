using Schane.Data;
using Schane.Losses;

namespace Schane.Training;

/// <summary>What a recipe asks of the loss and of the mixing of images.</summary>
internal static class RecipeObjective
{
    /// <summary>The joint objective a recipe asks for; unset values are the loss's defaults.</summary>
    /// <exception cref="SchaneException">Settings that contradict each other.</exception>
    public static JointOptions Objective(this Recipe recipe)
    {
        var defaults = JointOptions.For(recipe.Loss);
        if (recipe.Loss == LossKind.Ce && (recipe.Lambda is > 0 || recipe.LambdaFinal is not null))
            throw new SchaneException($"Loss ce has no contrastive term, but {(recipe.LambdaFinal is null ? $"lambda is {recipe.Lambda}" : $"lambda-final is {recipe.LambdaFinal}")}; leave it out, or choose another loss.");
        if (recipe is { BetaWarmup: > 0, BetaFinal: not null })
            throw new SchaneException($"beta-warmup {recipe.BetaWarmup} lets β rise to beta and beta-final {recipe.BetaFinal} lets it move on from there; keep one of them.");
        if (recipe.Mixing == MixedPairs.Soft && defaults.Mixed == MixedPairs.Clean && (recipe.Mixup > 0 || recipe.Cutmix > 0))
            throw new SchaneException($"Loss {recipe.Loss.ToString().ToLowerInvariant()} has no soft pairs, because its positives are not shares of classes, but mixing is soft; set it to clean.");
        var (lambda, temperature, beta, steps) = (recipe.Lambda ?? defaults.Lambda, recipe.Temperature ?? defaults.Temperature, recipe.Beta ?? defaults.Beta, recipe.Steps ?? 1);
        LossSchedule? To(double from, double? final) => final is { } to ? new LossSchedule { From = from, To = to, Steps = steps, Shape = recipe.ScheduleShape } : null;
        return defaults with
        {
            Lambda = lambda,
            LambdaSchedule = To(lambda, recipe.LambdaFinal),
            Temperature = temperature,
            TemperatureSchedule = To(temperature, recipe.TemperatureFinal),
            Beta = beta,
            BetaSchedule = recipe.BetaWarmup > 0 ? LossSchedule.WarmUp(beta, Math.Max(1, (int)Math.Round(recipe.BetaWarmup * steps))) : To(beta, recipe.BetaFinal),
            Placement = recipe.Placement,
            DetachWeights = recipe.DetachWeights,
            LabelSmoothing = recipe.LabelSmoothing,
            TauPlus = recipe.TauPlus,
            Estimator = recipe.Estimator,
            Margin = recipe.Margin,
            Kernel = recipe.Kernel,
            Mixed = recipe.Mixing ?? defaults.Mixed,
        };
    }

    /// <summary>What mixes the images of a batch; null where the recipe mixes none.</summary>
    public static BatchMixer? Mixer(this Recipe recipe, int classes) => recipe is { Mixup: 0, Cutmix: 0 } ? null
        : new BatchMixer(new MixOptions { MixupAlpha = recipe.Mixup, CutMixAlpha = recipe.Cutmix }, classes, recipe.Seed);
}
