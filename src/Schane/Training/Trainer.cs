using Schane.Data.Feeding;
using Schane.Distributed;
using Schane.Models;
using Schane.Recipes;
using Schane.Runs;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>What a training is made of; the loop asks neither which loss nor which data it has.</summary>
/// <param name="Recipe">Resolved: steps, λ, τ and β are set.</param>
/// <param name="Model">Initial weights; on the recipe's device.</param>
/// <param name="Optimization">Moves the model's weights.</param>
/// <param name="Objective">What is minimised, over the rows of all ranks.</param>
/// <param name="Batches">This rank's share of the batches, from step 0 on.</param>
/// <param name="Folder">Folder of checkpoints and journal.</param>
/// <param name="Identity">Identifies model, classes and data; a resumed run must have the same.</param>
/// <param name="Ranks">The processes that train together.</param>
internal sealed record TrainingParts(Recipe Recipe, ImageClassifier Model, Optimization Optimization, SharedObjective Objective,
    IBatchSource Batches, RunFolder Folder, RunIdentity Identity, ICollective Ranks)
{
    /// <summary>Evaluates the model now and then; null for nobody.</summary>
    public IEvaluator? Evaluator { get; init; }

    /// <summary>Ends the training with its time; null for one that ends after the recipe's steps.</summary>
    public Pace? Pace { get; init; }

    /// <summary>Receives the classes that are confused, epoch by epoch; null where no sampler goes by them.</summary>
    public HardClasses? Hard { get; init; }
}

/// <summary>The training loop: batches → model → joint objective → optimiser → journal and checkpoints.</summary>
internal sealed partial class Trainer : IDisposable
{
    private readonly TrainingParts parts;
    private readonly int steps;
    private readonly TrainingStep training;
    private readonly SharedStatistics statistics;
    private readonly CheckpointStore checkpoints;
    private readonly Evaluations? evaluations;
    private readonly NonFiniteGuard guard;
    private readonly SaveTimes saving;
    private readonly HealthWarnings health;
    private RunState state = new();

    /// <param name="parts">Stay the caller's.</param>
    /// <exception cref="SchaneException">Settings of the recipe don't fit the model, the data or each other.</exception>
    public Trainer(TrainingParts parts)
    {
        this.parts = parts;
        var (recipe, model, optimization, objective, _, folder, identity, ranks) = parts;
        steps = recipe.Steps!.Value;
        health = new(recipe.MultiLabel == true);
        Freezing.CheckContrast(model, objective.Options.Contrasts);
        statistics = new SharedStatistics(model, ranks, recipe.SyncBatchnorm);
        training = new TrainingStep(model, objective, recipe.MicroBatch, device(recipe.Device), recipe.Seed, recipe.Mixer(model.Classes),
            recipe.Accumulate)
        { Classified = parts.Hard is { } hard ? hard.Count : null };
        checkpoints = new CheckpointStore(folder, identity, recipe.KeepLast, ranks);
        saving = new SaveTimes(recipe.SaveEvery, steps, ranks);
        guard = new NonFiniteGuard(recipe, model, folder, ranks.Rank);
        evaluations = parts.Evaluator is { } judge ? new Evaluations(judge, recipe, model, optimization, checkpoints, ranks) : null;
        if (evaluations is null && (recipe.Patience is not null || recipe.FinalWeights == FinalWeights.Best))
            throw new SchaneException($"{(recipe.Patience is null ? "final-weights best" : "patience")} needs a validation part to look " +
                "at, and this training has none.");
    }

    /// <summary>Optimiser steps behind the weights.</summary>
    public long StepsDone => state.Step;

    /// <summary>Steps that there will be, as far as can be told.</summary>
    public long StepsExpected =>
        parts.Pace is { } pace ? state.Step + (state.At < steps ? pace.StepsLeft(state) : 0) : steps;

    /// <summary>Of these, steps that were left out because their loss or gradient was not finite.</summary>
    public int StepsSkipped => state.Skipped;

