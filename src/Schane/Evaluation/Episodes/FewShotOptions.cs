using Schane.Tensors;

namespace Schane.Evaluation.Episodes;

/// <summary>The shape of few-shot episodes.</summary>
internal sealed record FewShotOptions
{
    /// <summary>Classes in an episode, at least 2.</summary>
    public int Ways { get; init => field = Require.AtLeast(value, 2); } = 5;

    /// <summary>Labelled images of each class, at least 1.</summary>
    public int Shots { get; init => field = Require.AtLeast(value, 1); } = 1;

    /// <summary>Images to classify of each class, at least 1.</summary>
    public int Queries { get; init => field = Require.AtLeast(value, 1); } = 15;

    /// <summary>How many episodes, at least 1.</summary>
    public int Episodes { get; init => field = Require.AtLeast(value, 1); } = 1000;

    /// <summary>Seed of the draw.</summary>
    public long Seed { get; init; }
}
