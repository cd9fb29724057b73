using System.Text.Json;
using System.Text.Json.Serialization;
using Schane.Distributed;
using Schane.Losses;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>
/// The objective over the rows of all ranks (docs/design.md §2): each rank computes the part of its own anchors against all rows, divided
/// by counts of all rows. The losses add up to the whole; so do the gradients by embeddings, of which each rank keeps its rows.
/// </summary>
internal sealed class SharedObjective(JointObjective objective, ICollective ranks)
{
    /// <summary>The settings of the objective.</summary>
    public JointOptions Options => objective.Options;

    /// <summary>Loss and gradients of a step.</summary>
    /// <param name="embeddings">[n, D], of this rank; n may be 0.</param>
    /// <param name="logits">[n, C].</param>
    /// <param name="labels">[n].</param>
    /// <param name="step">Optimiser step.</param>
    /// <param name="ids">[n], which rows are of one image.</param>
    /// <param name="mixture">[n, C]; null where nothing was mixed.</param>
    /// <returns>Losses and statistics of the whole batch, gradients of this rank's rows [n, ·].</returns>
    /// <exception cref="NonFiniteOutputException">An output of the model is not finite, on any rank.</exception>
    public StepLoss Compute(Tensor embeddings, Tensor logits, Tensor labels, double step, Tensor ids, Tensor? mixture)
    {
        using var scope = NewDisposeScope();
        var (all, own) = ranks.Gather(embeddings);                                            // [N, D]
        var named = ranks.Gather(stack([labels, ids], 1)).Rows;                               // [N, 2]
        var mixtures = mixture is null ? null : ranks.Gather(mixture).Rows;                   // [N, C]
        StepLoss? part = null;
        var wrong = "";
        try
        {
            part = own.Count > 0 ? Part(logits, own) : Nothing(Part(logits.new_zeros(1, logits.shape[1]), new(0, 1)));
        }
        catch (ArgumentException e) when (e.ParamName is "embeddings" or "logits")
        {
            wrong = e.Message.Split(" (Parameter")[0];
        }

        StepLoss Part(Tensor ownLogits, OwnRows of) =>
            objective.ComputeShare(of, all, ownLogits, named.select(1, 0).contiguous(), step, named.select(1, 1).contiguous(), mixtures);

        var rows = part?.Rows;
        (double Sum, double Count)[] seen = [.. ((float[]?[])[rows?.PositiveSimilarity, rows?.NegativeSimilarity,
            rows?.HardestNegativeSimilarity, rows?.EffectiveNegatives]).Select(SumOf)];
        ThrowIfAny(wrong);
        var sums = ranks.Totals([part!.Total, part.CrossEntropy, part.Contrastive, (part.Accuracy ?? 0) * own.Count,
            .. seen.SelectMany(s => (double[])[s.Sum, s.Count])]);
        double? Mean(int at) => sums[at + 1] == 0 ? null : sums[at] / sums[at + 1];

        var gradient = part.EmbeddingGradient?.contiguous();
        if (gradient is not null)
            ranks.Sum(gradient);
        return part with
        {
            Total = sums[0],
            CrossEntropy = sums[1],
            Contrastive = sums[2],
            Accuracy = part.Accuracy is null ? null : sums[3] / all.shape[0],
            EmbeddingGradient = gradient?.narrow(0, own.First, own.Count).MoveToOuterDisposeScope(),
            LogitGradient = part.LogitGradient?.MoveToOuterDisposeScope(),
            Statistics = part.Statistics with
            {
                MeanPositiveSimilarity = Mean(4),
                MeanNegativeSimilarity = Mean(6),
                HardestNegativeSimilarity = Mean(8),
                EffectiveNegatives = Mean(10),
            },
        };
    }

    /// <summary>How many rows the batch has on all ranks, of which this one has <paramref name="own"/>.</summary>
    public double RowsOfAll(int own) => ranks.Total(own);

    /// <summary>The same of some rows by themselves, whatever others have.</summary>
    public StepLoss ComputeAlone(Tensor embeddings, Tensor logits, Tensor labels, double step, Tensor ids, Tensor? mixture) =>
        objective.Compute(embeddings, logits, labels, step, ids, mixture);

    /// <summary>Losses of parts of the batch that did not see each other, of all ranks in their order, as one.</summary>
    /// <param name="parts">This rank's; may be empty.</param>
    /// <param name="wrong">Which output of the model is not finite, in words; empty where all are.</param>
    /// <exception cref="NonFiniteOutputException">An output of the model is not finite, on any rank.</exception>
    public StepLoss MeanOf(IReadOnlyList<StepLoss> parts, string wrong)
    {
        ThrowIfAny(wrong);
        return StepLoss.MeanOf([.. ranks.GatherTexts(JsonSerializer.Serialize(parts.Select(PartLoss.Of), PartLoss.Format))
            .SelectMany(text => JsonSerializer.Deserialize<PartLoss[]>(text, PartLoss.Format)!).Select(part => part.Loss)]);
    }

    private void ThrowIfAny(string wrong)
    {
        if (ranks.Any(wrong.Length > 0))
            throw new NonFiniteOutputException(ranks.GatherTexts(wrong).First(text => text.Length > 0));
    }

    /// <summary>The part of a rank that has no rows: nothing but the figures of the whole batch.</summary>
    private static StepLoss Nothing(StepLoss part)
    {
        part.EmbeddingGradient?.zero_();
        part.LogitGradient?.Dispose();
        return part with { Total = 0, CrossEntropy = 0, Contrastive = 0, Rows = null, LogitGradient = null };
    }

    private static (double Sum, double Count) SumOf(float[]? values)
    {
        var known = (values ?? []).Where(v => !float.IsNaN(v)).ToList();
        return (known.Sum(v => (double)v), known.Count);
    }
}

/// <summary>An output of the model is not finite, on some rank; all are told.</summary>
internal sealed class NonFiniteOutputException(string message) : Exception(message);

/// <summary>The numbers of a loss, packed to travel between ranks.</summary>
internal sealed record PartLoss(double Total, double CrossEntropy, double Contrastive, double? Accuracy,
    JointSettings Settings, BatchStatistics Statistics)
{
    public static readonly JsonSerializerOptions Format = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    public static PartLoss Of(StepLoss loss) =>
        new(loss.Total, loss.CrossEntropy, loss.Contrastive, loss.Accuracy, loss.Settings, loss.Statistics);

    [JsonIgnore]
    public StepLoss Loss => new(Total, CrossEntropy, Contrastive, null, null, Statistics) { Accuracy = Accuracy, Settings = Settings };
}
