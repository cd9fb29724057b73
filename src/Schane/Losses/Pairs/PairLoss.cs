using static TorchSharp.torch;

namespace Schane.Losses.Pairs;

/// <summary>What the public members of the family share: guard, normalise, compute over all rows.</summary>
internal static class PairLoss
{
    // As torch.nn.functional.normalize.
    internal const double SmallestNorm = 1e-12;

    public static Tensor Compute(Tensor embeddings, Tensor labels, PairFormula formula)
    {
        LossInput.Embeddings(embeddings);
        LossInput.Labels(labels, embeddings);
        using var pairs = PairWeights.From(labels);
        return Compute(embeddings, pairs, formula);
    }

    public static Tensor ComputeMixture(Tensor embeddings, Tensor mixture, PairFormula formula)
    {
        LossInput.Embeddings(embeddings);
        LossInput.Mixture(mixture, embeddings);
        using var pairs = PairWeights.FromMixture(mixture);
        return Compute(embeddings, pairs, formula);
    }

    public static Tensor Units(Tensor embeddings) => nn.functional.normalize(embeddings, p: 2, dim: 1, eps: SmallestNorm);

    private static Tensor Compute(Tensor embeddings, PairWeights pairs, PairFormula formula)
    {
        using var scope = NewDisposeScope();
        return PairGraph.Share(Units(embeddings), pairs, formula, 0, embeddings.shape[0]).MoveToOuterDisposeScope();
    }
}
