using System.Text.Json;

namespace Schane.Runs;

/// <summary>A run's journal, read back.</summary>
internal sealed class RunHistory
{
    private readonly List<RunEvent> events;

    private RunHistory(List<RunEvent> events)
    {
        this.events = events;
        Steps = [.. events.OfType<StepEvent>()];
        Evaluations = [.. events.OfType<EvaluationEvent>()];
    }

    public StartEvent? Start => events.OfType<StartEvent>().LastOrDefault();

    /// <summary>The linear probe that the run began with; null: none.</summary>
    public ProbeEvent? Probe => events.OfType<ProbeEvent>().LastOrDefault();

    /// <summary>The machine's proof; the newest where the run went on elsewhere.</summary>
    public ProofEvent? Proof => events.OfType<ProofEvent>().LastOrDefault();

    public IReadOnlyList<StepEvent> Steps { get; }

    public IReadOnlyList<EvaluationEvent> Evaluations { get; }

    public IEnumerable<WarningEvent> Warnings => events.OfType<WarningEvent>();

    /// <summary>Images that could not be read.</summary>
    public IEnumerable<SkippedEvent> Skipped => events.OfType<SkippedEvent>();

    /// <summary>Steps that were left out because their half-precision gradient overflowed.</summary>
    public IEnumerable<OverflowEvent> Overflows => events.OfType<OverflowEvent>();

    /// <summary>Steps at which an interrupted run went on.</summary>
    public IEnumerable<long> Resumes => events.OfType<ResumeEvent>().Select(resume => resume.Step);

    /// <summary>The run's end; null for one that is going, was cut off, or went on since.</summary>
    public EndEvent? End => events.LastOrDefault(one => one is EndEvent or ResumeEvent) as EndEvent;

    /// <summary>Reads a journal; there may be none. Events of unknown kinds are ignored, and so is a last line that was cut off
    /// while it was written.</summary>
    /// <exception cref="SchaneException">A line before the last is not what it should be.</exception>
    public static RunHistory Read(string path)
    {
        List<RunEvent> events = [];
        var number = 0L;
        (long Number, JsonException Error)? torn = null;
        foreach (var line in File.Exists(path) ? File.ReadLines(path) : [])
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
                continue;
            if (torn is { } before)
                throw JsonFile.Damaged(path, before.Error, before.Number);
            try
            {
                events.Add(JsonSerializer.Deserialize<RunEvent>(line, Journal.Options)!);
            }
            catch (JsonException e)
            {
                torn = (number, e);
            }
        }
        return new(events);
    }
}
