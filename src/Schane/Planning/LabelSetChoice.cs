using Schane.Recipes;

namespace Schane.Planning;

/// <summary>What changes in a recipe whose images may have several classes.</summary>
internal static class LabelSetChoice
{
    private const int UsualClasses = 16;

    /// <summary>Whether each class is a yes or no of its own: as the recipe says, else as the data do.</summary>
    /// <exception cref="SchaneException">The recipe says no, but the data hold images of several classes; or a setting takes one class an
    /// image.</exception>
    public static bool Is(Recipe recipe, DataSetup data)
    {
        if (recipe.MultiLabel == false && data.Train.IsMultiLabel)
            throw new SchaneException($"{Printable.Escape(data.Train.Name)} has images of several classes, but multi-label is false; " +
                "leave it out, or give each image one label.");
        return recipe.MultiLabel ?? data.Train.IsMultiLabel;
    }

    /// <summary>The recipe with what several classes decide: batches of any images, no linear probe, the metric of the best checkpoint. As
    /// it is for images of one class each.</summary>
    /// <exception cref="SchaneException">It asks for what takes one class an image.</exception>
    public static Recipe Settled(Recipe recipe, DataSetup data)
    {
        if (!Is(recipe, data))
            return recipe;
        if (recipe.Sampler is SamplerKind.Hard or SamplerKind.Weighted)
            throw Refused($"sampler {recipe.Sampler.ToString().ToLowerInvariant()} draws by the class of an image", "leave it out");
        if (recipe.NoProbe == false)
            throw Refused("no-probe false asks for a linear probe, which names one class", "leave it out");
        if (recipe.Steps == 0)
            throw Refused("steps 0 is the linear probe alone, which names one class", "set steps to 1 or more");
        var average = recipe.BestMetric.StartsWith("ema_", StringComparison.Ordinal) ? "ema_" : "";
        return recipe with
        {
            MultiLabel = true,
            Sampler = SamplerKind.Shuffled,
            Batch = recipe.Batch ?? (recipe.ClassesPerBatch ?? UsualClasses) * recipe.ImagesPerClass,
            NoProbe = true,
            BestMetric = recipe.BestMetric[average.Length..] == "top1" ? $"{average}map" : recipe.BestMetric,
        };
    }

    /// <summary>Refuses what chooses training images by the class of each.</summary>
    public static void Check(Recipe recipe, DataSetup data)
    {
        var asked = recipe.LabelsPerClass is not null ? "labels-per-class counts" : recipe.Imbalance is not null ? "imbalance counts"
            : recipe.Relabel is not null ? "relabel gives" : recipe.Unlabelled is not null ? "unlabelled gives" : null;
        if (asked is not null && Is(recipe, data))
            throw Refused($"{asked} one class an image", "leave it out");
    }

    /// <summary>Opens the data of a study, whose runs are compared image by image.</summary>
    /// <exception cref="SchaneException">Images may have several classes, or the data can't be opened.</exception>
    public static DataSetup RequireOneClass(Recipe recipe, string? dataRoot)
    {
        var data = DataSetup.Open(recipe, dataRoot);
        return !Is(recipe, data) ? data
            : throw Refused("runs are compared by the one class that they name", "train a run of each and look at their results.json");
    }

    /// <summary>The sentence with which a verb refuses images of several classes.</summary>
    /// <param name="what">What can't be done, and why.</param>
    /// <param name="wayOut">What to do.</param>
    public static SchaneException Refused(string what, string wayOut) =>
        new($"Images may have several classes here (multi-label), and {what}; {wayOut}.");
}
