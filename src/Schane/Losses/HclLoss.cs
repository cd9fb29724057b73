using Schane.Tensors;
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

/// <summary>Settings of <see cref="HclLoss"/>.</summary>
public sealed record HclOptions
{
    /// <summary>Softmax temperature τ, above 0.</summary>
    public double Temperature { get; init => field = Require.Positive(value); } = 0.1;

    /// <summary>Hardness β ≥ 0.</summary>
    public double Beta { get; init => field = Require.InRange(value, 0, double.MaxValue); } = 1;

    /// <summary>τ⁺, the share of the negatives thought to be of the anchor's class, 0 ≤ τ⁺ ≤ 0.99.</summary>
    public double TauPlus { get; init => field = Require.InRange(value, 0, 0.99); } = 0.1;

    /// <summary>Hard or easy.</summary>
    public HclEstimator Estimator { get; init; }
}

/// <summary>Contrastive learning with hard negatives, without labels (Robinson et al. 2021, arXiv:2010.04592).</summary>
/// <remarks>
/// Positive = the mean over the other views of i's image, Nn(i) the rows of other images, w as in <see cref="SchaneLoss"/>:
/// <code>
/// Ng(i)   = max( (Σ k∈Nn(i) w(i,k) exp s(i,k) − τ⁺ |Nn(i)| pos(i)) / (1 − τ⁺), |Nn(i)| exp(−1/τ) )
/// loss(i) = -1/|P(i)| Σ p∈P(i) s(i,p) + log( Σ p∈P(i) exp s(i,p) + Ng(i) )
/// </code>
/// With two views this is joshr17/HCL, but computed in logs, so that a small τ does not overflow. A batch of one image has no negatives and loss 0 with two views (NaN in HCL).
/// </remarks>
public sealed class HclLoss(HclOptions options) : IContrastiveLoss
{
    internal PairFormula Formula { get; } = options.Estimator == HclEstimator.Easy
        ? new(options.Temperature)
        : new(options.Temperature, options.Beta, TauPlus: options.TauPlus);

    /// <summary>The mean loss over the rows, in nats.</summary>
    /// <param name="embeddings">[N, D], floating point, any scale.</param>
    /// <param name="labels">[N], int64: the image of each row, not its class.</param>
    public Tensor Compute(Tensor embeddings, Tensor labels) => PairLoss.Compute(embeddings, labels, nameof(labels), Formula);
}
