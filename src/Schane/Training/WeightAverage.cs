using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>
/// Exponential moving average of the weights and of running statistics, beside the raw ones:
/// <c>average ← d·average + (1 − d)·weights</c> with <c>d = min(decay, (1 + t) / (10 + t))</c>, so that the first steps don't linger.
/// </summary>
internal sealed class WeightAverage : IDisposable
{
    private readonly double decay;
    private readonly List<(string Name, Tensor Live, Tensor Average)> tensors;

    /// <param name="decay">Below 1; 0.999 looks back over about a thousand steps.</param>
    /// <param name="parameters">The trained weights.</param>
    /// <param name="buffers">Running statistics by name; those that are no floating-point numbers are left alone.</param>
    public WeightAverage(double decay, FlatParameters parameters, IEnumerable<(string Name, Tensor Buffer)> buffers)
    {
        this.decay = decay;
        using var _ = no_grad();
        tensors = [.. buffers.Where(b => b.Buffer.is_floating_point()).Prepend(("values", parameters.Values))
            .Select(t => (t.Item1, t.Item2, t.Item2.clone().DetachFromDisposeScope()))];
    }

    /// <summary>The averages by name, for checkpoints.</summary>
    public IEnumerable<(string Name, Tensor Value)> State => tensors.Select(t => (t.Name, t.Average));

    /// <summary>Takes the weights after a step into the average.</summary>
    /// <param name="updates">Updates of the weights before this one.</param>
    public void Update(long updates)
    {
        using var _ = no_grad();
        var share = 1 - Math.Min(decay, (1.0 + updates) / (10.0 + updates));
        foreach (var (_, live, average) in tensors)
            average.lerp_(live, share);
    }

    /// <summary>Puts the averages into the model until disposed.</summary>
    public IDisposable InPlace()
    {
        Exchange();
        return new Back(this);
    }

    /// <summary>Swaps the averages and the weights.</summary>
    public void Exchange()
    {
        using var _ = no_grad();
        foreach (var (_, live, average) in tensors)
        {
            using var kept = live.clone();
            live.copy_(average);
            average.copy_(kept);
        }
    }

    public void Dispose()
    {
        foreach (var (_, _, average) in tensors)
            average.Dispose();
    }

    private sealed class Back(WeightAverage owner) : IDisposable
    {
        public void Dispose() => owner.Exchange();
    }
}
