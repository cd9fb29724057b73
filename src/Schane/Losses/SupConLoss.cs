using Schane.Losses.Pairs;
using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>Supervised contrastive loss (Khosla et al. 2020, arXiv:2004.11362, eq. 2 and 3).</summary>
/// <remarks>
/// Anchor i, positives P(i) (same label, not i), others A(i) (every row but i), s = z(i)·z(j)/τ:
/// <code>
/// outside   loss(i) = -1/|P(i)| Σ p∈P(i) [ s(i,p) - log Σ a∈A(i) exp s(i,a) ]
/// inside    loss(i) = -log( 1/|P(i)| Σ p∈P(i) exp s(i,p) / Σ a∈A(i) exp s(i,a) )
/// </code>
/// The mean over the anchors that have a positive. HobbitLong/SupContrast counts anchors without a positive as 0 in a mean over all,
/// and multiplies by τ/τ_base; we do neither.
/// </remarks>
public sealed record SupConLoss : ContrastiveLoss, ISoftPairs
{
    /// <inheritdoc/>
    public override string Name => "supcon";

    /// <inheritdoc/>
    public override string Label => "SupCon";

    /// <summary>Softmax temperature τ, above 0.</summary>
    public double Temperature { get; init => field = LossRanges.Temperature(value); } = 0.1;

    /// <summary>Where the mean over the positives stands.</summary>
    public Placement Placement { get; init; }

    internal override PairFormula Formula => new(Temperature, Placement: Placement);

    /// <inheritdoc/>
    public override Tensor Compute(Tensor embeddings, Tensor labels) => PairLoss.Compute(embeddings, labels, Formula);

    /// <inheritdoc/>
    public Tensor ComputeSoft(Tensor embeddings, Tensor mixture) => PairLoss.ComputeMixture(embeddings, mixture, Formula);
}
