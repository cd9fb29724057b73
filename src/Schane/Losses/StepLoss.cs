using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>
/// The joint objective of one step and its gradients at the model's outputs (the seam of docs/design.md §2): the trainer back-propagates from
/// these, so no objective ever knows of micro-batches or ranks. Owns its tensors.
/// </summary>
/// <param name="Total">(1 − λ)·CE + λ·L_con, in nats.</param>
/// <param name="CrossEntropy">Mean cross-entropy, in nats.</param>
/// <param name="Contrastive">Mean contrastive loss, in nats; NaN if no anchor has a positive; 0 when there is no contrastive term.</param>
/// <param name="EmbeddingGradient">∂Total/∂embeddings [N, D], null when the objective has no contrastive term.</param>
/// <param name="LogitGradient">∂Total/∂logits [N, C], null when the objective has no cross-entropy term.</param>
/// <param name="Statistics">What the contrastive term saw.</param>
public sealed record StepLoss(double Total, double CrossEntropy, double Contrastive, Tensor? EmbeddingGradient, Tensor? LogitGradient, BatchStatistics Statistics) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        EmbeddingGradient?.Dispose();
        LogitGradient?.Dispose();
    }
}

/// <summary>Pairs in a batch, as the journal records them.</summary>
/// <param name="Rows">N, all images and views of the step.</param>
/// <param name="ShareWithoutPositives">Share of rows whose label no other row has, 0 to 1.</param>
/// <param name="MeanPositives">Mean of |P(i)| over the rows.</param>
/// <param name="MeanNegatives">Mean of |Nn(i)| over the rows.</param>
public sealed record BatchStatistics(int Rows, double ShareWithoutPositives, double MeanPositives, double MeanNegatives);
