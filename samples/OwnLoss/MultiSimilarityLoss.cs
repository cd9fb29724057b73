using Schane.Losses;
using static TorchSharp.torch;

namespace OwnLoss;

/// <summary>Multi-similarity loss (Wang et al. 2019, arXiv:1904.06627, eq. 14), without its mining of pairs.</summary>
/// <remarks>
/// With cosines c, positives P(i) (same label, not i) and negatives Nn(i):
/// <code>loss(i) = 1/α log( 1 + Σ p∈P(i) exp(−α (c(i,p) − threshold)) ) + 1/β log( 1 + Σ k∈Nn(i) exp(β (c(i,k) − threshold)) )</code>
/// The mean over the anchors that have a positive.
/// </remarks>
public sealed record MultiSimilarityLoss : ContrastiveLoss
{
    /// <inheritdoc/>
    public override string Name => "multi-similarity";

    /// <inheritdoc/>
    public override string Label => "Multi-similarity";

    /// <summary>How steeply distant positives are pulled, above 0. In a recipe <c>alpha</c>.</summary>
    public double Alpha { get; init => field = Above0(value, nameof(Alpha)); } = 2;

    /// <summary>How steeply near negatives are pushed, above 0. In a recipe <c>beta</c>, a setting that other losses have too.</summary>
    public double Beta { get; init => field = Above0(value, nameof(Beta)); } = 50;

    /// <summary>Cosine below which positives, and above which negatives count. In a recipe <c>threshold</c>.</summary>
    public double Threshold { get; init; } = 0.5;

    /// <inheritdoc/>
    public override Tensor Compute(Tensor embeddings, Tensor labels)
    {
        using var scope = NewDisposeScope();
        var units = nn.functional.normalize(embeddings, dim: 1);                                 // [N, D]
        var cosine = units.matmul(units.t());                                                    // [N, N]
        var same = labels.unsqueeze(0) == labels.unsqueeze(1);
        var positive = same & ~eye(labels.shape[0], dtype: ScalarType.Bool, device: labels.device);
        var pull = SoftCount((Threshold - cosine) * Alpha, positive) / Alpha;                    // [N]
        var push = SoftCount((cosine - Threshold) * Beta, ~same) / Beta;                         // [N]
        var anchors = positive.any(1);
        return ((pull + push) * anchors).sum().div(anchors.sum()).MoveToOuterDisposeScope();     // 0 / 0 is NaN: no anchor has a positive
    }

    // log(1 + Σ exp x) over the pairs of each row, [N]; the 1 is a column of zeros.
    private static Tensor SoftCount(Tensor x, Tensor pairs) =>
        cat([x.masked_fill(~pairs, double.NegativeInfinity), x.new_zeros(x.shape[0], 1)], 1).logsumexp(1);

    private static double Above0(double value, string name) =>
        value > 0 && double.IsFinite(value) ? value
            : throw new ArgumentOutOfRangeException(name, $"{name} must be a finite number above 0 but is {value}.");
}
