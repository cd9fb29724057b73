using System.Text.Json;
using System.Text.Json.Serialization;
using Schane.Checkpoints;
using Schane.Evaluation.Statistics;
using Schane.Reporting;

namespace Schane.Jobs.Studies;

/// <summary>What a sweep found, as <c>sweep.json</c> holds it. Shares lie in 0 to 1.</summary>
internal sealed record SweepResult
{
    /// <summary>Version that wrote it.</summary>
    public required string Schane { get; init; }

    /// <summary>Data set.</summary>
    public required string Data { get; init; }

    /// <summary>Metric of the validation part that was chosen by.</summary>
    public required string Metric { get; init; }

    /// <summary>Images of the validation part; null where an earlier version wrote it.</summary>
    public int? Images { get; init; }

    /// <summary>Every trial, arm by arm, best first.</summary>
    public required IReadOnlyList<SweepTrial> Trials { get; init; }

    /// <summary>The best trial of each arm.</summary>
    public required IReadOnlyList<SweepWinner> Winners { get; init; }

    /// <summary>Runs that failed: the trials they are of are missing in <see cref="Trials"/>.</summary>
    public IReadOnlyList<FailedRun> Failed { get; init; } = [];

    /// <summary>How often the test part was looked at, in a sentence.</summary>
    public required string TestUse { get; init; }

    private static readonly JsonSerializerOptions Format = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    internal void Save(string path) => AtomicFile.WriteText(path, JsonSerializer.Serialize(this, Format) + "\n");

    internal static SweepResult? Load(string path) =>
        File.Exists(path) ? JsonSerializer.Deserialize<SweepResult>(File.ReadAllText(path), Format) : null;
}

/// <summary>One combination of settings.</summary>
/// <param name="Arm">Its arm.</param>
/// <param name="Number">Its number in the arm, from 0.</param>
/// <param name="Settings">What it sets, by key.</param>
/// <param name="Steps">Steps of its longest runs.</param>
/// <param name="Scores">The metric on the validation part, seed by seed; NaN where a run diverged.</param>
/// <param name="Score">Their mean; NaN where a run diverged.</param>
internal sealed record SweepTrial(string Arm, int Number, IReadOnlyDictionary<string, string> Settings, int Steps,
    IReadOnlyList<double> Scores, double Score);

/// <summary>The trial that was chosen for an arm.</summary>
/// <param name="Arm">The arm.</param>
/// <param name="Trial">Its number.</param>
/// <param name="Validation">Its figure on the validation part: optimistic, since it is the best of many.</param>
/// <param name="Test">The headline metric on the test part, Student's t over seeds, or Wilson's of one; null where
/// the test was left alone.</param>
internal sealed record SweepWinner(string Arm, int Trial, double Validation, Interval? Test);
