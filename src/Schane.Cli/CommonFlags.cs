using System.CommandLine;
using Schane.Checkpoints.Hub;
using Schane.Recipes;

namespace Schane.Cli;

/// <summary>Flags that mean the same for every verb.</summary>
internal static class CommonFlags
{
    public static Option<string> DataRoot() =>
        new("--data-root")
        { HelpName = "FOLDER", Description = "Where data sets by name lie. Default: $SCHANE_DATA, then the user's data folder." };

    public const string WeightsForm = RecipeSettings.WeightsForm;

    public static Option<bool> Offline() =>
        new("--offline")
        { Description = "Use no network: weights come from this machine or from the cache of earlier downloads ($SCHANE_CACHE)." };

    public static HubOptions Hub(this ParseResult parsed, Option<bool> offline) => new() { Offline = parsed.GetValue(offline) };

    public static Option<bool> NoProof() => new("--no-proof")
    {
        Description = "Load the model without the proof that this machine computes it as float64 says; once made, that is remembered in " +
            "$SCHANE_CACHE."
    };

    public static Option<string> Device() =>
        new("--device") { HelpName = "cpu|cuda[:N]", DefaultValueFactory = _ => "cpu", Description = "Where to compute. Default: cpu." };
}
