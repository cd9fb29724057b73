using System.Text.Json;

namespace Schane.Reporting;

/// <summary>A run's journal, read back.</summary>
internal sealed class RunHistory
{
    private readonly List<StepEvent> steps = [];
    private readonly List<EvaluationEvent> evaluations = [];
    private readonly List<WarningEvent> warnings = [];
    private readonly List<long> resumes = [];

    private RunHistory() { }

    public RunStart? Start { get; private set; }

    public IReadOnlyList<StepEvent> Steps => steps;

    public IReadOnlyList<EvaluationEvent> Evaluations => evaluations;

    public IReadOnlyList<WarningEvent> Warnings => warnings;

    /// <summary>Steps at which an interrupted run went on.</summary>
    public IReadOnlyList<long> Resumes => resumes;

    public EndEvent? End { get; private set; }

    /// <summary>Reads a journal. Events of unknown kinds are ignored, and so is a last line that was cut off
    /// while it was written.</summary>
    /// <exception cref="SchaneException">A line before the last is not what it should be.</exception>
    public static RunHistory Read(string path)
    {
        var history = new RunHistory();
        if (!File.Exists(path))
            return history;
        var number = 0L;
        (long Number, JsonException Error)? torn = null;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
                continue;
            if (torn is { } before)
                throw ReportFiles.Damaged(path, before.Error, before.Number);
            try
            {
                history.Add(line);
            }
            catch (JsonException e)
            {
                torn = (number, e);
            }
        }
        return history;
    }

    private void Add(string line)
    {
        switch (JsonSerializer.Deserialize<Kind>(line, ReportFiles.Options)?.Event)
        {
            case "step":
                steps.Add(Event<StepEvent>(line));
                break;
            case "evaluation":
                evaluations.Add(Event<EvaluationEvent>(line));
                break;
            case "warning":
                warnings.Add(Event<WarningEvent>(line));
                break;
            case "start":
                Start = Event<RunStart>(line);
                break;
            case "resume":
                resumes.Add(Event<EndEvent>(line).Step ?? 0);
                End = null;
                break;
            case "end":
                End = Event<EndEvent>(line);
                break;
        }
    }

    private static T Event<T>(string line) => JsonSerializer.Deserialize<T>(line, ReportFiles.Options)!;

    private sealed record Kind(string? Event);
}
