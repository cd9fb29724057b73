using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>Settings of <see cref="SimClrLoss"/>.</summary>
public sealed record SimClrOptions
{
    /// <summary>Softmax temperature τ, above 0.</summary>
    public double Temperature { get; init => field = Require.Positive(value); } = 0.1;
}

/// <summary>NT-Xent: the views of one image are each other's positives, all else are negatives (Chen et al. 2020, arXiv:2002.05709, eq. 1).</summary>
/// <remarks>
/// <code>loss(i) = -1/|P(i)| Σ p∈P(i) [ s(i,p) - log Σ a≠i exp s(i,a) ],   P(i) the other views of i's image</code>
/// For three views or more the other positives stand in the denominator, as in HobbitLong/SupContrast without labels; pytorch-metric-learning leaves them out.
/// One view an image is NaN (SupContrast returns 0).
/// </remarks>
public sealed class SimClrLoss(SimClrOptions options) : IContrastiveLoss
{
    internal PairFormula Formula { get; } = new(options.Temperature);

    /// <summary>The mean loss over the rows, in nats.</summary>
    /// <param name="embeddings">[N, D], floating point, any scale.</param>
    /// <param name="labels">[N], int64: the image of each row, not its class.</param>
    public Tensor Compute(Tensor embeddings, Tensor labels) => PairLoss.Compute(embeddings, labels, nameof(labels), Formula);
}
