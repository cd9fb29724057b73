using System.Text.Json;
using System.Text.Json.Serialization;
using Schane.Checkpoints;

namespace Schane.Runs;

/// <summary>What a finished run found, as <c>results.json</c> holds it. Shares lie in 0 to 1.</summary>
public sealed record RunResults
{
    /// <summary>Version that wrote it.</summary>
    public required string Schane { get; init; }

    /// <summary>Data set.</summary>
    public required string Data { get; init; }

    /// <summary>Architecture.</summary>
    public required string Model { get; init; }

    /// <summary>Contrastive term.</summary>
    public required string Loss { get; init; }

    /// <summary>Seed of the run.</summary>
    public required int Seed { get; init; }

    /// <summary>Optimiser steps done.</summary>
    public required long Steps { get; init; }

    /// <summary>Of these, steps that were left out because their loss or gradient was not finite
    /// (<c>on-non-finite: skip</c>); null: none.</summary>
    public long? SkippedSteps { get; init; }

    /// <summary>Wall time of the training loop in seconds.</summary>
    public double Seconds { get; init; }

    /// <summary>Training images (views counted) per second of the loop.</summary>
    public double ImagesPerSecond { get; init; }

    /// <summary>Largest error of any layer of the model on this machine against float64, forward or backward, before the first step, as a
    /// share of its largest value; null: not looked at.</summary>
    public double? ArithmeticError { get; init; }

    /// <summary>Part that was measured: <c>test</c>, <c>val</c>, <c>runs</c>; <c>folds</c> where each image was answered by a model that
    /// was trained without it, and the run's own model learnt from all.</summary>
    public required string Part { get; init; }

    /// <summary>How many folds measured the run; null where a part did.</summary>
    public int? Folds { get; init; }

    /// <summary>How many folds were to measure it, where its budget held fewer; null where all were made.</summary>
    public int? FoldsWanted { get; init; }

    /// <summary>Images or trials measured.</summary>
    public required int Images { get; init; }

    /// <summary>Metrics by name; an interval stands beside its metric as <c>_low</c> and <c>_high</c>.</summary>
    public required IReadOnlyDictionary<string, double> Metrics { get; init; }

    /// <summary>The linear probe that training began from; null: none.</summary>
    public ProbeResults? Probe { get; init; }

    /// <summary>What <c>schane average</c> made of several runs: <c>soup</c>, the mean of their weights, or <c>ensemble</c>, the mean of
    /// their logits; null for others.</summary>
    public string? Average { get; init; }

    /// <summary>Names of the runs that it was made of; null for a run that was trained.</summary>
    public IReadOnlyList<string>? AverageOf { get; init; }

    /// <summary>Views of each image that are averaged, 1 or more; null for a run that was trained.</summary>
    public int? AverageViews { get; init; }

    /// <summary>Class names, where classes were predicted.</summary>
    public IReadOnlyList<string>? Classes { get; init; }

    /// <summary>One entry a class.</summary>
    [JsonPropertyName("per_class")]
    public IReadOnlyList<ClassResult>? PerClass { get; init; }

    /// <summary>Counts; a row is a true class, a column a predicted one.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? Confusion { get; init; }

    /// <summary>Confidence against accuracy, in 15 bins.</summary>
    public IReadOnlyList<ReliabilityBin>? Reliability { get; init; }

    /// <summary>The metric that the run is judged by.</summary>
    [JsonIgnore]
    internal string Headline => Metrics.ContainsKey("error") ? "error" : Metrics.ContainsKey("map") ? "map" : "top1";

    /// <summary>Whether images might show several classes.</summary>
    [JsonIgnore]
    internal bool IsMultiLabel => PerClass is [{ Threshold: not null }, ..];

    /// <summary>What is to be said of thresholds; null where there is nothing.</summary>
    [JsonIgnore]
    internal string? ThresholdNote => PerClass?.Where(c => c is { Threshold: not null, ThresholdImages: 0 }).ToList() is { Count: > 0 } left
        ? $"The threshold of {(left.Count == PerClass.Count ? "every class" : string.Join(", ", left.Take(5).Select(c =>
            $"'{Printable.Escape(c.Class)}'")) + (left.Count > 5 ? $" and {left.Count - 5} more" : ""))} stays at 0.5, since no " +
            "held-out image shows it." : null;

    /// <summary>What is to be said of folds that the budget had no time for; null where all were made.</summary>
    [JsonIgnore]
    internal string? FoldsNote => FoldsWanted is { } wanted && Folds < wanted ? FoldsLeftOut(Folds.Value, wanted, "the budget") : null;

    /// <summary>What is said where a budget had no time for all folds.</summary>
    /// <param name="made">Folds there were.</param>
    /// <param name="wanted">Folds there were to be.</param>
    /// <param name="budget">Its name in the sentence.</param>
    internal static string FoldsLeftOut(int made, int wanted, string budget) =>
        $"{made} of {wanted} folds are all that {budget} held beside the run itself; the images of the others are learnt from and not " +
        "measured. A larger --budget measures all.";

    private static readonly JsonSerializerOptions Format =
        new(JsonFile.Options) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>As the file holds it.</summary>
    internal string Text => JsonSerializer.Serialize(this, Format) + "\n";

    internal void Save(string path) => AtomicFile.WriteText(path, Text);

    internal static RunResults Parse(string text) =>
        JsonSerializer.Deserialize<RunResults>(text, Format) ?? throw new JsonException("it is empty");

    internal static RunResults Load(string path) =>
        JsonFile.Read<RunResults>(path)
        ?? throw new SchaneException($"There is no '{path}': the run did not finish. Continue it with --resume.");
}

/// <summary>One class of the measured part.</summary>
/// <param name="Class">Its name.</param>
/// <param name="Images">Images of it.</param>
/// <param name="Accuracy">Share of them that were predicted as it (recall).</param>
/// <param name="Precision">Share of the predictions of it that were right; NaN without any.</param>
/// <param name="Recall">The same as <paramref name="Accuracy"/>.</param>
public sealed record ClassResult(string Class, int Images, double Accuracy, double Precision, double Recall)
{
    /// <summary>Where images may show several classes: the area under precision over recall; null where no image shows it, and for one
    /// class an image.</summary>
    public double? AveragePrecision { get; init; }

    /// <summary>Harmonic mean of precision and recall; null for one class an image.</summary>
    public double? F1 { get; init; }

    /// <summary>Probability from which on it is named; null for one class an image.</summary>
    public double? Threshold { get; init; }

    /// <summary>Validation images of it that chose the threshold, which is ½ at none; null for one class an image.</summary>
    public int? ThresholdImages { get; init; }
}

/// <summary>Predictions whose confidence lies in one bin.</summary>
/// <param name="Low">Lower end, not in the bin.</param>
/// <param name="High">Upper end, in the bin.</param>
/// <param name="Images">Predictions in it.</param>
/// <param name="Confidence">Their mean confidence.</param>
/// <param name="Accuracy">Share of them that was right.</param>
public sealed record ReliabilityBin(double Low, double High, int Images, double Confidence, double Accuracy);
