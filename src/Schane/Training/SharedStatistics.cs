using Schane.Distributed;
using Schane.Models;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>
/// The running statistics of batch normalisation, as slices of one buffer. Each rank normalises by its own rows; what it keeps of them for
/// evaluation is the mean over the ranks, so that all ranks, and the averages of weights, hold the same model.
/// </summary>
internal sealed class SharedStatistics : IDisposable
{
    private readonly Tensor values;

    /// <param name="model">Its running statistics live in this object's buffer from now on.</param>
    public SharedStatistics(ImageClassifier model)
    {
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

    /// <summary>Whether a buffer of a model is a running statistic.</summary>
    public static bool IsOne(string name) => name.EndsWith("running_mean", StringComparison.Ordinal) || name.EndsWith("running_var", StringComparison.Ordinal);

    /// <summary>Takes the mean over the ranks, after a step.</summary>
    public void Agree(ICollective ranks)
    {
        if (values.numel() == 0)
            return;
        ranks.Sum(values);
        values.div_(ranks.Size);
    }

    public void Dispose() => values.Dispose();
}
