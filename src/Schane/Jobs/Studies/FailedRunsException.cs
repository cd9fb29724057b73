using Schane.Reporting;

namespace Schane.Jobs.Studies;

/// <summary>So many runs failed that nothing is left to compare or to choose from. The same call again makes the missing ones.</summary>
/// <param name="failed">At least one.</param>
internal sealed class FailedRunsException(IReadOnlyList<FailedRun> failed) : Exception(
    $"{(failed.Count == 1 ? "A run" : $"{failed.Count} runs")} failed, and without {(failed.Count == 1 ? "it" : "them")} there is no " +
    $"answer; the same line again goes on. {string.Join(" ", failed.Select(run => run.ToString()))}")
{
    /// <summary>The runs, each with its reason.</summary>
    public IReadOnlyList<FailedRun> Failed => failed;
}
