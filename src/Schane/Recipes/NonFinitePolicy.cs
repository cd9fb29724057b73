namespace Schane.Recipes;

/// <summary>What a run does at a step whose loss or gradient is not finite.</summary>
public enum NonFinitePolicy
{
    /// <summary>Names the step and the tensor, keeps the batch, and stops.</summary>
    Stop,

    /// <summary>The same, but leaves the step out, up to a limit.</summary>
    Skip,
}
