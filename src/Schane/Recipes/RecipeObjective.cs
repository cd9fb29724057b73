using System.Reflection;
using Schane.Data.Feeding;
using Schane.Losses;

namespace Schane.Recipes;

/// <summary>What a recipe asks of the loss and of the mixing of images.</summary>
internal static class RecipeObjective
{
    /// <summary>The settings that a recipe can give a loss, by the name of the property in both.</summary>
    private static readonly IReadOnlyDictionary<string, PropertyInfo> settings = typeof(Recipe).GetProperties().ToDictionary(p => p.Name);

    /// <summary>The contrastive term with what the recipe sets of it.</summary>
    /// <exception cref="SchaneException">It can't take a setting, or bears the name of another loss.</exception>
    public static ContrastiveLoss Term(this Recipe recipe) => Set(recipe.Loss, recipe);

    /// <summary>The recipe with every setting that its contrastive term uses.</summary>
    /// <param name="recipe">To fill in.</param>
    /// <param name="scratch">Whether the model's weights begin at random.</param>
    public static Recipe WithTerm(this Recipe recipe, bool scratch)
    {
        var term = Set(scratch ? recipe.Loss.FromScratch : recipe.Loss, recipe);
        var filled = recipe with { };
        foreach (var setting in term.Settings.Keys)
            settings.GetValueOrDefault(setting)?.SetValue(filled, term.Get(setting));
        return filled;
    }

    /// <summary>Whether cross-entropy counts at any time; without it the classifier stays as it began.</summary>
    public static bool TrainsClassifier(this Recipe recipe) =>
        recipe.Objective().Lambda != 1 || recipe.LambdaFinal is not (null or 1);

    /// <summary>The joint objective a recipe asks for; unset values are the loss's defaults.</summary>
    /// <exception cref="SchaneException">Settings that contradict each other.</exception>
    public static JointOptions Objective(this Recipe recipe)
    {
        var term = recipe.Term();
        if (term.Positives == Positives.None && (recipe.Lambda is > 0 || recipe.LambdaFinal is not null))
            throw new SchaneException($"Loss {term.Name} has no contrastive term, but " +
                $"{(recipe.LambdaFinal is null ? $"lambda is {recipe.Lambda}" : $"lambda-final is {recipe.LambdaFinal}")}; leave it out, " +
                "or choose another loss.");
        if (recipe is { BetaWarmup: > 0, BetaFinal: not null })
            throw new SchaneException($"beta-warmup {recipe.BetaWarmup} lets β rise to beta and beta-final {recipe.BetaFinal} lets it " +
                "move on from there; keep one of them.");
        if (recipe.Mixing == MixedPairs.Soft && term is not ISoftPairs && (recipe.Mixup > 0 || recipe.Cutmix > 0))
            throw new SchaneException($"Loss {term.Name} has no soft pairs, because its positives are not shares of classes, but mixing " +
                "is soft; set it to clean.");
        var options = new JointOptions
        {
            Loss = term,
            CrossEntropy = new() { LabelSmoothing = recipe.LabelSmoothing, Gamma = recipe.Focal, IsMultiLabel = recipe.MultiLabel == true },
            Kernel = recipe.Kernel,
        };
        if (recipe.Lambda is { } lambda)
            options = options with { Lambda = lambda };
        if (recipe.Mixing is { } mixing)
            options = options with { Mixed = mixing };
        if (recipe.MultiLabel == true && term.Positives == Positives.SameClass
            && (term.Formula is null || recipe.Mixing == MixedPairs.Clean))
            throw new SchaneException($"Images may have several classes here (multi-label), which {(term.Formula is null
                ? $"the loss {term.Name} can't compare; choose supcon or schane" : "mixing clean can't compare; leave it out")}.");
        if (Balances(recipe) is { } balances && options.Lambda == 1 && recipe.LambdaFinal is null or 1)
            throw new SchaneException($"{balances} is of cross-entropy, which lambda 1 leaves out; set lambda below 1, or leave it out.");
        if (Balances(recipe) is { } balanced && recipe.Steps == 0)
            throw new SchaneException($"{balanced} is of training, but steps 0 fits the linear probe alone, where every image counts " +
                "alike; take steps, or leave it out.");
        var (numbers, steps) = (options.At(0), recipe.Steps ?? 1);
        LossSchedule? To(double? from, double? final) => (from, final) is ({ } start, { } end)
            ? new LossSchedule { From = start, To = end, Steps = steps, Shape = recipe.ScheduleShape } : null;
        return options with
        {
            LambdaSchedule = To(options.Lambda, recipe.LambdaFinal),
            TemperatureSchedule = To(numbers.Temperature, recipe.TemperatureFinal),
            BetaSchedule = recipe.BetaWarmup > 0 && numbers.Beta is { } beta
                ? LossSchedule.WarmUp(beta, Math.Max(1, (int)Math.Round(recipe.BetaWarmup * steps))) : To(numbers.Beta, recipe.BetaFinal),
        };
    }

    private static string? Balances(Recipe recipe) => recipe.ClassWeights > 0 ? $"class-weights {recipe.ClassWeights}"
        : recipe.Focal > 0 ? $"focal {recipe.Focal}" : null;

    /// <summary>The weights of classes of which a recipe's training images are so many: 1 for an image in the mean; null where they weigh
    /// alike. A class without images weighs as one with a single one.</summary>
    /// <param name="beta">β: 0 weighs alike, 1 by the inverse of the images.</param>
    /// <param name="images">Training images of each class.</param>
    public static IReadOnlyList<double>? ClassWeights(double beta, IReadOnlyList<int> images)
    {
        if (beta == 0)
            return null;
        double[] inverse = [.. images.Select(n => Math.Max(n, 1)).Select(n => beta == 1 ? 1.0 / n : (1 - beta) / (1 - Math.Pow(beta, n)))];
        var mean = images.Select((n, i) => n * inverse[i]).Sum() / images.Sum();
        return [.. inverse.Select(weight => weight / mean)];
    }

    /// <summary>What mixes the images of a batch; null where the recipe mixes none.</summary>
    public static BatchMixer? Mixer(this Recipe recipe, int classes) => recipe is { Mixup: 0, Cutmix: 0 } ? null
        : new BatchMixer(new MixOptions { MixupAlpha = recipe.Mixup, CutMixAlpha = recipe.Cutmix }, classes, recipe.Seed);

    private static ContrastiveLoss Set(ContrastiveLoss loss, Recipe recipe)
    {
        if (loss is UnknownLoss unknown)
            throw unknown.Refused;
        LossRegistry.CheckName(loss);
        foreach (var setting in loss.Settings.Keys)
            loss = loss.With(setting, settings.GetValueOrDefault(setting)?.GetValue(recipe));
        return loss;
    }
}
