using Schane.Reporting;

namespace Schane.Cli;

/// <summary>Runs that failed while the others went on, at the end of what is shown of a comparison or sweep.</summary>
internal static class FailedRuns
{
    /// <summary>Names them with their reasons.</summary>
    /// <returns>The exit code: that of a failure where there are any.</returns>
    public static int Say(Screen screen, IReadOnlyList<FailedRun> failed)
    {
        if (failed.Count == 0)
            return Exit.Done;
        foreach (var run in failed)
            screen.Say($"failed: {run}");
        screen.Say($"error: {(failed.Count == 1 ? "1 run" : $"{failed.Count} runs")} failed, and what is shown is without them; the same " +
            "line again goes on with them alone.");
        return Exit.Failed;
    }
}
