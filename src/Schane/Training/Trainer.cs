using System.Text.Json;
using Schane.Data.Feeding;
using Schane.Distributed;
using Schane.Losses;
using Schane.Models;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>
/// The training loop: batches → model → joint objective → optimiser → journal and checkpoints. What varies comes in through the
/// constructor; the loop asks neither which loss nor which data it has.
/// </summary>
internal sealed partial class Trainer : IDisposable
{
    private readonly Recipe recipe;
    private readonly int steps, saveEvery;
    private readonly ImageClassifier model;
    private readonly IBatchSource batches;
    private readonly RunFolder folder;
    private readonly ICollective ranks;
    private readonly Freezing freezing;
    private readonly FlatParameters parameters;
    private readonly IOptimizer optimizer;
    private readonly LossScaling? scaling;
    private readonly WeightAverage? average;
    private readonly SharedStatistics statistics;
    private readonly TrainingStep seam;
    private readonly RateSchedule schedule;
    private readonly CheckpointStore checkpoints;
    private readonly Evaluations? evaluations;
    private readonly NonFiniteGuard guard;
    private readonly HealthWarnings health = new();
    private readonly HardClasses? hard;

    /// <param name="recipe">Resolved: steps, λ, τ and β are set.</param>
    /// <param name="model">Initial weights; on the recipe's device.</param>
    /// <param name="preTrained">The trunk comes from a checkpoint, so the trunk's own rate applies.</param>
    /// <param name="batches">Batches from step 0 on.</param>
    /// <param name="evaluator">Evaluates the model now and then; null for none.</param>
    /// <param name="folder">Folder of checkpoints and journal.</param>
    /// <param name="identity">Identifies model, classes and data; a resumed run must have the same.</param>
    /// <param name="ranks">The processes that train together; each is given its share of the batches.</param>
    /// <param name="hard">Receives the classes that are confused, epoch by epoch; null for none.</param>
    /// <exception cref="SchaneException">Settings of the recipe don't fit the model, the data or each other.</exception>
    public Trainer(Recipe recipe, ImageClassifier model, bool preTrained, IBatchSource batches, IEvaluator? evaluator, RunFolder folder,
        RunIdentity identity, ICollective ranks, HardClasses? hard = null)
    {
        (this.recipe, this.model, this.batches, this.folder, this.ranks, this.hard) = (recipe, model, batches, folder, ranks, hard);
        steps = recipe.Steps ?? throw new ArgumentException("The recipe must be resolved: Steps is not set.", nameof(recipe));
        saveEvery = recipe.SaveEvery ?? Math.Max(50, steps / 10);
        schedule = RateSchedule.Of(recipe, steps, batches.BatchesPerEpoch);
        NativeMemory.KeepFreedPages();
        freezing = new Freezing(model, recipe.Freeze);
        parameters = new FlatParameters([.. freezing.Trained.Select(p => ((Tensor)p.Parameter, Treat(p.Layer, p.Decays, preTrained)))]);
        optimizer = Optimizers.Of(recipe, parameters);
        if (recipe.Precision == Precision.Fp16)
            optimizer = scaling = new LossScaling(optimizer, parameters);
        statistics = new SharedStatistics(model, ranks, recipe.SyncBatchnorm);
        average = recipe.Ema is { } decay ? new WeightAverage(decay, parameters, model.Buffers()) : null;
        var objective = new JointObjective(recipe.Objective());
        CheckTrained(model, objective.Options.Contrasts);
        seam = new TrainingStep(model, new SharedObjective(objective, ranks), recipe.MicroBatch, device(recipe.Device), recipe.Seed,
            recipe.Mixer(model.Classes), recipe.Accumulate)
        { Classified = hard is null ? null : hard.Count };
        checkpoints = new CheckpointStore(folder, identity, recipe.KeepLast, ranks);
        guard = new NonFiniteGuard(recipe, model, folder, ranks.Rank);
        evaluations = evaluator is null ? null : new Evaluations(evaluator, recipe, model, average, freezing, checkpoints, steps, ranks);
        if (evaluations is null && (recipe.Patience is not null || recipe.FinalWeights == FinalWeights.Best))
            throw new SchaneException($"{(recipe.Patience is null ? "final-weights best" : "patience")} needs a validation part to look " +
                "at, and this training has none.");
    }

