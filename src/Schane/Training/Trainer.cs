using System.Diagnostics;
using Schane.Checkpoints;
using Schane.Data;
using Schane.Losses;
using Schane.Models;
using Schane.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>
/// The training loop: batches → model → joint objective → optimiser → journal and checkpoints. What varies comes in through the constructor;
/// the loop asks neither which loss nor which data it has.
/// </summary>
internal sealed class Trainer : IDisposable
{
    private readonly Recipe recipe;
    private readonly int steps;
    private readonly ImageClassifier model;
    private readonly BatchLoader loader;
    private readonly IEvaluator? evaluator;
    private readonly RunFolder folder;
    private readonly string dataFingerprint;
    private readonly FlatParameters parameters;
    private readonly IOptimizer optimizer;
    private readonly TrainingStep seam;
    private readonly CosineSchedule schedule;
    private readonly CheckpointStore checkpoints;

    /// <param name="recipe">Resolved: steps, λ, τ and β are set.</param>
    /// <param name="model">Initial weights; on the recipe's device.</param>
    /// <param name="preTrained">The trunk comes from a checkpoint, so the trunk's own rate applies.</param>
    /// <param name="loader">Batches from step 0 on.</param>
    /// <param name="evaluator">Looks at the model now and then; null for none.</param>
    /// <param name="folder">Where checkpoints and journal go.</param>
    /// <param name="dataFingerprint">Identifies the training images; a resumed run must have the same.</param>
    public Trainer(Recipe recipe, ImageClassifier model, bool preTrained, BatchLoader loader, IEvaluator? evaluator, RunFolder folder, string dataFingerprint)
    {
        (this.recipe, this.model, this.loader, this.evaluator, this.folder, this.dataFingerprint) = (recipe, model, loader, evaluator, folder, dataFingerprint);
        steps = recipe.Steps ?? throw new ArgumentException("The recipe must be resolved: Steps is not set.", nameof(recipe));
        NativeMemory.KeepFreedPages();
        parameters = new FlatParameters([.. model.NamedParameters().Select(p => ((Tensor)p.Parameter, Treat(p.Layer, p.Decays, preTrained)))]);
        optimizer = recipe.Optimizer switch
        {
            OptimizerKind.AdamW => new AdamW(parameters),
            OptimizerKind.Sgd => new Sgd(parameters, recipe.Momentum),
            _ => throw new ArgumentOutOfRangeException(nameof(recipe), recipe.Optimizer, "No such optimiser."),
        };
        seam = new TrainingStep(model, new JointObjective(recipe.Objective()), recipe.MicroBatch, device(recipe.Device), recipe.Seed, recipe.Mixer(model.Classes));
        schedule = new CosineSchedule(recipe.LearningRate, steps, Math.Min((int)Math.Round(recipe.Warmup * steps), steps - 1));
        checkpoints = new CheckpointStore(folder);
    }

