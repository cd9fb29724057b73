using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>Draws initial weights from its own generator: a function of the seed and of the order of the draws, whatever
/// else the process draws.</summary>
internal sealed class WeightInit(long seed) : IDisposable
{
    private readonly Generator generator = new((ulong)seed, CPU);

    /// <summary>Normal with deviation <paramref name="std"/>. timm and torch cut theirs at ±2, a hundred deviations,
    /// which never happens.</summary>
    /// <remarks>Not <c>nn.init.trunc_normal_</c>: at these deviations TorchSharp's gives ±2 and NaN.</remarks>
    public void Normal(Tensor weight, double std = 0.02) => Draw(weight, w => w.normal_(0, std, generator));

    /// <summary>He et al. 2015 for a ReLU network: deviation √(2 / fan-out) of a convolution [out, in / groups, kh, kw].</summary>
    public void KaimingFanOut(Tensor weight, long groups = 1)
    {
        var shape = weight.shape;
        Draw(weight, w => w.normal_(0, Math.Sqrt(2.0 / (shape[0] / groups * shape[2] * shape[3])), generator));
    }

    /// <summary>torch's default for linear layers and convolutions: uniform in ±1/√fan-in.</summary>
    public void Uniform(Tensor weight, long fanIn)
    {
        var bound = 1 / Math.Sqrt(fanIn);
        Draw(weight, w => w.uniform_(-bound, bound, generator));
    }

    /// <summary>Every element the same.</summary>
    public static void Constant(Tensor? weight, double value)
    {
        using var _ = no_grad();
        weight?.fill_(value);
    }

    public void Dispose() => generator.Dispose();

    private static void Draw(Tensor weight, Action<Tensor> draw)
    {
        using var _ = no_grad();
        draw(weight);
    }
}
