namespace Schane.Losses;

/// <summary>Settings of <see cref="JointObjective"/>. Works when new: SCHaNe with the authors' numbers.</summary>
public sealed record JointOptions
{
    private readonly double? lambda;
    private readonly MixedPairs? mixed;

    /// <summary>The contrastive term; <see cref="CrossEntropyAlone"/> for none.</summary>
    public ContrastiveLoss Loss { get; init; } = new SchaneLoss();

    /// <summary>The cross-entropy term: label smoothing and class weights.</summary>
    public CrossEntropyLoss CrossEntropy { get; init; } = new();

    /// <summary>λ, share of the contrastive term, 0 to 1. At 0 no contrastive term is computed, at 1 no cross-entropy. Default: the
    /// loss's, 0.9.</summary>
    public double Lambda
    {
        get => lambda ?? Loss.DefaultLambda;
        init => lambda = LossRanges.Lambda(value);
    }

    /// <summary>What the contrastive term does with mixtures. Default: soft pairs where the loss has them.</summary>
    public MixedPairs Mixed
    {
        get => mixed ?? (Loss is ISoftPairs ? MixedPairs.Soft : MixedPairs.Clean);
        init => mixed = value;
    }

    /// <summary>τ over the steps; null keeps the loss's.</summary>
    public LossSchedule? TemperatureSchedule { get; init; }

    /// <summary>β over the steps; null keeps the loss's.</summary>
    public LossSchedule? BetaSchedule { get; init; }

    /// <summary>λ over the steps; null keeps <see cref="Lambda"/>.</summary>
    public LossSchedule? LambdaSchedule { get; init; }

    /// <summary>How the contrastive term is computed. A resumed run names what <see cref="JointObjective.Kernel"/> recorded.</summary>
    public LossKernel Kernel { get; init; }

    /// <summary>The numbers at a step, from 0.</summary>
    internal JointSettings At(double step) => At(step, LossAt(step));

    /// <summary>The numbers at a step whose loss is known.</summary>
    internal JointSettings At(double step, ContrastiveLoss loss) =>
        new(loss.Get(nameof(JointSettings.Temperature)) as double?, loss.Get(nameof(JointSettings.Beta)) as double?,
            LambdaSchedule?.At(step) ?? Lambda);

    /// <summary>The loss with the settings that its schedules give it at a step, from 0.</summary>
    internal ContrastiveLoss LossAt(double step) => Loss
        .With(nameof(JointSettings.Temperature), TemperatureSchedule?.At(step))
        .With(nameof(JointSettings.Beta), BetaSchedule?.At(step));

    /// <summary>Whether any step has a contrastive term.</summary>
    internal bool Contrasts => Loss.Positives != Positives.None
        && (LambdaSchedule is { } moving ? Math.Max(moving.From, moving.To) > 0 : Lambda > 0);

    /// <summary>Rules across settings.</summary>
    /// <exception cref="ArgumentException">Settings that contradict each other.</exception>
    internal void Check()
    {
        if (Loss.Positives == Positives.None && (Lambda != 0 || LambdaSchedule is not null))
            throw new ArgumentException($"Lambda must be 0 with the loss {Loss.Name}, which has no contrastive term, but is " +
                $"{(LambdaSchedule is null ? Lambda : "scheduled")}. Set it to 0 or choose a contrastive loss.", nameof(Lambda));
        Check(LambdaSchedule, nameof(LambdaSchedule), LossRanges.Lambda);
        Check(TemperatureSchedule, nameof(TemperatureSchedule), LossRanges.Temperature, nameof(JointSettings.Temperature));
        Check(BetaSchedule, nameof(BetaSchedule), LossRanges.Beta, nameof(JointSettings.Beta));
    }

    private void Check(LossSchedule? schedule, string name, Func<double, string, double> range, string? setting = null)
    {
        if (schedule is null)
            return;
        if (setting is not null && !Loss.Settings.ContainsKey(setting))
            throw new ArgumentException($"{name} moves a setting that the loss {Loss.Name} does not have; leave it out.", name);
        range(schedule.From, name);
        range(schedule.To, name);
    }
}
