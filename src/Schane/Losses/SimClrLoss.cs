using Schane.Losses.Pairs;
using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>NT-Xent: the views of one image are each other's positives, all else are negatives (Chen et al. 2020, arXiv:2002.05709, eq.
/// 1).</summary>
/// <remarks>
/// <code>loss(i) = -1/|P(i)| Σ p∈P(i) [ s(i,p) - log Σ a≠i exp s(i,a) ],   P(i) the other views of i's image</code>
/// For three views or more the other positives stand in the denominator, as in HobbitLong/SupContrast without labels;
/// pytorch-metric-learning
/// leaves them out. One view an image is NaN (SupContrast returns 0).
/// </remarks>
public sealed record SimClrLoss : ContrastiveLoss
{
    /// <inheritdoc/>
    public override string Name => "simclr";

    /// <inheritdoc/>
    public override string Label => "SimCLR";

    /// <inheritdoc/>
    public override Positives Positives => Positives.SameImage;

    /// <summary>Softmax temperature τ, above 0.</summary>
    public double Temperature { get; init => field = LossRanges.Temperature(value); } = 0.1;

    internal override PairFormula Formula => new(Temperature);

    /// <inheritdoc/>
    public override Tensor Compute(Tensor embeddings, Tensor labels) => PairLoss.Compute(embeddings, labels, Formula);
}
