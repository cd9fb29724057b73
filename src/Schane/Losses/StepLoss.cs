using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>
/// The joint objective of one step and its gradients at the model's outputs (the seam of docs/design.md §2): the trainer back-propagates
/// from these, so no objective ever knows of micro-batches or ranks. Owns its tensors.
/// </summary>
/// <param name="Total">(1 − λ)·CE + λ·L_con, in nats.</param>
/// <param name="CrossEntropy">Mean cross-entropy, in nats; 0 when there is no cross-entropy term.</param>
/// <param name="Contrastive">Mean contrastive loss, in nats; NaN if no anchor has a positive; 0 when there is no contrastive term.</param>
/// <param name="EmbeddingGradient">∂Total/∂embeddings [N, D], null when the objective has no contrastive term.</param>
/// <param name="LogitGradient">∂Total/∂logits [N, C], null when the objective has no cross-entropy term.</param>
/// <param name="Statistics">What the contrastive term saw.</param>
public sealed record StepLoss(
    double Total, double CrossEntropy, double Contrastive, Tensor? EmbeddingGradient, Tensor? LogitGradient,
    BatchStatistics Statistics) : IDisposable
{
    /// <summary>What each anchor saw; null without a contrastive term and for losses that are no formula of pairs, as triplets.</summary>
    internal RowStatistics? Rows { get; init; }

    /// <summary>τ, β and λ of this step, after their schedules.</summary>
    internal JointSettings Settings { get; init; }

    /// <summary>Share of rows whose largest logit is that of their label (under mixtures, of their largest share; of one of
    /// their classes where they have several), 0 to 1; null without a
    /// cross-entropy term.</summary>
    public double? Accuracy { get; init; }

    /// <summary>Losses of parts of a batch that did not see each other, as one: means over all rows, without gradients.</summary>
    internal static StepLoss MeanOf(IReadOnlyList<StepLoss> parts)
    {
        var rows = parts.Sum(p => p.Statistics.Rows);
        double Mean(Func<StepLoss, double> of) => parts.Sum(p => of(p) * p.Statistics.Rows) / rows;
        double? MeanOrNull(Func<StepLoss, double?> of) => parts.All(p => of(p) is not null) ? Mean(p => of(p)!.Value) : null;
        var seen = new BatchStatistics(rows, Mean(p => p.Statistics.ShareWithoutPositives), Mean(p => p.Statistics.MeanPositives),
            Mean(p => p.Statistics.MeanNegatives))
        {
            Classes = Mean(p => p.Statistics.Classes),
            ZeroRows = parts.Sum(p => p.Statistics.ZeroRows),
            MeanPositiveSimilarity = MeanOrNull(p => p.Statistics.MeanPositiveSimilarity),
            MeanNegativeSimilarity = MeanOrNull(p => p.Statistics.MeanNegativeSimilarity),
            HardestNegativeSimilarity = MeanOrNull(p => p.Statistics.HardestNegativeSimilarity),
            EffectiveNegatives = MeanOrNull(p => p.Statistics.EffectiveNegatives),
        };
        return new(Mean(p => p.Total), Mean(p => p.CrossEntropy), Mean(p => p.Contrastive), null, null, seen)
        {
            Settings = parts[0].Settings,
            Accuracy = MeanOrNull(p => p.Accuracy),
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        EmbeddingGradient?.Dispose();
        LogitGradient?.Dispose();
    }
}

/// <summary>The objective's numbers at one step.</summary>
/// <param name="Temperature">τ; null where the loss has none.</param>
/// <param name="Beta">β; null where the loss has none.</param>
/// <param name="Lambda">λ.</param>
internal readonly record struct JointSettings(double? Temperature, double? Beta, double Lambda);

/// <summary>Pairs in a batch, as the journal records them.</summary>
/// <param name="Rows">N, all images and views of the step.</param>
/// <param name="ShareWithoutPositives">Share of rows whose label no other row has, 0 to 1.</param>
/// <param name="MeanPositives">Mean of |P(i)| over the rows.</param>
/// <param name="MeanNegatives">Mean of |Nn(i)| over the rows.</param>
public sealed record BatchStatistics(int Rows, double ShareWithoutPositives, double MeanPositives, double MeanNegatives)
{
    /// <summary>Classes among the rows, before images are mixed; a mean where micro-batches did not see each other.</summary>
    public double Classes { get; init; }

    /// <summary>Embeddings that are all zero (norm below 1e-12): their direction is undefined and their gradient huge.</summary>
    public int ZeroRows { get; init; }

    /// <summary>Mean cosine of anchors with their positives, −1 to 1; null without a contrastive term or without positives.</summary>
    public double? MeanPositiveSimilarity { get; init; }

    /// <summary>Mean cosine of anchors with their negatives; null without a contrastive term or without negatives.</summary>
    public double? MeanNegativeSimilarity { get; init; }

    /// <summary>Mean over the anchors of the cosine with the hardest negative; null as above.</summary>
    public double? HardestNegativeSimilarity { get; init; }

    /// <summary>Mean effective number of negatives, exp of the entropy of w: |Nn| when all weigh alike, 1 when one has all the weight;
    /// null as above.</summary>
    public double? EffectiveNegatives { get; init; }
}
