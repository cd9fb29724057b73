using System.CommandLine;

namespace Schane.Cli;

/// <summary>Flags that mean the same wherever they stand.</summary>
internal static class CommonFlags
{
    public static Option<string> DataRoot() =>
        new("--data-root") { HelpName = "FOLDER", Description = "Where data sets by name lie. Default: $SCHANE_DATA, then the user's data folder." };

    public static Option<string> Device() =>
        new("--device") { HelpName = "cpu|cuda[:N]", DefaultValueFactory = _ => "cpu", Description = "Where to compute. Default: cpu." };
}
