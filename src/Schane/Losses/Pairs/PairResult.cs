using static TorchSharp.torch;

namespace Schane.Losses.Pairs;

/// <summary>Some anchors' part of the mean loss, its gradient by all embeddings [N, D] (the caller's) and what the anchors saw.</summary>
internal readonly record struct PairResult(double Loss, Tensor Gradient, RowStatistics Rows);

/// <summary>One contrastive problem: which rows are positives of which, and whose losses count.</summary>
/// <param name="Labels">[N] int64, or null.</param>
/// <param name="Mixture">[N, C], or null.</param>
/// <param name="First">First anchor.</param>
/// <param name="Count">Number of anchors.</param>
internal readonly record struct PairProblem(Tensor? Labels, Tensor? Mixture, long First, long Count)
{
    public PairWeights Weights() => Mixture is null ? PairWeights.From(Labels!) : PairWeights.FromMixture(Mixture);
}
