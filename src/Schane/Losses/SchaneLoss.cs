using Schane.Losses.Pairs;
using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>
/// Supervised contrastive loss with hard negatives weighted up (arXiv:2308.14893; later CLCE, arXiv:2402.14551). The defaults are the
/// authors'.
/// </summary>
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
public sealed record SchaneLoss : ContrastiveLoss, ISoftPairs
{
    // The paper's τ is of pre-trained weights, and cost a small net that began at random ones 4 points (docs/results.md, ablations).
    private const double DefaultTemperature = 0.5, TemperatureFromScratch = 0.2;
    private readonly double? temperature;

    /// <inheritdoc/>
    public override string Name => "schane";

    /// <inheritdoc/>
    public override string Label => "SCHaNe";

    /// <summary>Softmax temperature τ, above 0. Default: 0.5; a training whose weights begin at random takes 0.2 where none is
    /// set.</summary>
    public double Temperature
    {
        get => temperature ?? DefaultTemperature;
        init => temperature = LossRanges.Temperature(value);
    }

    /// <summary>Hardness β of the negatives' weights, 0 to 1000; 0 is SupCon exactly.</summary>
    public double Beta { get; init => field = LossRanges.Beta(value); } = 1;

    /// <summary>Where the mean over the positives stands.</summary>
    public Placement Placement { get; init; }

    /// <summary>Whether the weights are constants for the gradient. By default the gradient flows through them.</summary>
    public bool DetachWeights { get; init; }

    internal override PairFormula Formula => new(Temperature, Beta, Placement, DetachWeights);

    internal override ContrastiveLoss FromScratch => temperature is null ? this with { Temperature = TemperatureFromScratch } : this;

    /// <inheritdoc/>
    public override Tensor Compute(Tensor embeddings, Tensor labels) => PairLoss.Compute(embeddings, labels, Formula);

    /// <inheritdoc/>
    public Tensor ComputeSoft(Tensor embeddings, Tensor mixture) => PairLoss.ComputeMixture(embeddings, mixture, Formula);
}
