using Schane.Losses;

namespace Schane.Recipes;

/// <summary>Which settings of a recipe have an effect with which loss.</summary>
internal static class LossSettings
{
    private static readonly string[] contrastive = ["lambda", "lambda-final", "schedule-shape", "kernel", "mixing", "projection"];

    /// <summary>Whether a setting has an effect on training with a loss: one that other losses have too, if it has it; one of the
    /// contrastive term, if there is a term.</summary>
    public static bool Matters(string key, ContrastiveLoss loss)
    {
        var setting = SettingOf(key);
        return LossRegistry.All.Any(other => other.Settings.ContainsKey(setting)) ? loss.Settings.ContainsKey(setting)
            : loss.Positives != Positives.None || !contrastive.Contains(key);
    }

    /// <summary>A sentence on what a recipe sets, other than its default is, that its loss has no use for; null where there is nothing. No
    /// error, for the arms of a comparison share what only some of them use; the kernel is the machine's choice.</summary>
    public static string? Unused(Recipe recipe)
    {
        var (values, defaults) = (RecipeFile.Values(recipe),
            RecipeFile.Values(new Recipe { Loss = recipe.Loss, Lambda = recipe.Loss.DefaultLambda }));
        var idle = values.Where(s => s.Value is not null && s.Value != defaults[s.Key] && s.Key != "kernel" && !Matters(s.Key, recipe.Loss)
            && !SaysNothing(s.Key, s.Value))
            .Select(s => $"{s.Key} {s.Value} " +
                $"({string.Join(", ", LossRegistry.All.Where(other => Matters(s.Key, other)).Select(other => other.Name))})").ToList();
        return idle.Count == 0
            ? null : $"Loss {recipe.Loss.Name} has no use for {string.Join(" and ", idle)}: what has stands in parentheses.";
    }

    /// <summary>Whether a setting of other losses is at nothing, or at the default of one of them, as the recipes of earlier runs write
    /// it whatever the loss.</summary>
    private static bool SaysNothing(string key, string value) => RecipeFile.PropertyOf(key) is { } setting
        && LossRegistry.All.Any(other => other.Get(setting) is { } common && (value == "0" || value == RecipeFile.Show(common)));

    /// <summary>The loss's setting that a key of a recipe is about: <c>beta</c>, <c>beta-warmup</c> and <c>beta-final</c>
    /// are about <c>Beta</c>.</summary>
    private static string SettingOf(string key)
    {
        foreach (var end in (ReadOnlySpan<string>)["-warmup", "-final"])
            if (key.EndsWith(end, StringComparison.Ordinal))
                key = key[..^end.Length];
        return RecipeFile.PropertyOf(key) ?? key;
    }
}
