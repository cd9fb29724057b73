using Schane.Data;
using Schane.Data.Feeding;
using Schane.Distributed;
using Schane.Models;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Evaluation;

/// <summary>A data set as a model sees it, in the order of the data set. Owns its tensors, which lie on the CPU.</summary>
/// <param name="Embeddings">[n, D], float32, not normalised; the mean over the views where there are several.</param>
/// <param name="Logits">[n, C], float32; the mean over the views.</param>
/// <param name="Labels">[n], int64.</param>
/// <param name="Indices">n places in the data set; fewer than it has images where bad ones were skipped.</param>
internal sealed record ModelOutputs(Tensor Embeddings, Tensor Logits, Tensor Labels, IReadOnlyList<int> Indices) : IDisposable
{
    /// <summary>Runs a model over a data set without keeping gradients. The model should be in evaluation mode.</summary>
    /// <param name="model">The model, on <paramref name="device"/>.</param>
    /// <param name="data">The images.</param>
    /// <param name="transform">Usually a preset's evaluation form; with an augmenting one and several views, embeddings are
    /// averaged after normalisation.</param>
    /// <param name="device">Where the model is.</param>
    /// <param name="options">Views, seed, what to do with bad images; null for one view.</param>
    /// <param name="batch">Images in one pass, 128 by default.</param>
    /// <param name="ranks">The processes that share the images out and all get the whole; null for this one alone.</param>
    /// <param name="cancel">Stops between batches; with several ranks all stop where one does.</param>
    public static ModelOutputs Of(
        ImageClassifier model, IImageDataset data, IImageTransform transform, Device device, LoaderOptions? options = null,
        int batch = 128, ICollective? ranks = null, CancellationToken cancel = default)
    {
        ranks ??= new SingleProcess();
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        // a rank may have no image
        List<Tensor> embeddings = [empty(0, model.Backbone.Info.EmbeddingWidth)], logits = [empty(0, model.Classes)],
            labels = [empty(0, dtype: ScalarType.Int64)];
        var indices = new List<long>();
        var (views, type) = (options?.Views ?? 1, model.NamedParameters().First().Parameter.dtype);
        try
        {
            // Whole batches, so that each image passes in the company, and to the bits, that one process gives it.
            foreach (var part in BatchLoader.Pass(data, transform, batch, options,
                RankShare.Of(data.Count, ranks.Rank, ranks.Size, batch), cancel))
                Take(part);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Told to the others below.
        }
        if (ranks.Any(cancel.IsCancellationRequested))
            throw new OperationCanceledException(cancel);
        Tensor All(List<Tensor> parts) => ranks.Gather(cat(parts)).Rows.DetachFromDisposeScope();
        return new ModelOutputs(All(embeddings), All(logits), All(labels),
            [.. Copy.Longs(ranks.Gather(tensor([.. indices], ScalarType.Int64)).Rows).Select(i => (int)i)]);

        void Take(Batch part)
        {
            using var pass = NewDisposeScope();
            var (e, l) = model.Forward(part.Images.to(type, device));
            if (views > 1)
            {
                // Rows are view-major: [V·n, ·] → mean over V.
                e = nn.functional.normalize(e, dim: 1).view(views, -1, e.shape[1]).mean([0]);
                l = l.view(views, -1, l.shape[1]).mean([0]);
            }
            embeddings.Add(e.to(ScalarType.Float32).cpu().MoveToOuterDisposeScope());
            logits.Add(l.to(ScalarType.Float32).cpu().MoveToOuterDisposeScope());
            indices.AddRange(part.Indices.Select(i => (long)i));
            labels.Add(part.Labels.narrow(0, 0, part.Indices.Length).clone().MoveToOuterDisposeScope());
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Embeddings.Dispose();
        Logits.Dispose();
        Labels.Dispose();
    }
}
