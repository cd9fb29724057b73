using System.Runtime.InteropServices;
using Schane.Data.Feeding;
using Schane.Losses;
using Schane.Models;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>
/// Forward, objective and backward of one step: the loss is taken at the embeddings (docs/design.md §2). With one micro-batch the graph is
/// kept; with several, each is run once without a graph for the embeddings of the whole batch, and once more with it to be back-propagated
/// from the gradients that the objective gave (GradCache, Gao et al. 2021, arXiv:2101.06983). The gradient is that of the whole batch;
/// models with batch statistics normalise each micro-batch by itself, and their running statistics move in the second pass only.
/// Accumulation, where it is asked for, runs each once and adds the gradients up: the loss of a micro-batch then sees the rows of that
/// micro-batch alone. Ranks are given whole micro-batches then, so that these are the same however many ranks there are.
/// </summary>
/// <param name="model">The model, on <paramref name="device"/>.</param>
/// <param name="objective">What is minimised, over the rows of all ranks.</param>
/// <param name="microBatch">Rows that pass the model at once; null for all.</param>
/// <param name="device">Where to compute.</param>
/// <param name="seed">Seed of what drop path drops.</param>
/// <param name="mixer">Mixes the images first; null for none. What it draws does not depend on micro-batches.</param>
/// <param name="accumulates">Whether each micro-batch has a loss of its own. Adds no negatives.</param>
internal sealed class TrainingStep(ImageClassifier model, SharedObjective objective, int? microBatch, Device device, long seed,
    BatchMixer? mixer = null, bool accumulates = false)
{
    /// <summary>Told of each step's labels [n] and predicted classes [n], of this rank's rows; null for none.</summary>
    public Action<Tensor, Tensor>? Classified { get; init; }

    /// <summary>Adds the gradient of this rank's rows to the parameters' gradients; those of all ranks add up to the batch's.</summary>
    /// <param name="batch">This rank's rows.</param>
    /// <param name="step">Optimiser step.</param>
    /// <param name="scale">Factor on the gradient that is added, for loss scaling.</param>
    /// <param name="at">Where the schedules stand; null for the step.</param>
    /// <returns>The loss of the whole batch.</returns>
    public StepLoss Run(Batch batch, long step, double scale = 1, double? at = null)
    {
        using var scope = NewDisposeScope();
        if (batch.Indices.Length == 0)
            return Absent(batch, at ?? step);
        var mixed = mixer?.Plan(batch);
        var rows = new Rows(batch.Labels.to(device), batch.ImageIds.to(device), (mixed?.Mixture ?? batch.Targets)?.to(device),
            SamplesOf(batch), step, at ?? step, batch.Labels.to(device, copy: true), scale);
        var passes = Passes(batch, mixed);
        var size = Math.Min(microBatch ?? int.MaxValue, rows.Samples.Length);
        StepLoss loss;
        try
        {
            loss = accumulates ? OneByOne(passes, rows, size) : size >= rows.Samples.Length
                ? AtOnce(passes, rows, 0, rows.Samples.Length, objective.Compute, 1) : InMicroBatches(passes, rows, size);
        }
        catch (ExternalException e) when (e.Message.Contains("out of memory", StringComparison.Ordinal)
            || e.Message.Contains("can't allocate memory", StringComparison.Ordinal))
        {
            throw new SchaneException($"The memory of the device ({device}) does not hold a pass of {size} images; use --micro-batch " +
                $"{Math.Max(1, size / 2)}, which leaves the batch and its negatives as they are, or --checkpoint-activations.", e);
        }
        Classified?.Invoke(rows.Labels, rows.Predicted);
        loss.EmbeddingGradient?.MoveToOuterDisposeScope();
        loss.LogitGradient?.MoveToOuterDisposeScope();
        return loss;
    }

    /// <summary>What is known of the N rows of a step beside their images, and [N] which class each is taken
    /// for once it is known.</summary>
    private sealed record Rows(
        Tensor Labels, Tensor Ids, Tensor? Mixture, long[] Samples, long Step, double At, Tensor Predicted, double Scale);

    /// <summary>Images on their way through the model, some rows at a time, with the outputs taken from it.</summary>
    private readonly record struct Pass(Func<long, long, Tensor> Images, bool Embeds, bool Classifies);

    /// <summary>One pass gives both outputs, unless the contrastive term sees the unmixed images and cross-entropy the mixed.</summary>
    private Pass[] Passes(Batch batch, MixPlan? mixed)
    {
        Tensor Plain(long at, long count) => batch.Normalised(at, count, device);
        if (mixed is null)
            return [new(Plain, true, true)];
        Tensor Mixed(long at, long count) => mixed.Images(at, count, device);
        return objective.Options is { Contrasts: true, Mixed: MixedPairs.Clean }
            ? [new(Plain, true, false), new(Mixed, false, true)] : [new(Mixed, true, true)];
    }

    /// <summary>An index of each row among all rows of the step that neither ranks nor micro-batches change.</summary>
    private static long[] SamplesOf(Batch batch)
    {
        var (images, rows) = (batch.Positions.Length, (int)batch.Labels.shape[0]);             // rows are view-major
        return [.. Enumerable.Range(0, rows).Select(row => (long)batch.Positions[row % images] * (rows / images) + row / images)];
    }

    /// <summary>The part of a rank that a batch, the last of an epoch, has no rows for: it takes part in what ranks do together.</summary>
    private StepLoss Absent(Batch batch, double step)
    {
        var like = model.NamedParameters().First().Parameter;
        var (none, logits) = (batch.Labels.to(device), like.new_zeros(0, model.Classes));
        if (accumulates)
            objective.RowsOfAll(0);
        var loss = accumulates ? objective.MeanOf([], "")
            : objective.Compute(like.new_zeros(0, model.ProjectionWidth ?? model.Backbone.Info.EmbeddingWidth), logits, none, step,
                batch.ImageIds.to(device), mixer is null && !objective.Options.CrossEntropy.IsMultiLabel ? null
                    : zeros([0, model.Classes], device: device));
        Classified?.Invoke(none, none);
        loss.EmbeddingGradient?.MoveToOuterDisposeScope();
        return loss;
    }

    /// <summary>Some rows at once, by a loss of all or of their own.</summary>
    private StepLoss AtOnce(Pass[] passes, Rows rows, int at, int count,
        Func<Tensor, Tensor, Tensor, double, Tensor, Tensor?, StepLoss> lossOf, double share)
    {
        var outputs = passes.Select(pass => Forward(pass, rows, at, count)).ToList();
        var embeddings = outputs.Select(o => o.Embeddings).First(e => e is not null)!;         // [count, D]
        var logits = outputs.Select(o => o.Logits).First(l => l is not null)!;                 // [count, C]
        rows.Predicted.narrow(0, at, count).copy_(logits.detach().argmax(1));
        var loss = lossOf(embeddings.detach(), logits.detach(), rows.Labels.narrow(0, at, count), rows.At, rows.Ids.narrow(0, at, count),
            rows.Mixture?.narrow(0, at, count));
        Backward(embeddings, logits, loss.EmbeddingGradient, loss.LogitGradient, rows.Scale * share);
        return loss;
    }

    /// <summary>Micro-batches with a loss each, whose gradients count by their share of all rows.</summary>
    private StepLoss OneByOne(Pass[] passes, Rows rows, int size)
    {
        var losses = new List<StepLoss>();
        var all = objective.RowsOfAll(rows.Samples.Length);
        var wrong = "";
        foreach (var (at, count) in Parts(rows, size))
        {
            using var micro = NewDisposeScope();
            var (loss, problem) = NonFiniteGuard.Try(() => AtOnce(passes, rows, at, count, objective.ComputeAlone, count / all));
            if (loss is null)
            {
                wrong = problem!;
                break;
            }
            if (double.IsNaN(loss.Contrastive) && loss.Statistics.ShareWithoutPositives == 1)
                throw new SchaneException($"Step {rows.Step + 1}: no image of micro-batch {losses.Count + 1} has another of its class in " +
                    "it, and accumulation shows the contrastive term one micro-batch at a time. Leave out --accumulate, so that it sees " +
                    "the whole batch, or raise --micro-batch.");
            losses.Add(loss);
        }
        return objective.MeanOf(losses, wrong);
    }

    private StepLoss InMicroBatches(Pass[] passes, Rows rows, int size)
    {
        var parts = Parts(rows, size);
        var statistics = model.buffers().Select(buffer => (buffer, copy: buffer.clone())).ToList();
        Tensor? embeddings = null, logits = null;                                             // [N, D], [N, C]
        using (no_grad())
        {
            foreach (var (at, count) in parts)
                foreach (var pass in passes)
                {
                    using var micro = NewDisposeScope();
                    var (e, l) = Forward(pass, rows, at, count);
                    Keep(ref embeddings, e, at, rows.Samples.Length);
                    Keep(ref logits, l, at, rows.Samples.Length);
                }
            foreach (var (buffer, copy) in statistics)
                buffer.copy_(copy);
        }
        // what passes without a graph left lies where passes with one need other blocks
        Tensors.NativeMemory.ReturnFreedPages();
        rows.Predicted.copy_(logits!.argmax(1));
        var loss = objective.Compute(embeddings!, logits!, rows.Labels, rows.At, rows.Ids, rows.Mixture);
        foreach (var (at, count) in parts)
            foreach (var pass in passes)
            {
                using var micro = NewDisposeScope();
                var (e, l) = Forward(pass, rows, at, count);
                Backward(e, l, loss.EmbeddingGradient?.narrow(0, at, count), loss.LogitGradient?.narrow(0, at, count), rows.Scale);
            }
        return loss;
    }

    private static List<(int At, int Count)> Parts(Rows rows, int size) =>
        [.. Enumerable.Range(0, (rows.Samples.Length + size - 1) / size)
            .Select(i => (i * size, Math.Min(size, rows.Samples.Length - i * size)))];

    /// <summary>Copies a part's rows into those of all. Small results left to lie between the large blocks of many passes would keep the
    /// allocator from using these again.</summary>
    private static void Keep(ref Tensor? all, Tensor? part, int at, int rows)
    {
        if (part is null)
            return;
        all ??= part.new_empty([rows, part.shape[1]]).MoveToOuterDisposeScope();
        using var slice = all.narrow(0, at, part.shape[0]);
        slice.copy_(part);
    }

    private (Tensor? Embeddings, Tensor? Logits) Forward(Pass pass, Rows rows, int at, int count)
    {
        var (embeddings, logits) = model.Forward(pass.Images(at, count), new(seed, rows.Step, rows.Samples[at..(at + count)]));
        return (pass.Embeds ? embeddings : null, pass.Classifies ? logits : null);
    }

    private static void Backward(Tensor? embeddings, Tensor? logits, Tensor? embeddingGradient, Tensor? logitGradient, double scale)
    {
        List<Tensor> outputs = [], gradients = [];
        foreach (var (output, gradient) in ((Tensor?, Tensor?)[])[(embeddings, embeddingGradient), (logits, logitGradient)])
            if (output is not null && gradient is not null)
            {
                outputs.Add(output);
                gradients.Add(scale == 1 ? gradient : gradient * scale);
            }
        if (outputs.Count > 0)
            autograd.backward(outputs, gradients);
    }
}
