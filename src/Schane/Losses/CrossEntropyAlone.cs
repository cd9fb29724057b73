using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>No contrastive term: cross-entropy alone, λ = 0.</summary>
public sealed record CrossEntropyAlone : ContrastiveLoss, ISoftPairs
{
    /// <inheritdoc/>
    public override string Name => "ce";

    /// <inheritdoc/>
    public override string Label => "Cross-entropy";

    /// <inheritdoc/>
    public override double DefaultLambda => 0;

    /// <inheritdoc/>
    public override Positives Positives => Positives.None;

    /// <summary>The contrastive term that is not there: 0, with a gradient of 0.</summary>
    /// <inheritdoc/>
    public override Tensor Compute(Tensor embeddings, Tensor labels)
    {
        LossInput.Embeddings(embeddings);
        LossInput.Labels(labels, embeddings);
        return Nothing(embeddings);
    }

    /// <inheritdoc/>
    public Tensor ComputeSoft(Tensor embeddings, Tensor mixture)
    {
        LossInput.Embeddings(embeddings);
        LossInput.Mixture(mixture, embeddings);
        return Nothing(embeddings);
    }

    private static Tensor Nothing(Tensor embeddings)
    {
        using var scope = NewDisposeScope();
        return (embeddings.sum() * 0).MoveToOuterDisposeScope();
    }
}
