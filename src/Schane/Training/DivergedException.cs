namespace Schane.Training;

/// <summary>Training failed for a reason that is not the user's input: the loss or a gradient is not finite.</summary>
public sealed class DivergedException(string message) : Exception(message);
