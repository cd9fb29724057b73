using Schane.Losses;

namespace Schane.Training;

/// <summary>Which settings of a recipe have an effect with which loss.</summary>
internal static class LossSettings
{
    private static readonly string[] contrastive = ["lambda", "lambda-final", "temperature", "temperature-final", "schedule-shape", "kernel", "mixing", "projection"];

    /// <summary>Whether a setting has an effect on training with a loss.</summary>
    public static bool Matters(string key, LossKind loss) => key switch
    {
        "beta" or "beta-warmup" or "beta-final" => loss is LossKind.Schane or LossKind.Hcl,
        "detach-weights" => loss == LossKind.Schane,
        "placement" => loss is LossKind.Schane or LossKind.SupCon,
        "tau-plus" or "estimator" => loss == LossKind.Hcl,
        "margin" => loss == LossKind.Triplet,
        "temperature" or "temperature-final" => loss is not (LossKind.Ce or LossKind.Triplet),
        _ => loss != LossKind.Ce || !contrastive.Contains(key),
    };

    /// <summary>A sentence on what a recipe sets, other than its default is, that its loss has no use for; null where there is nothing. No error, for the arms of a comparison share what only some of them use; the kernel is the machine's choice.</summary>
    public static string? Unused(Recipe recipe)
    {
        var (values, defaults) = (RecipeFile.Values(recipe), RecipeFile.Values(Default(recipe.Loss)));
        var idle = values.Where(s => s.Value is not null && s.Value != defaults[s.Key] && s.Key != "kernel" && !Matters(s.Key, recipe.Loss))
            .Select(s => $"{s.Key} {s.Value} ({string.Join(", ", Enum.GetValues<LossKind>().Where(other => Matters(s.Key, other)).Select(Name))})").ToList();
        return idle.Count == 0 ? null : $"Loss {Name(recipe.Loss)} has no use for {string.Join(" and ", idle)}: what has stands in parentheses.";
    }

    private static string Name(LossKind loss) => loss.ToString().ToLowerInvariant();

    private static Recipe Default(LossKind loss)
    {
        var options = JointOptions.For(loss);
        return new Recipe { Lambda = options.Lambda, Temperature = options.Temperature, Beta = options.Beta };
    }
}
