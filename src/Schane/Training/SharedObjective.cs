using Schane.Distributed;
using Schane.Losses;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>
/// The objective over the rows of all ranks (docs/design.md §2): each rank computes the part of its own anchors against all rows, divided by counts
/// of all rows. The losses add up to the whole; so do the gradients by embeddings, of which each rank keeps its rows.
/// </summary>
internal sealed class SharedObjective(JointObjective objective, ICollective ranks)
{
    /// <summary>The settings of the objective.</summary>
    public JointOptions Options => objective.Options;

    /// <param name="embeddings">[n, D], of this rank.</param>
    /// <param name="logits">[n, C].</param>
    /// <param name="labels">[n].</param>
    /// <param name="step">Optimiser step.</param>
    /// <param name="ids">[n], which rows are of one image.</param>
    /// <param name="mixture">[n, C]; null where nothing was mixed.</param>
    /// <returns>Losses and statistics of the whole batch, gradients of this rank's rows [n, ·].</returns>
    /// <exception cref="ArgumentException">An output of the model is not finite, on any rank.</exception>
    public StepLoss Compute(Tensor embeddings, Tensor logits, Tensor labels, long step, Tensor ids, Tensor? mixture)
    {
        using var scope = NewDisposeScope();
        var (all, own) = ranks.Gather(embeddings);                                            // [N, D]
        var named = ranks.Gather(stack([labels, ids], 1)).Rows;                               // [N, 2]
        var mixtures = mixture is null ? null : ranks.Gather(mixture).Rows;                   // [N, C]
        StepLoss? part = null;
        var wrong = "";
        try
        {
            part = objective.Compute(all, logits, named.select(1, 0).contiguous(), step, named.select(1, 1).contiguous(), mixtures, own);
        }
        catch (ArgumentException e) when (e.ParamName is "embeddings" or "logits")
        {
            wrong = e.Message.Split(" (Parameter")[0];
        }

        var rows = part?.Rows;
        (double Sum, double Count)[] seen = [.. ((float[]?[])[rows?.PositiveSimilarity, rows?.NegativeSimilarity, rows?.HardestNegativeSimilarity, rows?.EffectiveNegatives]).Select(SumOf)];
        var sums = ranks.Totals([wrong.Length > 0 ? 1 : 0, part?.Total ?? 0, part?.CrossEntropy ?? 0, part?.Contrastive ?? 0, (part?.Accuracy ?? 0) * own.Count, .. seen.SelectMany(s => (double[])[s.Sum, s.Count])]);
        if (sums[0] > 0)
            throw new ArgumentException(ranks.GatherTexts(wrong).First(text => text.Length > 0), nameof(embeddings));
        double? Mean(int at) => sums[at + 1] == 0 ? null : sums[at] / sums[at + 1];

        var gradient = part!.EmbeddingGradient?.contiguous();
        if (gradient is not null)
            ranks.Sum(gradient);
        return part with
        {
            Total = sums[1],
            CrossEntropy = sums[2],
            Contrastive = sums[3],
            Accuracy = part.Accuracy is null ? null : sums[4] / all.shape[0],
            EmbeddingGradient = gradient?.narrow(0, own.First, own.Count).MoveToOuterDisposeScope(),
            LogitGradient = part.LogitGradient?.MoveToOuterDisposeScope(),
            Statistics = part.Statistics with
            {
                MeanPositiveSimilarity = Mean(5),
                MeanNegativeSimilarity = Mean(7),
                HardestNegativeSimilarity = Mean(9),
                EffectiveNegatives = Mean(11),
            },
        };
    }

    private static (double Sum, double Count) SumOf(float[]? values)
    {
        var known = (values ?? []).Where(v => !float.IsNaN(v)).ToList();
        return (known.Sum(v => (double)v), known.Count);
    }
}
