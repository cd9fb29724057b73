using Schane.Training;

namespace Schane.Cli;

/// <summary>Moments of many runs together as moments of long work.</summary>
internal sealed class ShownJobs(Action<Moment> show) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value.Message is not null)
            show(new(value.Phase, value.Step, value.Steps, Message: value.Message));
        if (value.Steps > 0)
            show(new(value.Phase, value.Step, value.Steps, Unit: null, Left: value.Remaining));
    }
}
