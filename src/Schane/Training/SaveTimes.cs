using Schane.Distributed;

namespace Schane.Training;

/// <summary>When checkpoints are due: every so many steps where the recipe says so; else about ten times in a run, the first within half a
/// minute, and never so often that they take more than a twentieth of the time.</summary>
/// <param name="every">Steps between two; null for the times above.</param>
/// <param name="steps">Planned steps.</param>
/// <param name="ranks">Rank 0's clock decides for all.</param>
internal sealed class SaveTimes(int? every, int steps, ICollective ranks)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(25);

    private TimeSpan? last;
    private TimeSpan cost;

    /// <summary>Whether a checkpoint is due after a step.</summary>
    /// <param name="state">The state after it.</param>
    /// <param name="now">Time since training began or went on.</param>
    public bool IsDue(RunState state, TimeSpan now) => every is { } fixedly ? state.Step % fixedly == 0
        : ranks.Any(ranks.Rank == 0 && (last is { } before ? state.Passed(steps / 10.0) && (now - before) * Pace.Share >= cost
            : now >= First || state.Passed(steps / 10.0)));

    /// <summary>Remembers that one was written.</summary>
    public void Saved(TimeSpan began, TimeSpan ended) => (last, cost) = (ended, ended - began);
}
