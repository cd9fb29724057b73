namespace Schane.Training;

/// <summary>One moment of a run, for a progress display.</summary>
/// <param name="Phase">What is being done: <c>train</c>, <c>evaluate</c>.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">All steps.</param>
/// <param name="Epoch">Epoch of the step, from 0.</param>
/// <param name="Loss">Joint loss of the step, nats; null outside training.</param>
/// <param name="ImagesPerSecond">Rate since the start or the resume.</param>
/// <param name="Remaining">Estimated time left; null while there is no rate yet.</param>
/// <param name="Message">A sentence to show once (the plan, a warning, an evaluation); null for a mere step.</param>
public sealed record TrainingProgress(string Phase, long Step, long Steps, int Epoch, double? Loss, double ImagesPerSecond,
    TimeSpan? Remaining, string? Message = null)
{
    /// <summary>A sentence of the plan.</summary>
    internal static TrainingProgress Note(string message) => new("plan", 0, 0, 0, null, 0, null, message);

    /// <summary>Share of the step's images that the classifier had right, 0 to 1; null outside training and
    /// without cross-entropy.</summary>
    public double? Accuracy { get; init; }

    /// <summary>Memory of the process in bytes; 0 where it was not measured.</summary>
    public long Memory { get; init; }
}
