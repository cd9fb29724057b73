using Schane.Tensors;

namespace Schane.Losses;

/// <summary>Settings of <see cref="JointObjective"/>. Works when new: SCHaNe with the authors' numbers.</summary>
public sealed record JointOptions
{
    /// <summary>The contrastive term.</summary>
    public LossKind Loss { get; init; } = LossKind.Schane;

    /// <summary>λ, share of the contrastive term, 0 to 1. At 0 no contrastive term is computed, at 1 no cross-entropy.</summary>
    public double Lambda { get; init => field = Require.InRange(value, 0, 1); } = 0.9;

    /// <summary>Softmax temperature τ, above 0. Triplets have none.</summary>
    public double Temperature { get; init => field = Require.Positive(value); } = 0.5;

    /// <summary>Hardness β ≥ 0 of SCHaNe and HCL.</summary>
    public double Beta { get; init => field = Require.InRange(value, 0, double.MaxValue); } = 1;

    /// <summary>Where the mean over the positives stands, in SupCon and SCHaNe.</summary>
    public Placement Placement { get; init; }

    /// <summary>Whether SCHaNe's weights are constants for the gradient.</summary>
    public bool DetachWeights { get; init; }

    /// <summary>HCL's τ⁺, 0 to 0.99.</summary>
    public double TauPlus { get; init => field = Require.InRange(value, 0, 0.99); } = 0.1;

    /// <summary>HCL's estimator.</summary>
    public HclEstimator Estimator { get; init; }

    /// <summary>Triplet margin above 0.</summary>
    public double Margin { get; init => field = Require.Positive(value); } = 0.2;

    /// <summary>Share of each cross-entropy target spread over all classes, 0 to 1.</summary>
    public double LabelSmoothing { get; init => field = Require.InRange(value, 0, 1); }

    /// <summary>Cross-entropy's class weights, each above 0; null weighs all alike.</summary>
    public IReadOnlyList<double>? ClassWeights { get; init; }

    /// <summary>What the contrastive term does with mixtures.</summary>
    public MixedPairs Mixed { get; init; }

    /// <summary>The defaults for one loss: λ 0.9 (0 for cross-entropy), τ 0.5 for SCHaNe and 0.1 for the others, β 1 for SCHaNe and HCL.</summary>
    public static JointOptions For(LossKind loss) => new()
    {
        Loss = loss,
        Lambda = loss == LossKind.Ce ? 0 : 0.9,
        Temperature = loss == LossKind.Schane ? 0.5 : 0.1,
        Beta = loss is LossKind.Schane or LossKind.Hcl ? 1 : 0,
        Mixed = loss is LossKind.SimClr or LossKind.Hcl or LossKind.Triplet ? MixedPairs.Clean : MixedPairs.Soft,
    };
}
