namespace Schane.Reporting;

/// <summary>How a metric is called and written on a page.</summary>
/// <param name="Key">Its name in the files.</param>
/// <param name="Label">Its name for people.</param>
/// <param name="Share">Between 0 and 1, shown in percent.</param>
/// <param name="HigherIsBetter">Which way is good.</param>
internal sealed record Metric(string Key, string Label, bool Share, bool HigherIsBetter = true)
{
    private static readonly Metric[] known =
    [
        new("top1", "Top-1 accuracy", true),
        new("top5", "Top-5 accuracy", true),
        new("map", "Mean average precision", true),
        new("micro_f1", "Micro F1", true),
        new("exact_match", "Images without a mistake", true),
        new("mean_per_class", "Mean accuracy per class", true),
        new("macro_f1", "Macro F1", true),
        new("error", "Error", true, HigherIsBetter: false),
        new("error_averaged_views", "Error with averaged views", true, HigherIsBetter: false),
        new("errors_inside_twin_groups", "Errors inside twin groups", true),
        new("few_shot", "Few-shot accuracy", true),
        new("ece", "Calibration error (ECE)", true, HigherIsBetter: false),
        new("nll", "Negative log-likelihood", false, HigherIsBetter: false),
        new("ece_raw", "Calibration error before the temperature", true, HigherIsBetter: false),
        new("nll_raw", "Negative log-likelihood before the temperature", false, HigherIsBetter: false),
        new("recall_at_1", "Retrieval recall@1", true),
        new("recall_at_5", "Retrieval recall@5", true),
        new("map_at_r", "Retrieval MAP@R", true),
        new("nmi", "Cluster agreement (NMI)", false),
        new("silhouette", "Silhouette", false),
        new("kappa", "Cohen’s κ", false),
        new("macro_auroc", "Macro AUROC", false),
    ];

    /// <summary>The label inside a sentence.</summary>
    public string Words => char.ToLowerInvariant(Label[0]) + Label[1..];

    /// <summary>The metric of that name; one that is not known goes by its name in the files.</summary>
    public static Metric Of(string key) => key.StartsWith("ema_", StringComparison.Ordinal) && Of(key[4..]) is var raw
        ? raw with { Key = key, Label = $"{raw.Label}, averaged weights" }
        : known.FirstOrDefault(metric => metric.Key == key) ?? new Metric(key, key.Replace('_', ' '), Share: false);

    /// <summary>The place in which it is listed.</summary>
    public int Rank => Array.FindIndex(known, metric => metric.Key == Key) is >= 0 and var place ? place : known.Length;

    public string Show(double? value) => Share ? Quantity.Percent(value) : Quantity.Number(value);
}
