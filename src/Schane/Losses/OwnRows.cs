namespace Schane.Losses;

/// <summary>The rows of a step that one rank answers for, among those of all ranks.</summary>
/// <param name="First">First row.</param>
/// <param name="Count">Number of rows.</param>
internal readonly record struct OwnRows(long First, long Count);
