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
internal sealed class TrainingStep(ImageClassifier model, JointObjective objective, int? microBatch, Device device, long seed)
{
    /// <summary>Adds the batch's gradient to the parameters' gradients.</summary>
    public StepLoss Run(Batch batch, long step)
    {
        var rows = (int)batch.Labels.shape[0];
        using var labels = batch.Labels.to(device);
        using var ids = batch.ImageIds.to(device);
        var samples = SamplesOf(batch);
        return microBatch is { } size && size < rows ? InMicroBatches(batch.Images, labels, ids, samples, size, step) : AtOnce(batch.Images, labels, ids, samples, step);
    }

    /// <summary>An index of each row among all rows of the step that neither ranks nor micro-batches change.</summary>
    private static long[] SamplesOf(Batch batch)
    {
        var (images, rows) = (batch.Positions.Length, (int)batch.Labels.shape[0]);             // rows are view-major
        return [.. Enumerable.Range(0, rows).Select(row => (long)batch.Positions[row % images] * (rows / images) + row / images)];
    }

    private StepLoss AtOnce(Tensor images, Tensor labels, Tensor ids, long[] samples, long step)
    {
        using var scope = NewDisposeScope();
        var (embeddings, logits) = Forward(images, samples, step);                            // [N, D], [N, C]
        var loss = objective.Compute(embeddings.detach(), logits.detach(), labels, step, ids);
        Backward(embeddings, logits, loss.EmbeddingGradient, loss.LogitGradient);
        return Outlive(loss);
    }

    private (Tensor Embeddings, Tensor Logits) Forward(Tensor images, long[] samples, long step)
    {
        model.Backbone.Draws = new SampleDraws(seed, step, samples);
        return model.Forward(images.to(device));
    }

    private StepLoss InMicroBatches(Tensor images, Tensor labels, Tensor ids, long[] samples, int size, long step)
    {
        using var scope = NewDisposeScope();
        var rows = samples.Length;
        var statistics = model.buffers().Select(buffer => (buffer, copy: buffer.clone())).ToList();
        List<Tensor> embeddings = [], logits = [];
        using (no_grad())
        {
            for (var at = 0; at < rows; at += size)
            {
                using var micro = NewDisposeScope();
                var count = Math.Min(size, rows - at);
                var (e, l) = Forward(images.narrow(0, at, count), samples[at..(at + count)], step);
                embeddings.Add(e.MoveToOuterDisposeScope());
                logits.Add(l.MoveToOuterDisposeScope());
            }
            foreach (var (buffer, copy) in statistics)
                buffer.copy_(copy);
        }
        var loss = objective.Compute(cat(embeddings), cat(logits), labels, step, ids);
        for (var at = 0; at < rows; at += size)
        {
            using var micro = NewDisposeScope();
            var count = Math.Min(size, rows - at);
            var (e, l) = Forward(images.narrow(0, at, count), samples[at..(at + count)], step);
            Backward(e, l, loss.EmbeddingGradient?.narrow(0, at, count), loss.LogitGradient?.narrow(0, at, count));
        }
        return Outlive(loss);
    }

    private static void Backward(Tensor embeddings, Tensor logits, Tensor? embeddingGradient, Tensor? logitGradient)
    {
        List<Tensor> outputs = [], gradients = [];
        if (embeddingGradient is not null)
        {
            outputs.Add(embeddings);
            gradients.Add(embeddingGradient);
        }
        if (logitGradient is not null)
        {
            outputs.Add(logits);
            gradients.Add(logitGradient);
        }
        autograd.backward(outputs, gradients);
    }

    private static StepLoss Outlive(StepLoss loss)
    {
        loss.EmbeddingGradient?.MoveToOuterDisposeScope();
        loss.LogitGradient?.MoveToOuterDisposeScope();
        return loss;
    }
}