    /// <summary>Wall time of the loop that <see cref="Run"/> did last.</summary>
    public double Seconds { get; private set; }

    /// <summary>Images, views counted, per second of that loop.</summary>
    public double ImagesPerSecond { get; private set; }

    /// <summary>What <see cref="Run"/> was told of the machine; null before, and where nothing was asked.</summary>
    public ProofEvent? Proof { get; private set; }

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
        var warnings = Restore(resume, acceptChangedData);
        Proof = prove?.Invoke();
        using var log = Open(resume, progress, start, warnings);
        var reason = "finished";
        try
        {
            reason = Loop(log, stop) ?? reason;
        }
        catch (OperationCanceledException)
        {
            Save(log);
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
            (Seconds, ImagesPerSecond) = (log.Elapsed.TotalSeconds, log.Images / log.Elapsed.TotalSeconds);
            if (reason != "finished" || state.At >= steps)
                log.Event(new EndEvent(state.Step, Seconds, log.Waiting, reason) { Kept = KeptStep(reason) });
        }
        TakeFinalWeights();
    }

    /// <summary>Why it ended before the last step; null where it didn't.</summary>
    private string? Loop(RunLog log, CancellationToken stop)
    {
        parts.Batches.SeekTo(state.Step, parts.Hard?.Sampler);
        parts.Optimization.Freezing.TrainMode();
        for (var moving = false; ; moving = true)
        {
            if (evaluations?.AreDue(state, parts.Pace) == true)
                Evaluate(log, stop);
            var givenUp = evaluations?.GiveUp(state) == true;
            var over = state.At >= steps || givenUp;
            if (moving && (over || saving.IsDue(state, log.Elapsed)))
                Save(log, goesOn: !over);
            if (over)
                return givenUp ? $"{parts.Recipe.BestMetric} has not improved since step {state.BestStep}" : null;
            Step(log, stop);
            if (parts.Hard is not null && state.Step % parts.Batches.BatchesPerEpoch == 0)
            {
                parts.Hard.EndEpoch();
                parts.Batches.SeekTo(state.Step, parts.Hard.Sampler);
            }
        }
    }

    private void Step(RunLog log, CancellationToken stop)
    {
        using var scope = NewDisposeScope();                                                   // a step's tensors die with the step
        var (batches, optimization, ranks) = (parts.Batches, parts.Optimization, parts.Ranks);
        var (waited, started) = (batches.Waited, log.Elapsed);
        using var batch = NextBatch(log, stop);
        var moved = parts.Pace is { } pace ? ranks.Totals(ranks.Rank == 0 ? pace.After(state) : 0)[0] : (double?)null;
        RequireRoom(batch);
        guard.Before();
        optimization.Gradients.zero_();
        var (attempt, problem) =
            NonFiniteGuard.Try(() => statistics.During(() => training.Run(batch, state.Step, optimization.Scale, state.At)));
        using var loss = attempt;
        if (loss is not null)
        {
            ranks.Sum(optimization.Gradients);
            statistics.Agree();
        }
        if ((loss is null ? double.NaN : optimization.TakeNorm()) is not { } norm)
        {
            log.Event(new OverflowEvent(state.Step + 1, optimization.Scale));
            state = state.After(state.Moved);
            return;
        }
        if ((problem ?? guard.Problem(state.Step, loss!, norm)) is { } wrong)
        {
            (state, var message) = guard.Handle(state, wrong, batch);
            log.Warn(state.Step, message);
            return;
        }
        var rate = optimization.Step(state, norm);
        state = state.After(moved);

        var took = log.Elapsed - started;
        var waiting = (batches.Waited - waited) / took;
        log.Step(state, batch.Epoch, loss!.Statistics.Rows, loss, rate, norm, took, waiting);
        foreach (var warning in health.Look(loss!, waiting))
            log.Warn(state.Step, warning);
    }
}
