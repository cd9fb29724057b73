using Schane.Runs;

namespace Schane.Training;

/// <summary>
/// Ends a run with its budget of time. Each step moves the schedules as far as the time that is left asks for, so that the learning rate
/// ends at its end on a machine that gets busy or free in the middle. The journal holds where each step stood, and a run that goes on
/// from a checkpoint stands there again, up to the step at which it was stopped.
/// </summary>
/// <param name="budget">Time of the whole run, all that comes after the last step counted.</param>
/// <param name="planned">Steps of the schedules: what was planned before the first.</param>
/// <param name="most">Steps after which it ends even if time is left.</param>
/// <param name="after">What comes after the last step.</param>
/// <param name="clock">Time since the run was begun, or gone on with.</param>
internal sealed class Pace(TimeSpan budget, int planned, long most, WorkAfter after, Func<TimeSpan> clock)
{
    /// <summary>Of the time, for evaluations while it trains, and for checkpoints.</summary>
    public const double Share = 1.0 / 20;

    private const int Remembered = 9;

    private readonly Queue<double> steps = new();
    private Dictionary<long, double> known = [];
    private HashSet<long> evaluated = [];
    private double earlier, evaluatedAt, checkpoint, evaluationsLeft = 10, besides;
    private double? begun, evaluation, onePass;

    /// <summary>Time that was used, in seconds, by the sessions that the state comes from and by this one.</summary>
    public double Used => earlier + clock().TotalSeconds;

    /// <summary>Steps that are to come, by the rate of the last ones.</summary>
    public long StepsLeft(RunState state) => Math.Max(1, steps.Count == 0 ? (long)Math.Ceiling(planned - state.At)
        : (long)Math.Min(TimeForSteps / Step, most - state.Step));

    /// <summary>Time left to the end of the run.</summary>
    public TimeSpan Left => TimeSpan.FromSeconds(Math.Max(0, budget.TotalSeconds - Used));

    /// <summary>Goes on where a checkpoint was written.</summary>
    /// <param name="state">Its state.</param>
    /// <param name="history">What was done behind it before the run was stopped.</param>
    public void GoOn(RunState state, RunHistory history)
    {
        earlier = state.Used ?? 0;
        known = history.Steps.Where(step => step.Moved is not null && step.Step > state.Step)
            .ToDictionary(step => step.Step, step => step.Moved!.Value);
        evaluated = [.. history.Evaluations.Select(one => one.Step)];
    }

    /// <summary>Whether an evaluation would take no more than its share of the time; behind a checkpoint, whether there was
    /// one.</summary>
    public bool HasTimeToEvaluate(RunState state) =>
        known.ContainsKey(state.Step) ? evaluated.Contains(state.Step) : (Used - evaluatedAt) * Share >= (evaluation ?? 0);

    /// <summary>Where the schedules stand after the step that begins now.</summary>
    public double After(RunState state)
    {
        if (begun is { } last)
            steps.Enqueue(Used - last - besides);
        if (steps.Count > Remembered)
            steps.Dequeue();
        (begun, besides) = (Used, 0);
        if (known.TryGetValue(state.Step + 1, out var was))
            return was;
        if (steps.Count < Math.Min(3, planned))                                      // no rate yet
            return Math.Min(planned, state.At + 1);
        var left = StepsLeft(state);
        return left == 1 ? planned : Math.Round(state.At + (planned - state.At) / left, 6);        // as the journal keeps it
    }

    /// <summary>Remembers what an evaluation took.</summary>
    /// <param name="began"><see cref="Used"/> before it.</param>
    /// <param name="pass">Seconds of its images' way through the model alone, without keeping the best weights.</param>
    /// <param name="left">Evaluations to come.</param>
    public void Evaluated(double began, double pass, double left)
    {
        (evaluation, onePass, evaluatedAt, evaluationsLeft) = (Used - began, pass, Used, left);
        besides += Used - began;
    }

    /// <summary>Remembers what a checkpoint took.</summary>
    /// <param name="began"><see cref="Used"/> before it.</param>
    public void Saved(double began)
    {
        checkpoint = Used - began;
        besides += checkpoint;
    }

    // The median: a step that a pause or the first use of a kernel held up is no rate.
    private double Step => Math.Max(1e-6, steps.Order().ElementAt(steps.Count / 2));

    private double TimeForSteps
    {
        get
        {
            var last = (evaluation ?? 0) + checkpoint;
            var left = budget.TotalSeconds - Used;
            left -= after.Seconds(onePass, Step, left) + last;
            return left - Math.Clamp((evaluationsLeft - 1) * last, 0, Math.Max(0, left) * 2 * Share);
        }
    }
}

/// <summary>What a run does after its last step: images pass the model to be measured and embedded, and the page is written.</summary>
/// <param name="Images">Images that pass the model then.</param>
/// <param name="Evaluated">Images of an evaluation while it trains; 0 where there is none.</param>
/// <param name="InStep">Images of a step.</param>
/// <param name="PerImage">Seconds of one, where such a pass was timed before the first step.</param>
internal sealed record WorkAfter(int Images, int Evaluated, int InStep, double? PerImage)
{
    /// <summary>Seconds that a page takes to be written.</summary>
    public const double Page = 1.5;

    private const double PerImageOfPage = 2e-4, PerThumbnail = 4e-3;

    /// <summary>Seconds for thumbnails: see <see cref="OfThumbnails"/>.</summary>
    public double Pictures { get; init; }

    /// <summary>Seconds that thumbnails take, at most a twentieth of the run's time: the rest of them is left out.</summary>
    public static double OfThumbnails(int count, TimeSpan budget) => Math.Min(count * PerThumbnail, budget.TotalSeconds * Pace.Share);

    /// <summary>How long that takes.</summary>
    /// <param name="pass">Seconds of the newest evaluation's pass; null before the first.</param>
    /// <param name="step">Seconds of a step, a third of which is the way to the outputs.</param>
    /// <param name="left">Time left in seconds; where no pass was timed yet, no more than a third of it is kept.</param>
    public double Seconds(double? pass, double step, double left)
    {
        var perImage = Evaluated > 0 && pass is { } took ? took / Evaluated : PerImage;
        return Page + Images * PerImageOfPage + Pictures
            + (perImage is { } known ? Images * known : Math.Clamp(Images * step / InStep, 0, Math.Max(0, left)) / 3);
    }
}
