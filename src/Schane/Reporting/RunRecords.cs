using System.Text.Json;

namespace Schane.Reporting;

// What a run writes and a report reads. Every field may be missing: the part of the page that needs it is then left out.

/// <summary>The journal's first line: what was about to be run, and on what.</summary>
internal sealed record RunStart(
    string? Time, string? Schane, string? Data, string? Model, string? Weights, string? Loss, double? Lambda, double? Temperature, double? Beta, long? Seed,
    long? Parameters, long? Classes, long? TrainImages, long? ValImages, long? TestImages, long? Steps, double? Epochs, double? StepsPerEpoch,
    long? Batch, long? Views, string? Device, long? Threads, string? Precision, string? Kernel);

/// <summary>One training step.</summary>
internal sealed record StepEvent(
    long Step, double? Loss, double? Ce, double? Con, double? Lr, double? GradNorm, double? WithoutPositives, double? Positives, double? Negatives,
    double? ImagesPerSecond, double? Waiting,
    double? EffectiveNegatives = null, double? PositiveSimilarity = null, double? NegativeSimilarity = null, double? HardestNegative = null,
    double? Classes = null, double? Lambda = null, double? Temperature = null, double? Beta = null);

/// <summary>Metrics of a part of the data (val, test) after a step.</summary>
internal sealed record EvaluationEvent(long Step, string? Part, Dictionary<string, JsonElement>? Metrics);

/// <summary>Something the user should know.</summary>
internal sealed record WarningEvent(long? Step, string Message);

/// <summary>How the run ended.</summary>
internal sealed record EndEvent(long? Step, double? Seconds, string? Reason);

/// <summary>The run's result file.</summary>
internal sealed record ReportedResults(
    string? Schane, string? Data, string? Model, string? Loss, long? Seed, long? Steps, double? Seconds, double? ImagesPerSecond, string? Part, long? Images,
    Dictionary<string, JsonElement>? Metrics, string[]? Classes, ClassResult[]? PerClass, int[][]? Confusion, ReliabilityBin[]? Reliability, TwinErrors? Twins);

/// <summary>One class's images and how they fared; shares between 0 and 1.</summary>
internal sealed record ClassResult(string Class, long Images, double? Accuracy, double? Precision, double? Recall);

/// <summary>The predictions whose confidence lies between <paramref name="Low"/> and <paramref name="High"/>.</summary>
internal sealed record ReliabilityBin(double Low, double High, long Images, double? Confidence, double? Accuracy);

/// <summary>The share of errors that stay inside a group of near twins.</summary>
internal sealed record TwinErrors(double? ShareOfErrors);
