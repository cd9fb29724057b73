using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Schane.Recipes;
using Schane.Runs;

namespace Schane.Reporting.Mlflow;

/// <summary>A number at a step, as MLflow keeps it.</summary>
internal readonly record struct MlflowMetric(string Key, double Value, long Time, long Step);

/// <summary>A run as MLflow keeps one. Times are milliseconds since 1970.</summary>
/// <param name="Name">For people.</param>
/// <param name="Id">32 hexadecimal digits, the same for the same run.</param>
/// <param name="Start">When it began.</param>
/// <param name="End">When it ended; null for one that is not finished.</param>
/// <param name="Parameters">Every setting of the recipe.</param>
/// <param name="Metrics">Losses and rates of the steps, evaluations, and what was measured at the end.</param>
/// <param name="Tags">What it was made of.</param>
/// <param name="Files">Paths of what is kept beside it.</param>
internal sealed record MlflowRun(string Name, string Id, long Start, long? End, IReadOnlyList<(string Key, string Value)> Parameters,
    IReadOnlyList<MlflowMetric> Metrics, IReadOnlyList<(string Key, string Value)> Tags, IReadOnlyList<string> Files)
{
    /// <summary>Letters of a parameter that MLflow keeps.</summary>
    private const int LongestValue = 6000;

    /// <summary>The tag by which a run is found again.</summary>
    public const string IdTag = "schane.run";

    /// <summary>Reads a run.</summary>
    /// <exception cref="SchaneException">It has no journal, or a file of it is damaged.</exception>
    public static MlflowRun Of(RunFolder run)
    {
        var history = RunHistory.Read(run.Journal);
        if (history.Start is not { Time: { } time } start)
            throw new SchaneException($"Run '{run.Name}' has no journal yet, so there is nothing to send; train it first.");
        var began = DateTimeOffset.Parse(time, CultureInfo.InvariantCulture).ToUnixTimeMilliseconds();
        var results = File.Exists(run.Results) ? RunResults.Load(run.Results) : null;
        // The journal tells of no step when it was, but how long all took.
        var perStep = history.End is { Seconds: { } seconds, Step: > 0 and { } steps } ? 1000 * seconds / steps : 0;
        long At(long step) => began + (long)(step * perStep);
        var metrics = new List<MlflowMetric>();
        void Add(string key, double? value, long step)
        {
            if (value is { } number && double.IsFinite(number))
                metrics.Add(new(key, number, At(step), step));
        }
        foreach (var step in history.Steps)
            foreach (var (key, value) in ((string, double?)[])[("train/loss", step.Loss), ("train/ce", step.Ce), ("train/con", step.Con),
                ("train/accuracy", step.Accuracy), ("train/lr", step.Lr), ("train/grad_norm", step.GradNorm)])
                Add(key, value, step.Step);
        foreach (var evaluation in history.Evaluations)
            foreach (var (key, value) in evaluation.Metrics ?? new Dictionary<string, double?>())
                Add($"{evaluation.Part}/{key}", value, evaluation.Step);
        foreach (var (key, value) in results?.Metrics ?? new Dictionary<string, double>())
            Add(key, value, results!.Steps);
        var identity = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{run.Name}\n{time}")))[..32];
        (string Key, string? Value)[] tags =
        [
            (IdTag, identity), ("mlflow.runName", run.Name), ("mlflow.source.name", "schane"), ("mlflow.source.type", "LOCAL"),
            ("schane.version", start.Schane), ("schane.data", start.Data), ("schane.weights", start.Weights),
            ("schane.parameters", $"{start.Parameters}"),
        ];
        string[] files = [run.Report, run.Recipe, run.Results, run.Journal];
        var recipe = RecipeFile.Values(RecipeFile.LoadRun(run.Recipe));
        return new(run.Name, identity, began, history.End is null ? null : At(history.End.Step ?? 0),
            [.. recipe.Where(s => s.Value is not null)
                .Select(s => (s.Key, s.Value!.Length > LongestValue ? s.Value[..LongestValue] : s.Value))],
            metrics,
            [.. tags.Where(tag => !string.IsNullOrEmpty(tag.Value)).Select(tag => (tag.Key, tag.Value!))],
            [.. files.Where(File.Exists)]);
    }
}
