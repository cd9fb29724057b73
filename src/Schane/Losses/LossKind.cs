namespace Schane.Losses;

/// <summary>The contrastive term of the joint objective.</summary>
public enum LossKind
{
    /// <summary>None: cross-entropy alone (λ = 0).</summary>
    Ce,

    /// <summary>Supervised contrastive loss; see <see cref="SupConLoss"/>.</summary>
    SupCon,

    /// <summary>Views of one image against all others, no labels; see <see cref="SimClrLoss"/>.</summary>
    SimClr,

    /// <summary>SimCLR with weighted hard negatives and debiasing; see <see cref="HclLoss"/>.</summary>
    Hcl,

    /// <summary>Supervised contrastive loss with weighted hard negatives; see <see cref="SchaneLoss"/>.</summary>
    Schane,

    /// <summary>Batch-hard triplets, the metric-learning baseline; see <see cref="TripletLoss"/>.</summary>
    Triplet,
}
