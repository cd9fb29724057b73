using Schane.Training;

namespace Schane.Tests.Support;

/// <summary>Keeps the sentences that a run says.</summary>
internal sealed class Heard(List<string> messages) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value.Message is { } message)
            lock (messages)                                               // runs side by side speak at once
                messages.Add(message);
    }
}
