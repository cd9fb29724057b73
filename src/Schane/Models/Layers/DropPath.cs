using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>What the drop paths of one backbone share: the samples of the pass, and how many layers draw.</summary>
internal sealed class DropPaths
{
    /// <summary>Samples of the training pass that runs; null where none does.</summary>
    public SampleDraws? Draws { get; set; }

    private int layers;

    /// <summary>A drop path for the next layer.</summary>
    /// <param name="rate">Share of samples whose branch is dropped, 0 to below 1.</param>
    public DropPath Layer(double rate) => new(this, rate, layers++);

    /// <summary>Rates that rise linearly from 0 in the first block to <paramref name="last"/> in the last (Huang et al. 2016,
    /// arXiv:1603.09382, as timm).</summary>
    public static double[] Rising(double last, int blocks) =>
        [.. Enumerable.Range(0, blocks).Select(i => blocks == 1 ? 0 : last * i / (blocks - 1))];
}

/// <summary>Stochastic depth: in training drops a residual branch for some samples and scales it up by 1 / (1 −
/// rate) for the others.</summary>
internal sealed class DropPath(DropPaths owner, double rate, int layer)
{
    /// <param name="branch">[n, ...], the branch before it is added.</param>
    /// <param name="training">Whether to drop.</param>
    /// <exception cref="InvalidOperationException">Training outside of <see cref="Backbone.Drawing"/>, or with as many as
    /// another batch has.</exception>
    public Tensor Apply(Tensor branch, bool training)
    {
        if (!training || rate == 0)
            return branch;
        var draws = owner.Draws ?? throw new InvalidOperationException(
            "A backbone with drop path trains only by a pass that names its samples.");
        if (draws.Samples.Count != branch.shape[0])
            throw new InvalidOperationException($"The pass names {draws.Samples.Count} samples but the batch has {branch.shape[0]}.");

        var scales = new float[draws.Samples.Count];
        for (var i = 0; i < scales.Length; i++)
            scales[i] = new SampleRandom(draws.Seed, draws.Step, draws.Samples[i], layer).NextDouble() < rate ? 0 : (float)(1 / (1 - rate));
        var shape = new long[branch.dim()];
        Array.Fill(shape, 1);
        shape[0] = scales.Length;
        // A half type would round 1 / (1 − rate): the product is float32 then.
        using var scale = tensor(scales, shape,
            dtype: branch.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32, device: branch.device);
        return branch * scale;
    }
}
