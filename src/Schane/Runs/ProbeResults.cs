namespace Schane.Runs;

/// <summary>The linear probe that a run began with, beside what fine-tuning made of it. Shares lie in 0 to 1.</summary>
public sealed record ProbeResults
{
    /// <summary>Validation images.</summary>
    public required int Images { get; init; }

    /// <summary>The probe on them: <c>top1</c> with its 95 % interval (Wilson), <c>mean_per_class</c>, <c>nll</c>.</summary>
    public required IReadOnlyDictionary<string, double> Validation { get; init; }

    /// <summary>The mean of the probe's weights and the fine-tuned ones on them; null where the probe is all there is.</summary>
    public IReadOnlyDictionary<string, double>? Mean { get; init; }

    /// <summary>The fine-tuned model on them; null where the probe is all there is, and in folds, which take the mean.</summary>
    public IReadOnlyDictionary<string, double>? FineTuned { get; init; }

    /// <summary>The probe on the test part: <c>top1</c> with its interval; null without one.</summary>
    public IReadOnlyDictionary<string, double>? Test { get; init; }

    /// <summary>Whether the run's model is the probe, because fine-tuning did not do better on the validation part.</summary>
    public required bool Kept { get; init; }

    /// <summary>Whether it is the mean of the probe's weights and the fine-tuned ones, which did best.</summary>
    public bool MeanKept { get; init; }

    /// <summary>What is kept, in words.</summary>
    internal string KeptName => Kept ? "linear probe" : MeanKept ? "mean" : "fine-tuned model";

    /// <summary>λ, the weight of the penalty, chosen by cross-validation; of embeddings less their mean, over their root mean
    /// square.</summary>
    public required double Lambda { get; init; }

    /// <summary>Wall time of embedding and fit.</summary>
    public required double Seconds { get; init; }

    /// <summary>Top-1 with its interval out of all metrics.</summary>
    internal static Dictionary<string, double> Top1Of(IReadOnlyDictionary<string, double> metrics) =>
        metrics.Where(metric => metric.Key is "top1" or "top1_low" or "top1_high").ToDictionary();
}
