namespace Schane.Losses;

/// <summary>What the contrastive term does when images are mixed (Mixup, CutMix).</summary>
public enum MixedPairs
{
    /// <summary>Pairs are positive by the share of class they have in common. The default.</summary>
    Soft,

    /// <summary>The embeddings are those of the unmixed images, with their labels; only cross-entropy sees the mixtures.</summary>
    Clean,
}
