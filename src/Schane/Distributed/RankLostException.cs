namespace Schane.Distributed;

/// <summary>The ranks can't go on together: one is silent, or their weights are no longer the same. The sentence names
/// the rank and its host.</summary>
public sealed class RankLostException(string message) : Exception(message);
