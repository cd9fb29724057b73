using Schane.Training;

namespace Schane.Cli;

/// <summary>Moments of training as moments of long work.</summary>
internal sealed class ShownTraining(Action<Moment> show) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value) => show(new(value.Phase, value.Step, value.Steps, "", value.ImagesPerSecond, value.Remaining,
        value.Loss is { } loss ? $"loss {loss:0.000}{(value.Accuracy is { } right ? $", accuracy {right:0 %}" : "")}" : "",
        value.Message, value.Memory));
}