    /// <summary>Refuses a contrastive term that could change nothing.</summary>
    internal static void CheckTrained(ImageClassifier model, bool contrasts)
    {
        if (contrasts && model.EmbeddingsAreFixed)
            throw NothingToContrast();
    }

    /// <summary>Optimiser steps behind the weights.</summary>
    public long StepsDone { get; private set; }

    /// <summary>Of these, steps that were left out because their loss or gradient was not finite.</summary>
    public int StepsSkipped { get; private set; }

    /// <summary>Wall time of the loop that <see cref="Run"/> did last.</summary>
    public double Seconds { get; private set; }

    /// <summary>Images, views counted, per second of that loop.</summary>
    public double ImagesPerSecond { get; private set; }

    /// <summary>Trains from the newest checkpoint, or from the start, to the last step or to the end of the recipe's patience; then the
    /// model holds the weights that the recipe asks for.</summary>
    /// <param name="resume">From the newest checkpoint; false for a new run.</param>
    /// <param name="progress">Told of each step, evaluation and warning.</param>
    /// <param name="start">The journal's first lines, written by a new run.</param>
    /// <param name="stop">Saves and stops.</param>
    /// <param name="acceptChangedData">Resumes although the training images are others.</param>
    /// <param name="prove">Proves the machine on the weights that training goes on from; null for no proof.</param>
    /// <exception cref="OperationCanceledException">Stopped; the state was saved first.</exception>
    /// <exception cref="DivergedException">The loss or the gradient is not finite.</exception>
    public void Run(bool resume, IProgress<TrainingProgress>? progress, IReadOnlyList<RunEvent> start, CancellationToken stop,
        bool acceptChangedData = false, Func<ProofEvent>? prove = null)
    {
        var warnings = new List<string>();
        ranks.BroadcastAll(Tensors().Values);                                                  // rank 0's initial weights
        var state = (resume ? checkpoints.Restore(Tensors(), acceptChangedData, warnings.Add) : null) ?? new RunState();
        Proof = prove?.Invoke();
        var begun = resume && File.Exists(folder.Journal);
        if (begun)
            ranks.OnFirst(() => Journal.CutAfter(folder.Journal, state.Step));
        using var log = new RunLog(ranks.Rank == 0 ? folder : null, recipe.Tensorboard, progress, steps, state.Step);
        foreach (var first in begun ? [new ResumeEvent(state.Step)] : start)
            log.Event(first);
        if (Proof is not null)
            log.Event(Proof);
        foreach (var warning in warnings)
            log.Warn(state.Step, warning);
        hard?.Tell();
        batches.SeekTo(state.Step);
        freezing.TrainMode();
        var reason = "finished";
        try
        {
            for (var saved = state.Step; ;)
            {
                if (evaluations?.AreDue(state) == true)
                    state = evaluations.Run(state, EpochOf(state.Step - 1), log, stop);
                var givenUp = evaluations?.GiveUp(state) == true;
                var over = state.Step == steps || givenUp;
                if (state.Step > saved && (over || state.Step % saveEvery == 0))
                    Save(state);
                saved = state.Step;
                reason = givenUp ? $"{recipe.BestMetric} has not improved since step {state.BestStep}" : reason;
                if (over)
                    break;
                state = Step(state, log, stop);
                if (hard is not null && state.Step % batches.BatchesPerEpoch == 0)
                {
                    hard.EndEpoch();
                    batches.SeekTo(state.Step);
                }
            }
        }
        catch (OperationCanceledException)
        {
            Save(state);
            reason = "interrupted";
            throw;
        }
        catch (DivergedException e)
        {
            reason = e.Message;
            throw;
        }
        finally
        {
            (StepsDone, StepsSkipped, Seconds, ImagesPerSecond) = (state.Step, state.Skipped, log.Elapsed.TotalSeconds,
                log.Images / log.Elapsed.TotalSeconds);
            if (reason != "finished" || state.Step == steps)
                log.Event(new EndEvent(state.Step, Seconds, log.Waiting, reason));
        }
        TakeFinalWeights();
    }

