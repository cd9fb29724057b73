using Schane.Tensors;

namespace Schane.Models;

/// <summary>What sits on a backbone: a linear classifier, and between trunk and contrastive loss perhaps a projection.</summary>
public sealed record ClassifierOptions
{
    /// <summary>Factor on the classifier's initial weights, whose deviation is 0.02 before it; above 0. Null:
    /// <see cref="BackboneInfo.HeadInitScale"/>.</summary>
    public double? HeadInitScale { get; init => field = value is { } scale ? Require.Positive(scale) : null; }

    /// <summary>Width of the projection that the contrastive loss sees in training; null for none: it sees the embedding itself.</summary>
    public int? ProjectionWidth { get; init => field = value is { } width ? Require.AtLeast(width, 1) : null; }

    /// <summary>Seed of the initial weights of head and projection.</summary>
    public long Seed { get; init; }
}
