using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>Settings of <see cref="SchaneLoss"/>. The defaults are the authors'.</summary>
public sealed record SchaneOptions
{
    /// <summary>Softmax temperature τ, above 0.</summary>
    public double Temperature { get; init => field = Require.Positive(value); } = 0.5;

    /// <summary>Hardness β ≥ 0 of the negatives' weights; 0 is SupCon exactly.</summary>
    public double Beta { get; init => field = Require.InRange(value, 0, double.MaxValue); } = 1;

    /// <summary>Where the mean over the positives stands.</summary>
    public Placement Placement { get; init; }

    /// <summary>Whether the weights are constants for the gradient. By default the gradient flows through them.</summary>
    public bool DetachWeights { get; init; }
}

/// <summary>Supervised contrastive loss with hard negatives weighted up (arXiv:2308.14893; later CLCE, arXiv:2402.14551).</summary>
/// <remarks>
/// P(i): same label, not i; Nn(i): other labels; s = z(i)·z(j)/τ:
/// <code>
/// w(i,k)   = |Nn(i)| exp(β s(i,k)) / Σ k'∈Nn(i) exp(β s(i,k'))
/// D(i)     = Σ p∈P(i) exp s(i,p) + Σ k∈Nn(i) w(i,k) exp s(i,k)
/// outside    loss(i) = -1/|P(i)| Σ p∈P(i) [ s(i,p) - log D(i) ]
/// inside     loss(i) = -log( 1/|P(i)| Σ p∈P(i) exp s(i,p) / D(i) )
/// </code>
/// The mean over the anchors that have a positive. An anchor without negatives has the positives alone in D.
/// </remarks>
public sealed class SchaneLoss(SchaneOptions options) : IContrastiveLoss
{
    internal PairFormula Formula { get; } = new(options.Temperature, options.Beta, options.Placement, options.DetachWeights);

    /// <inheritdoc/>
    public Tensor Compute(Tensor embeddings, Tensor labels) => PairLoss.Compute(embeddings, labels, nameof(labels), Formula);

    /// <summary>The loss under mixed labels: p(i,j) = ⟨y(i), y(j)⟩ weighs j as a positive and 1 − p(i,j) as a negative (docs/method.md).</summary>
    /// <param name="embeddings">[N, D], floating point, any scale.</param>
    /// <param name="mixture">[N, C], class shares of each row, sum 1, before label smoothing.</param>
    /// <exception cref="ArgumentException">A shape, type, device or value differs from the above.</exception>
    public Tensor ComputeSoft(Tensor embeddings, Tensor mixture) => PairLoss.ComputeMixture(embeddings, mixture, Formula);
}