    /// <summary>Trains from the newest checkpoint, or from the start, to the last step.</summary>
    /// <param name="resume">From the newest checkpoint; false for a new run.</param>
    /// <param name="progress">Told of each step, evaluation and warning.</param>
    /// <param name="start">Fields of the journal's first line, written by a new run.</param>
    /// <param name="stop">Saves and stops.</param>
    /// <exception cref="OperationCanceledException">Stopped; the state was saved first.</exception>
    /// <exception cref="DivergedException">The loss or the gradient is not finite.</exception>
    public void Run(bool resume, IProgress<TrainingProgress>? progress, (string Name, object? Value)[] start, CancellationToken stop)
    {
        var warnings = new List<string>();
        var step = resume ? checkpoints.Restore(model.StateDict(), optimizer, dataFingerprint, warnings.Add) ?? 0 : 0;
        var first = step;
        if (resume)
            Journal.CutAfter(folder.Journal, step);
        using var journal = new Journal(folder.Journal);
        if (resume)
            journal.Write("resume", ("step", step));
        else
            journal.Write("start", start);
        void Tell(string message) => progress?.Report(new TrainingProgress("train", step, steps, 0, null, 0, null, message));
        foreach (var warning in warnings)
        {
            journal.Write("warning", ("step", step), ("message", warning));
            Tell(warning);
        }

        loader.SeekTo(step);
        model.train();
        var watch = Stopwatch.StartNew();
        var (images, skipped) = (0L, 0);
        var saveEvery = recipe.SaveEvery ?? Math.Max(50, steps / 10);
        var evaluateEvery = recipe.EvaluateEvery ?? Math.Max(1, steps / 10);
        Batch NextOrSave()
        {
            try
            {
                stop.ThrowIfCancellationRequested();
                return loader.Next(stop);
            }
            catch (OperationCanceledException)
            {
                Save(step);
                StepsDone = step;
                journal.Write("end", ("step", step), ("seconds", watch.Elapsed.TotalSeconds), ("reason", "interrupted"));
                throw;
            }
        }
        while (step < steps)
        {
            using var scope = NewDisposeScope();                                               // a step's tensors die with the step
            var waited = loader.Waited;
            var started = watch.Elapsed;
            using var batch = NextOrSave();
            foreach (var bad in loader.BadImages.Skip(skipped))
            {
                skipped++;
                journal.Write("skipped", ("step", step + 1), ("image", bad.Name), ("reason", bad.Reason), ("count", skipped));
                Tell(bad.Reason);
            }
            parameters.Gradients.zero_();
            using var loss = Attempt(batch, step);
            var norm = parameters.Gradients.norm().ToDouble();                                 // waits for the device
            RequireFinite(step, loss, norm);
            if (recipe.ClipNorm is { } limit && norm > limit)
                parameters.Gradients.mul_(limit / (norm + 1e-6));
            var rate = schedule.At(step);
            optimizer.Step(rate, step);
            step++;

            images += batch.Labels.shape[0];
            var perSecond = batch.Labels.shape[0] / (watch.Elapsed - started).TotalSeconds;
            journal.Write("step", ("step", step), ("epoch", batch.Epoch), ("loss", loss.Total), ("ce", loss.CrossEntropy), ("con", loss.Contrastive), ("lr", rate),
                ("grad_norm", norm), ("without_positives", loss.Statistics.ShareWithoutPositives), ("positives", loss.Statistics.MeanPositives),
                ("negatives", loss.Statistics.MeanNegatives), ("effective_negatives", loss.Statistics.EffectiveNegatives), ("positive_similarity", loss.Statistics.MeanPositiveSimilarity),
                ("negative_similarity", loss.Statistics.MeanNegativeSimilarity), ("hardest_negative", loss.Statistics.HardestNegativeSimilarity), ("zero_rows", loss.Statistics.ZeroRows),
                ("images_per_second", perSecond),
                ("waiting", (loader.Waited - waited) / (watch.Elapsed - started)));
            var elapsed = watch.Elapsed;
            progress?.Report(new TrainingProgress("train", step, steps, batch.Epoch, loss.Total, images / elapsed.TotalSeconds,
                elapsed / (step - first) * (steps - step)));

            if (evaluator is not null && (step % evaluateEvery == 0 || step == steps))
                Evaluate(evaluator, journal, step, batch.Epoch, progress);
            if (step % saveEvery == 0 || step == steps)
                Save(step);
        }
        journal.Write("end", ("step", step), ("seconds", watch.Elapsed.TotalSeconds), ("reason", "finished"));
        (StepsDone, Seconds) = (step, watch.Elapsed.TotalSeconds);
        ImagesPerSecond = images / watch.Elapsed.TotalSeconds;
    }

    /// <summary>Optimiser steps behind the weights.</summary>
    public long StepsDone { get; private set; }

    /// <summary>Wall time of the loop that <see cref="Run"/> did last.</summary>
    public double Seconds { get; private set; }

    /// <summary>Images, views counted, per second of that loop.</summary>
    public double ImagesPerSecond { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        optimizer.Dispose();
        parameters.Dispose();
    }

    private void Save(long step) => checkpoints.Save(step, model.StateDict(), optimizer, dataFingerprint);

    private void Evaluate(IEvaluator judge, Journal journal, long step, int epoch, IProgress<TrainingProgress>? progress)
    {
        model.eval();
        IReadOnlyDictionary<string, double> metrics;
        using (no_grad())
            metrics = judge.Evaluate(model);
        model.train();
        journal.Write("evaluation", ("step", step), ("epoch", epoch), ("part", judge.Part), ("metrics", metrics));
        progress?.Report(new TrainingProgress("evaluate", step, steps, epoch, null, 0, null,
            $"step {step}: {judge.Part} {string.Join(", ", metrics.Select(m => $"{m.Key} {m.Value:G4}"))}"));
    }

    private ParameterTreatment Treat(int layer, bool decays, bool preTrained)
    {
        var depth = model.Backbone.LayerCount;                                                 // the head's layer id
        var scale = Math.Pow(recipe.LayerDecay, depth - layer) * (preTrained && layer < depth ? recipe.TrunkRate : 1);
        return new ParameterTreatment(scale, decays ? recipe.WeightDecay : 0);
    }

    private string WayOut => $"Lower --lr (now {recipe.LearningRate}) or set --clip-norm; the last checkpoint is in {folder.Name}.";

    private StepLoss Attempt(Batch batch, long step)
    {
        try
        {
            return seam.Run(batch, step);
        }
        catch (ArgumentException e) when (e.ParamName is "embeddings" or "logits")
        {
            throw new DivergedException($"Step {step + 1}: {e.Message.Split(" (Parameter")[0]} {WayOut}");
        }
    }

    private void RequireFinite(long step, StepLoss loss, double gradientNorm)
    {
        if (double.IsNaN(loss.Contrastive) && loss.Statistics.ShareWithoutPositives == 1)
            throw new SchaneException(
                $"Step {step + 1}: no image of the batch has another of its class, so the contrastive loss is undefined. Use --sampler balanced with --images-per-class 2 or more, or --views 2.");
        foreach (var (what, value) in ((string, double)[])[("cross-entropy", loss.CrossEntropy), ("contrastive loss", loss.Contrastive), ("gradient norm", gradientNorm)])
            if (!double.IsFinite(value))
                throw new DivergedException($"Step {step + 1}: the {what} is {value}. {WayOut}");
    }
}
