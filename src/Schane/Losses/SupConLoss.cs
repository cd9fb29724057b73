using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>Settings of <see cref="SupConLoss"/>.</summary>
public sealed record SupConOptions
{
    /// <summary>Softmax temperature τ, above 0.</summary>
    public double Temperature { get; init => field = Require.Positive(value); } = 0.1;

    /// <summary>Where the mean over the positives stands.</summary>
    public Placement Placement { get; init; }
}

/// <summary>Supervised contrastive loss (Khosla et al. 2020, arXiv:2004.11362, eq. 2 and 3).</summary>
/// <remarks>
/// Anchor i, positives P(i) (same label, not i), others A(i) (every row but i), s = z(i)·z(j)/τ:
/// <code>
/// outside   loss(i) = -1/|P(i)| Σ p∈P(i) [ s(i,p) - log Σ a∈A(i) exp s(i,a) ]
/// inside    loss(i) = -log( 1/|P(i)| Σ p∈P(i) exp s(i,p) / Σ a∈A(i) exp s(i,a) )
/// </code>
/// The mean over the anchors that have a positive. HobbitLong/SupContrast counts anchors without a positive as 0 in a mean over all, and multiplies by τ/τ_base; we do neither.
/// </remarks>
public sealed class SupConLoss(SupConOptions options) : IContrastiveLoss
{
    internal PairFormula Formula { get; } = new(options.Temperature, Placement: options.Placement);

    /// <inheritdoc/>
    public Tensor Compute(Tensor embeddings, Tensor labels) => PairLoss.Compute(embeddings, labels, nameof(labels), Formula);

    /// <summary>The loss under mixed labels: p(i,j) = ⟨y(i), y(j)⟩ takes the place of "same label" (docs/method.md).</summary>
    /// <param name="embeddings">[N, D], floating point, any scale.</param>
    /// <param name="mixture">[N, C], class shares of each row, sum 1, before label smoothing.</param>
    /// <exception cref="ArgumentException">A shape, type, device or value differs from the above.</exception>
    public Tensor ComputeSoft(Tensor embeddings, Tensor mixture) => PairLoss.ComputeMixture(embeddings, mixture, Formula);
}
