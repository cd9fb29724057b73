using System.Runtime.InteropServices;
using Schane.Data;
using Schane.Losses;
using Schane.Models;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>
/// Forward, objective and backward of one step: the loss is taken at the embeddings (docs/design.md §2). With one micro-batch the graph is
/// kept; with several, each is run once without a graph for the embeddings of the whole batch, and once more with it to be back-propagated
/// from the gradients that the objective gave (GradCache, Gao et al. 2021, arXiv:2101.06983). The gradient is that of the whole batch; models
/// with batch statistics normalise each micro-batch by itself, and their running statistics move in the second pass only.
/// </summary>
/// <param name="model">The model, on <paramref name="device"/>.</param>
/// <param name="objective">What is made small.</param>
/// <param name="microBatch">Rows that pass the model at once; null for all.</param>
/// <param name="device">Where to compute.</param>
/// <param name="seed">Seed of what drop path drops.</param>
/// <param name="mixer">Mixes the images first; null for none. What it draws does not depend on micro-batches.</param>
internal sealed class TrainingStep(ImageClassifier model, JointObjective objective, int? microBatch, Device device, long seed, BatchMixer? mixer = null)
{
    /// <summary>Factor on the gradient that is added, for loss scaling.</summary>
    public double Scale { get; set; } = 1;

    /// <summary>Adds the batch's gradient to the parameters' gradients.</summary>
    public StepLoss Run(Batch batch, long step)
    {
        using var scope = NewDisposeScope();
        var mixed = mixer?.Mix(batch);
        var rows = new Rows(batch.Labels.to(device), batch.ImageIds.to(device), mixed?.Mixture.to(device), SamplesOf(batch), step);
        var passes = Passes(batch.Images, mixed?.Images);
        var size = Math.Min(microBatch ?? int.MaxValue, rows.Samples.Length);
        StepLoss loss;
        try
        {
            loss = size < rows.Samples.Length ? InMicroBatches(passes, rows, size) : AtOnce(passes, rows);
        }
        catch (ExternalException e) when (e.Message.Contains("out of memory", StringComparison.Ordinal) || e.Message.Contains("can't allocate memory", StringComparison.Ordinal))
        {
            throw new SchaneException($"The memory of the device ({device}) does not hold a pass of {size} images; use --micro-batch {Math.Max(1, size / 2)}, which leaves the batch and its negatives as they are, or --checkpoint-activations.", e);
        }
        loss.EmbeddingGradient?.MoveToOuterDisposeScope();
        loss.LogitGradient?.MoveToOuterDisposeScope();
        return loss;
    }

    /// <summary>What is known of the N rows of a step beside their images.</summary>
    private sealed record Rows(Tensor Labels, Tensor Ids, Tensor? Mixture, long[] Samples, long Step);

    /// <summary>Images that go through the model and what is taken from it there.</summary>
    private readonly record struct Pass(Tensor Images, bool Embeds, bool Classifies);

    /// <summary>One pass gives both outputs, unless the contrastive term sees the unmixed images and cross-entropy the mixed.</summary>
    private Pass[] Passes(Tensor images, Tensor? mixed) =>
        mixed is not null && objective.Options is { Contrasts: true, Mixed: MixedPairs.Clean } ? [new(images, true, false), new(mixed, false, true)] : [new(mixed ?? images, true, true)];

    /// <summary>An index of each row among all rows of the step that neither ranks nor micro-batches change.</summary>
    private static long[] SamplesOf(Batch batch)
    {
        var (images, rows) = (batch.Positions.Length, (int)batch.Labels.shape[0]);             // rows are view-major
        return [.. Enumerable.Range(0, rows).Select(row => (long)batch.Positions[row % images] * (rows / images) + row / images)];
    }

    private StepLoss AtOnce(Pass[] passes, Rows rows)
    {
        var outputs = passes.Select(pass => Forward(pass, rows, 0, rows.Samples.Length)).ToList();
        var embeddings = outputs.Select(o => o.Embeddings).First(e => e is not null)!;         // [N, D]
        var logits = outputs.Select(o => o.Logits).First(l => l is not null)!;                 // [N, C]
        var loss = objective.Compute(embeddings.detach(), logits.detach(), rows.Labels, rows.Step, rows.Ids, rows.Mixture);
        Backward(embeddings, logits, loss.EmbeddingGradient, loss.LogitGradient);
        return loss;
    }

    private StepLoss InMicroBatches(Pass[] passes, Rows rows, int size)
    {
        var parts = Enumerable.Range(0, (rows.Samples.Length + size - 1) / size).Select(i => (At: i * size, Count: Math.Min(size, rows.Samples.Length - i * size))).ToList();
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
        var loss = objective.Compute(embeddings!, logits!, rows.Labels, rows.Step, rows.Ids, rows.Mixture);
        foreach (var (at, count) in parts)
            foreach (var pass in passes)
            {
                using var micro = NewDisposeScope();
                var (e, l) = Forward(pass, rows, at, count);
                Backward(e, l, loss.EmbeddingGradient?.narrow(0, at, count), loss.LogitGradient?.narrow(0, at, count));
            }
        return loss;
    }

    /// <summary>Copies a part's rows into those of all. Small results left to lie between the large blocks of many passes would keep the allocator from using these again.</summary>
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
        model.Backbone.Draws = new SampleDraws(seed, rows.Step, rows.Samples[at..(at + count)]);
        var (embeddings, logits) = model.Forward(pass.Images.narrow(0, at, count).to(device));
        return (pass.Embeds ? embeddings : null, pass.Classifies ? logits : null);
    }

    private void Backward(Tensor? embeddings, Tensor? logits, Tensor? embeddingGradient, Tensor? logitGradient)
    {
        List<Tensor> outputs = [], gradients = [];
        foreach (var (output, gradient) in ((Tensor?, Tensor?)[])[(embeddings, embeddingGradient), (logits, logitGradient)])
            if (output is not null && gradient is not null)
            {
                outputs.Add(output);
                gradients.Add(Scale == 1 ? gradient : gradient * Scale);
            }
        if (outputs.Count > 0)
            autograd.backward(outputs, gradients);
    }
}