    private RunState Step(RunState state, RunLog log, CancellationToken stop)
    {
        using var scope = NewDisposeScope();                                                   // a step's tensors die with the step
        var (waited, started) = (batches.Waited, log.Elapsed);
        using var batch = NextBatch(state, log, stop);
        if (!fits)
            MemoryCheck.Require(model, batch, Math.Min(recipe.MicroBatch ?? int.MaxValue, (int)batch.Labels.shape[0]),
                optimizer.State.Values.Sum(t => t.numel() * t.ElementSize), MemoryRoom.Free() / ranks.Beside());
        fits = true;
        guard.Before();
        parameters.Gradients.zero_();
        seam.Scale = scaling?.Scale ?? 1;
        var (attempt, problem) = NonFiniteGuard.Try(() => statistics.During(() => seam.Run(batch, state.Step)));
        using var loss = attempt;
        if (loss is not null)
        {
            ranks.Sum(parameters.Gradients);
            statistics.Agree();
        }
        var norm = loss is null ? double.NaN : parameters.Gradients.norm().ToDouble();         // waits for the device
        if (loss is not null && scaling is not null && (norm = scaling.Unscale(norm)) is double.PositiveInfinity)
        {
            log.Event(new OverflowEvent(state.Step + 1, scaling.Scale));
            return state with { Step = state.Step + 1 };
        }
        problem ??= guard.Problem(state.Step, loss!, norm);
        if (problem is not null)
        {
            (state, var message) = guard.Handle(state, problem, batch);
            log.Warn(state.Step, message);
            return state;
        }
        if (recipe.ClipNorm is { } limit && norm > limit)
            parameters.Gradients.mul_(limit / (norm + 1e-6));
        var rate = schedule.At(state.Step);
        var updates = state.Step - state.Skipped - (scaling?.Overflows ?? 0);
        optimizer.Step(rate, updates);
        average?.Update(updates);
        state = state with { Step = state.Step + 1 };

        var took = log.Elapsed - started;
        var waiting = (batches.Waited - waited) / took;
        log.Step(state.Step, batch.Epoch, loss!.Statistics.Rows, loss, rate, norm, took, waiting);
        foreach (var warning in health.Look(loss!, waiting))
            log.Warn(state.Step, warning);
        return state;
    }

    private int badImages, told;
    private bool fits;

    /// <summary>This rank's share of the next batch, unless a rank was asked to stop: then all stop here. Images that a rank could not read
    /// are told by the first.</summary>
    private Batch NextBatch(RunState state, RunLog log, CancellationToken stop)
    {
        Batch? batch = null;
        try
        {
            batch = batches.Next(stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Told to the others below.
        }
        var fresh = batches.BadImages.Skip(badImages).ToList();
        badImages += fresh.Count;
        if (ranks.Totals(stop.IsCancellationRequested || batch is null ? 1 : 0, fresh.Count) is var asked && asked[0] > 0)
        {
            batch?.Dispose();
            throw new OperationCanceledException(stop);
        }
        if (asked[1] > 0)
            foreach (var bad in ranks.GatherTexts(JsonSerializer.Serialize(fresh))
                .SelectMany(text => JsonSerializer.Deserialize<BadImage[]>(text)!))
                log.Skipped(state.Step + 1, bad, ++told);
        return batch!;
    }
}
