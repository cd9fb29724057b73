using System.Text.Json;
using System.Text.Json.Serialization;
using Schane.Runs;

namespace Schane.Reporting;

/// <summary>Objectives trained on the same seeds, splits, initial weights, batches and budget: what <c>compare.json</c> holds.</summary>
internal sealed record Comparison
{
    /// <summary>Version that wrote it.</summary>
    public string? Schane { get; init; }

    /// <summary>Data set.</summary>
    public string? Data { get; init; }

    /// <summary>Architecture.</summary>
    public string? Model { get; init; }

    /// <summary>Part that was measured: <c>test</c>, <c>val</c>, <c>runs</c>.</summary>
    public string? Part { get; init; }

    /// <summary>Images or trials measured in each run.</summary>
    public long? Images { get; init; }

    /// <summary>Budget of each run, in words: “300 steps”, “6 minutes”.</summary>
    public string? Budget { get; init; }

    /// <summary>The metric the verdict rests on, by its name in <see cref="ComparedRun.Metrics"/>.</summary>
    public string Metric { get; init; } = "top1";

    /// <summary>Name of the one objective that all others are compared with; null: each is compared with all before it.</summary>
    public string? Against { get; init; }

    /// <summary>What is compared, plainest first, so that a difference is what the later one adds.</summary>
    public required IReadOnlyList<ComparedObjective> Objectives { get; init; }

    /// <summary>One a run; a run that is still to be made may be missing.</summary>
    public required IReadOnlyList<ComparedRun> Runs { get; init; }

    /// <summary>Where the runs are folds of a cross-validation, test images for each training image: intervals and tests are widened by it
    /// (Nadeau and Bengio 2003). Null: seeds.</summary>
    public double? TestPerTrain { get; init; }

    /// <summary>Intervals of differences by a bootstrap over test items and seeds, where they were made.</summary>
    public IReadOnlyList<BootstrapInterval>? Bootstrap { get; init; }

    /// <summary>Runs that failed: they are missing in <see cref="Runs"/>, and so are the pairs that they would be in.</summary>
    public IReadOnlyList<FailedRun> Failed { get; init; } = [];

    /// <summary>Sentences to stand below the tables.</summary>
    public IReadOnlyList<string>? Notes { get; init; }

    /// <summary>Reads a comparison.</summary>
    /// <exception cref="SchaneException">There is no such file, or it is not a comparison.</exception>
    public static Comparison Load(string path) =>
        JsonFile.Read<Comparison>(path) ?? throw new SchaneException($"There is no comparison '{path}'; make one with schane compare.");

    /// <summary>Writes it, whole or not at all.</summary>
    /// <exception cref="SchaneException">It can't be written there.</exception>
    public void Save(string path) => ReportFiles.Write(path, JsonSerializer.Serialize(this, JsonFile.Options) + "\n");
}

/// <summary>One setting of a comparison.</summary>
/// <param name="Name">Its key in the runs.</param>
/// <param name="Label">Its name for people: “CE, shuffled batches”.</param>
internal sealed record ComparedObjective(string Name, string Label);

/// <summary>One run of a comparison.</summary>
/// <param name="Objective"><see cref="ComparedObjective.Name"/>.</param>
/// <param name="Seed">Runs of one seed share split, initial weights and batches.</param>
/// <param name="Metrics">Shares lie in 0 to 1.</param>
/// <param name="PerClass">Accuracy by class, where classes are predicted.</param>
/// <param name="Seconds">Time of training.</param>
internal sealed record ComparedRun(string Objective, int Seed, IReadOnlyDictionary<string, double> Metrics,
    IReadOnlyDictionary<string, double>? PerClass = null, double? Seconds = null);

/// <summary>A run that failed, of a comparison or a sweep that went on without it.</summary>
/// <param name="Run">Name of its folder.</param>
/// <param name="Label">Its name for people: “SCHaNe, seed 3”.</param>
internal sealed record FailedRun(string Run, string Label)
{
    /// <summary>Why, in a sentence. It may name paths, so no file keeps it; then it is empty.</summary>
    [JsonIgnore]
    public string Reason { get; init; } = "";

    /// <summary>Run, folder and reason in a sentence.</summary>
    public override string ToString() => $"{Label} ({Run}): {Reason}";
}

/// <summary>Where the difference First − Second lies with 95 % by a bootstrap over test items and seeds.</summary>
/// <param name="First">Name of the objective that is compared.</param>
/// <param name="Second">Name of the one it is compared with.</param>
/// <param name="Low">Lower end, in the metric's unit.</param>
/// <param name="High">Upper end.</param>
internal sealed record BootstrapInterval(string First, string Second, double Low, double High);
