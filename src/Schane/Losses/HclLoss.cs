using Schane.Losses.Pairs;
using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>How <see cref="HclLoss"/> weighs negatives.</summary>
public enum HclEstimator
{
    /// <summary>By hardness β, debiased by τ⁺.</summary>
    Hard,

    /// <summary>All alike: NT-Xent. β and τ⁺ take no part.</summary>
    Easy,
}

/// <summary>Contrastive learning with hard negatives, without labels (Robinson et al. 2021, arXiv:2010.04592).</summary>
/// <remarks>
/// Positive = the mean over the other views of i's image, Nn(i) the rows of other images, w as in <see cref="SchaneLoss"/>:
/// <code>
/// Ng(i)   = max( (Σ k∈Nn(i) w(i,k) exp s(i,k) − τ⁺ |Nn(i)| pos(i)) / (1 − τ⁺), |Nn(i)| exp(−1/τ) )
/// loss(i) = -1/|P(i)| Σ p∈P(i) s(i,p) + log( Σ p∈P(i) exp s(i,p) + Ng(i) )
/// </code>
/// With two views this is joshr17/HCL, but computed in logs, so that a small τ does not overflow. A batch of one image has no negatives and
/// loss 0 with two views (NaN in HCL).
/// </remarks>
public sealed record HclLoss : ContrastiveLoss
{
    /// <inheritdoc/>
    public override string Name => "hcl";

    /// <inheritdoc/>
    public override string Label => "HCL";

    /// <inheritdoc/>
    public override Positives Positives => Positives.SameImage;

    /// <summary>Softmax temperature τ, above 0.</summary>
    public double Temperature { get; init => field = LossRanges.Temperature(value); } = 0.1;

    /// <summary>Hardness β, 0 to 1000.</summary>
    public double Beta { get; init => field = LossRanges.Beta(value); } = 1;

    /// <summary>τ⁺, the share of the negatives thought to be of the anchor's class, 0 to 0.99.</summary>
    public double TauPlus { get; init => field = LossRanges.TauPlus(value); } = 0.1;

    /// <summary>Hard or easy.</summary>
    public HclEstimator Estimator { get; init; }

    internal override PairFormula Formula => Estimator == HclEstimator.Easy ? new(Temperature) : new(Temperature, Beta, TauPlus: TauPlus);

    /// <inheritdoc/>
    public override Tensor Compute(Tensor embeddings, Tensor labels) => PairLoss.Compute(embeddings, labels, Formula);
}
