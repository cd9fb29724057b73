using Schane.Distributed;
using Schane.Models;
using Schane.Models.Layers;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>
/// Batch normalisation over ranks, its running statistics as slices of one buffer. Where the recipe asks for it, training passes normalise
/// by the rows of all ranks. Otherwise each rank normalises by its own, and what is kept of them for evaluation is the mean over the ranks,
/// so that all ranks, and the averages of weights, hold the same model.
/// </summary>
internal sealed class SharedStatistics : IDisposable
{
    private readonly ImageClassifier model;
    private readonly ICollective ranks;
    private readonly RankSums? sums;
    private readonly Tensor values;

    /// <param name="model">Its running statistics live in this object's buffer from now on.</param>
    /// <param name="ranks">The processes that train together.</param>
    /// <param name="synchronised">Whether training passes normalise by the rows of all.</param>
    public SharedStatistics(ImageClassifier model, ICollective ranks, bool synchronised)
    {
        (this.model, this.ranks, sums) = (model, ranks, synchronised ? new RankSums(ranks.Sum) : null);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var buffers = model.Buffers().Where(b => IsOne(b.Name)).Select(b => b.Buffer).ToList();
        values = buffers.Count == 0 ? empty(0) : cat([.. buffers.Select(b => b.view(-1))]);
        var offset = 0L;
        foreach (var buffer in buffers)
        {
            var count = buffer.numel();
            buffer.set_(values.narrow(0, offset, count).view(buffer.shape));
            offset += count;
        }
        values.DetachFromDisposeScope();
    }

    /// <summary>Refuses to synchronise a model without batch normalisation, or with norms that can't be told.</summary>
    internal static void Check(ImageClassifier model, bool synchronised)
    {
        if (synchronised && !model.Backbone.HasBatchStatistics)
            throw new SchaneException($"sync-batchnorm lets batch norm see the rows of all ranks, but {model.Backbone.Info.Name} has no " +
                "batch norm; leave it out.");
        if (synchronised && !model.Backbone.SharesBatchStatistics)
            throw new SchaneException("sync-batchnorm lets the library's batch norm see the rows of all ranks, but " +
                $"{model.Backbone.Info.Name} brings its own; leave it out.");
    }

    /// <summary>Whether a buffer of a model is a running statistic.</summary>
    public static bool IsOne(string name) =>
        name.EndsWith("running_mean", StringComparison.Ordinal) || name.EndsWith("running_var", StringComparison.Ordinal);

    /// <summary>Runs the passes of a step, which every rank runs alike.</summary>
    public T During<T>(Func<T> passes)
    {
        model.Backbone.NormaliseOver(sums);
        try
        {
            var result = passes();
            sums?.Rethrow();
            return result;
        }
        finally
        {
            model.Backbone.NormaliseOver(null);
        }
    }

    /// <summary>Makes the running statistics the same on all ranks, after a step.</summary>
    public void Agree()
    {
        if (sums is not null || values.numel() == 0)                      // synchronised they are, to the last bit
            return;
        ranks.Sum(values);
        values.div_(ranks.Size);
    }

    public void Dispose() => values.Dispose();
}
