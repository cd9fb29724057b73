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

    /// <summary>τ over the steps; null keeps <see cref="Temperature"/>.</summary>
    public LossSchedule? TemperatureSchedule { get; init; }

    /// <summary>β over the steps; null keeps <see cref="Beta"/>.</summary>
    public LossSchedule? BetaSchedule { get; init; }

    /// <summary>λ over the steps; null keeps <see cref="Lambda"/>.</summary>
    public LossSchedule? LambdaSchedule { get; init; }

    /// <summary>How the contrastive term is computed. A resumed run names what <see cref="JointObjective.Kernel"/> recorded.</summary>
    public LossKernel Kernel { get; init; }

    /// <summary>The numbers at a step, from 0.</summary>
    public JointSettings At(long step) => new(TemperatureSchedule?.At(step) ?? Temperature, BetaSchedule?.At(step) ?? Beta, LambdaSchedule?.At(step) ?? Lambda);

    /// <summary>Whether any step has a contrastive term.</summary>
    internal bool Contrasts => Loss != LossKind.Ce && (LambdaSchedule is { } moving ? Math.Max(moving.From, moving.To) > 0 : Lambda > 0);

    /// <summary>Rules across settings.</summary>
    /// <exception cref="ArgumentException">Settings that contradict each other.</exception>
    internal void Check()
    {
        if (Loss == LossKind.Ce && (Lambda != 0 || LambdaSchedule is not null))
            throw new ArgumentException($"Lambda must be 0 with the loss Ce, which has no contrastive term, but is {(LambdaSchedule is null ? Lambda : "scheduled")}. Set it to 0 or choose a contrastive loss.", nameof(Lambda));
        if (LambdaSchedule is { } lambda)
        {
            Require.InRange(lambda.From, 0, 1, nameof(LambdaSchedule));
            Require.InRange(lambda.To, 0, 1, nameof(LambdaSchedule));
        }
        if (TemperatureSchedule is { } temperature)
        {
            Require.Positive(temperature.From, nameof(TemperatureSchedule));
            Require.Positive(temperature.To, nameof(TemperatureSchedule));
        }
    }

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
