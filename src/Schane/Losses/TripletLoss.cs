using Schane.Losses.Pairs;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>Triplets of each anchor with its farthest positive and nearest negative (Hermans et al. 2017, arXiv:1703.07737, "batch
/// hard").</summary>
/// <remarks>
/// <code>loss(i) = max(0, max p∈P(i) ‖z(i) − z(p)‖ − min k∈Nn(i) ‖z(i) − z(k)‖ + margin)</code>
/// The mean over the anchors whose loss is above 0, as pytorch-metric-learning; 0 when every margin is kept; NaN when no anchor has both a
/// positive and a negative (there 0). The gradient of a distance of 0 is 0. Holds N×N similarities.
/// </remarks>
public sealed record TripletLoss : ContrastiveLoss
{
    /// <inheritdoc/>
    public override string Name => "triplet";

    /// <inheritdoc/>
    public override string Label => "Triplet loss";

    /// <summary>Margin above 0 between distances of unit rows, which lie in [0, 2].</summary>
    public double Margin { get; init => field = LossRanges.Margin(value); } = 0.2;

    /// <inheritdoc/>
    public override Tensor Compute(Tensor embeddings, Tensor labels)
    {
        LossInput.Embeddings(embeddings);
        LossInput.Labels(labels, embeddings);
        using var scope = NewDisposeScope();
        var units = PairLoss.Units(embeddings);                                                  // [N, D]
        var (anchors, farthest, nearest) = Mine(units.detach(), labels);                         // [M] each
        if (anchors.shape[0] == 0)
            return (units.sum() * double.NaN).MoveToOuterDisposeScope();
        var from = units.index(anchors);
        var excess = (from - units.index(farthest)).norm(1) - (from - units.index(nearest)).norm(1) + Margin;
        var loss = nn.functional.relu(excess);                                                   // [M]
        return (loss.sum() / (loss > 0).sum().clamp_min(1)).MoveToOuterDisposeScope();
    }

    /// <summary>Anchors that have both, with the row of the farthest positive and of the nearest negative; of equals the first.</summary>
    private static (Tensor Anchors, Tensor Farthest, Tensor Nearest) Mine(Tensor units, Tensor labels)
    {
        using var scope = NewDisposeScope();
        var distance = cdist(units, units);                                                      // [N, N]
        var same = labels.unsqueeze(0) == labels.unsqueeze(1);
        var positive = same & ~eye(labels.shape[0], dtype: ScalarType.Bool, device: labels.device);
        var both = positive.any(1) & (~same).any(1);
        var anchors = both.nonzero().squeeze(1);
        var farthest = distance.masked_fill(~positive, KeptScalar.NegativeInfinity).argmax(1).index(anchors);
        var nearest = distance.masked_fill(same, KeptScalar.PositiveInfinity).argmin(1).index(anchors);
        return (anchors.MoveToOuterDisposeScope(), farthest.MoveToOuterDisposeScope(), nearest.MoveToOuterDisposeScope());
    }
}
