using System.Diagnostics;
using Schane.Data.Feeding;
using Schane.Losses;
using Schane.Runs;
using TorchSharp;
using TorchSharp.Modules;

namespace Schane.Training;

/// <summary>Passes what happens in a run to the journal, to TensorBoard where it is asked for, and to the progress display.</summary>
internal sealed class RunLog : IDisposable
{
    private readonly Journal? journal;
    private readonly SummaryWriter? board;
    private readonly IProgress<TrainingProgress>? progress;
    private readonly int steps;
    private readonly long first;
    private readonly Stopwatch watch = Stopwatch.StartNew();
    private TimeSpan inSteps, waited;

    /// <param name="folder">Run folder; its journal is appended to. Null: nothing is written, as on every rank but the first.</param>
    /// <param name="board">Whether to write TensorBoard events too, below <c>tensorboard</c>.</param>
    /// <param name="progress">Told of each step, evaluation and warning.</param>
    /// <param name="steps">All steps.</param>
    /// <param name="first">Steps done before.</param>
    public RunLog(RunFolder? folder, bool board, IProgress<TrainingProgress>? progress, int steps, long first)
    {
        (this.progress, this.steps, this.first) = (progress, steps, first);
        if (folder is null)
            return;
        journal = new Journal(folder.Journal);
        this.board = board ? torch.utils.tensorboard.SummaryWriter(folder.TensorBoard) : null;
    }

    /// <summary>Wall time since it was made.</summary>
    public TimeSpan Elapsed => watch.Elapsed;

    /// <summary>Knows how many steps are to come where time decides; null where all are known.</summary>
    public Pace? Pace { get; init; }

    /// <summary>Images, views counted, of the steps told.</summary>
    public long Images { get; private set; }

    /// <summary>Share of the time of the steps told that they waited for their batches, 0 to 1.</summary>
    public double Waiting => inSteps > TimeSpan.Zero ? waited / inSteps : 0;

    public void Event(RunEvent happened) => journal?.Write(happened);

    /// <summary>A sentence that the journal keeps and people see.</summary>
    public void Warn(long step, string message)
    {
        Event(new WarningEvent(step, message));
        Say(message);
    }

    public void Skipped(long step, BadImage bad, int count)
    {
        Event(new SkippedEvent(step, bad.Name, bad.Reason, count));
        Say(bad.Reason);
    }

    public void Step(RunState state, int epoch, int images, StepLoss loss, double rate, double gradientNorm, TimeSpan took, double waiting)
    {
        Images += images;
        var step = state.Step;
        (inSteps, waited) = (inSteps + took, waited + took * waiting);
        var (seen, settings) = (loss.Statistics, loss.Settings);
        var done = new StepEvent
        {
            Step = step,
            Moved = state.Moved,
            Epoch = epoch,
            Loss = loss.Total,
            Ce = loss.CrossEntropy,
            Con = loss.Contrastive,
            Accuracy = loss.Accuracy,
            Lr = rate,
            Lambda = settings.Lambda,
            Temperature = settings.Temperature,
            Beta = settings.Beta,
            GradNorm = gradientNorm,
            Classes = seen.Classes,
            WithoutPositives = seen.ShareWithoutPositives,
            Positives = seen.MeanPositives,
            Negatives = seen.MeanNegatives,
            EffectiveNegatives = seen.EffectiveNegatives,
            PositiveSimilarity = seen.MeanPositiveSimilarity,
            NegativeSimilarity = seen.MeanNegativeSimilarity,
            HardestNegative = seen.HardestNegativeSimilarity,
            ZeroRows = seen.ZeroRows,
            ImagesPerSecond = images / took.TotalSeconds,
            Waiting = waiting,
        };
        Event(done);
        foreach (var (name, value) in board is null ? [] : Journal.NumbersOf(done))
            Board($"train/{name}", value, step);
        var (all, left) = Pace is { } pace ? (state.At < steps ? step + pace.StepsLeft(state) : step, pace.Left)
            : (steps, Elapsed / (step - first) * (steps - step));
        progress?.Report(new TrainingProgress("train", step, all, epoch, loss.Total, Images / Elapsed.TotalSeconds, left)
        {
            Accuracy = loss.Accuracy,
            Memory = Environment.WorkingSet,
        });
    }

    public void Evaluation(long step, int epoch, string part, IReadOnlyDictionary<string, double> metrics)
    {
        Event(new EvaluationEvent(step, epoch, part, metrics.ToDictionary(m => m.Key, m => (double?)m.Value)));
        foreach (var (name, value) in metrics)
            Board($"{part}/{name}", value, step);
        progress?.Report(new TrainingProgress("evaluate", step, steps, epoch, null, 0, null,
            $"step {step}: {part} {string.Join(", ", metrics.Select(m => $"{m.Key} {m.Value:G4}"))}"));
    }

    public void Dispose() => journal?.Dispose();

    private void Say(string message) => progress?.Report(new TrainingProgress("train", first, steps, 0, null, 0, null, message));

    private void Board(string tag, double value, long step) => board?.add_scalar(tag, (float)value, (int)step);
}
