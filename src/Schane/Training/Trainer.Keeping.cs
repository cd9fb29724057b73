using System.Text.Json;
using Schane.Data.Feeding;
using Schane.Distributed;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Training;

internal sealed partial class Trainer
{
    private int badImages, told;
    private bool fits;

    private int EpochOf(long step) => (int)(step / parts.Batches.BatchesPerEpoch);

    /// <inheritdoc/>
    public void Dispose()
    {
        checkpoints.Dispose();
        statistics.Dispose();
        guard.Dispose();
    }

    /// <summary>All ranks begin with the weights of the first, or with the newest whole checkpoint.</summary>
    /// <returns>What is to be said of the checkpoints.</returns>
    private List<string> Restore(bool resume, bool acceptChangedData)
    {
        List<string> warnings = [];
        parts.Ranks.BroadcastAll(Tensors(parts.Model.StateDict()).Values);
        state = (resume ? checkpoints.Restore(Tensors(parts.Model.Changing()), acceptChangedData, warnings.Add) : null)
            ?? new RunState { Moved = parts.Pace is null ? null : 0 };
        if (resume && parts.Pace is { } pace && parts.Ranks.Rank == 0)
            pace.GoOn(state, RunHistory.Read(parts.Folder.Journal));
        return warnings;
    }

    /// <summary>The journal, cut where training goes on, with its first lines.</summary>
    private RunLog Open(bool resume, IProgress<TrainingProgress>? progress, IReadOnlyList<RunEvent> start, List<string> warnings)
    {
        var (folder, ranks) = (parts.Folder, parts.Ranks);
        var begun = resume && File.Exists(folder.Journal);
        if (begun)
            ranks.OnFirst(() => Journal.CutAfter(folder.Journal, state.Step));
        var log = new RunLog(ranks.Rank == 0 ? folder : null, parts.Recipe.Tensorboard, progress, steps, state.Step) { Pace = parts.Pace };
        foreach (var first in begun ? [new ResumeEvent(state.Step)] : start)
            log.Event(first);
        if (Proof is not null)
            log.Event(Proof);
        foreach (var warning in warnings)
            log.Warn(state.Step, warning);
        return log;
    }

    /// <summary>This rank's share of the next batch, unless a rank was asked to stop: then all stop here. Images that a rank could not read
    /// are told by the first.</summary>
    private Batch NextBatch(RunLog log, CancellationToken stop)
    {
        Batch? batch = null;
        try
        {
            batch = parts.Batches.Next(stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Told to the others below.
        }
        var fresh = parts.Batches.BadImages.Skip(badImages).ToList();
        badImages += fresh.Count;
        if (parts.Ranks.Totals(stop.IsCancellationRequested || batch is null ? 1 : 0, fresh.Count) is var asked && asked[0] > 0)
        {
            batch?.Dispose();
            throw new OperationCanceledException(stop);
        }
        if (asked[1] > 0)
            foreach (var bad in parts.Ranks.GatherTexts(JsonSerializer.Serialize(fresh))
                .SelectMany(text => JsonSerializer.Deserialize<BadImage[]>(text)!))
                log.Skipped(state.Step + 1, bad, ++told);
        return batch!;
    }

    /// <summary>Refuses the first batch where this machine's memory doesn't hold its pass.</summary>
    private void RequireRoom(Batch batch)
    {
        if (!fits)
            MemoryCheck.Require(parts.Model, batch, Math.Min(parts.Recipe.MicroBatch ?? int.MaxValue, (int)batch.Labels.shape[0]),
                parts.Optimization.StateBytes, MemoryRoom.Free() / parts.Ranks.Beside());
        fits = true;
    }

    /// <summary>Writes a checkpoint, after a look whether all ranks hold the same weights.</summary>
    private void Save(RunLog log, bool goesOn = false)
    {
        var (before, used) = (log.Elapsed, parts.Pace?.Used ?? 0);
        WeightHash.MustAgree(parts.Ranks, state.Step, parts.Optimization.Shared);
        checkpoints.Save(state with { Used = parts.Pace?.Used }, Tensors(parts.Model.Changing()), goesOn);
        parts.Ranks.Barrier();
        saving.Saved(before, log.Elapsed);
        parts.Pace?.Saved(used);
    }

    private void Evaluate(RunLog log, CancellationToken stop)
    {
        var used = parts.Pace?.Used ?? 0;
        state = evaluations!.Run(state, EpochOf(state.Step - 1), log, stop);
        parts.Pace?.Evaluated(used, evaluations.Pass.TotalSeconds, evaluations.Left(state));
    }

    /// <summary>What a checkpoint holds, by name, where it holds these tensors of the model; the run's own.</summary>
    private Dictionary<string, Tensor> Tensors(IReadOnlyDictionary<string, Tensor> model)
    {
        var tensors = model.ToDictionary(t => $"model.{t.Key}", t => t.Value);
        foreach (var (name, tensor) in parts.Optimization.State)
            tensors.Add(name, tensor);
        foreach (var (name, tensor) in parts.Hard?.State ?? [])
            tensors.Add($"confusion.{name}", tensor);
        return tensors;
    }

    private long? KeptStep(string reason) => reason == "interrupted" || steps == 0 ? null
        : parts.Recipe.FinalWeights == FinalWeights.Best ? state.BestStep : state.Step;

    private void TakeFinalWeights()
    {
        if (steps == 0)
            return;
        var average = parts.Optimization.Average;
        var wanted = parts.Recipe.FinalWeights ?? (average is null ? FinalWeights.Last : FinalWeights.Ema);
        if (wanted == FinalWeights.Best)
            checkpoints.RestoreBest(parts.Model.Changing());
        else if (wanted == FinalWeights.Ema)
            average!.Exchange();
    }
}
