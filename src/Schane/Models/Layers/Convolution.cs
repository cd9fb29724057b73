using Schane.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>Square 2-d convolution: [n, inputs, H, W] → [n, outputs, H', W'].</summary>
internal sealed class Convolution : Layer
{
    // RegisterComponents makes field names checkpoint keys: renaming one breaks saved files.
    private readonly Parameter weight;
    private readonly Parameter? bias;
    private readonly long[] strides, paddings;
    private readonly long groups;
    private readonly double? std;

    /// <param name="inputs">Input channels.</param>
    /// <param name="outputs">Output channels.</param>
    /// <param name="kernel">Side of the kernel.</param>
    /// <param name="stride">Step.</param>
    /// <param name="padding">Zeros on each side.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <param name="hasBias">Whether there is a bias, initially 0.</param>
    /// <param name="std">Deviation of the initial weights; null for He's, by fan-out.</param>
    public Convolution(long inputs, long outputs, long kernel, long stride = 1, long padding = 0, long groups = 1, bool hasBias = false,
        double? std = null) : base("Convolution")
    {
        weight = Weight(outputs, inputs / groups, kernel, kernel);
        bias = hasBias ? Weight(outputs) : null;
        (strides, paddings, this.groups, this.std) = ([stride, stride], [padding, padding], groups, std);
        RegisterComponents();
    }

    public override void Initialise(WeightInit init)
    {
        if (std is { } deviation)
            init.Normal(weight, deviation);
        else
            init.KaimingFanOut(weight, groups);
        WeightInit.Constant(bias, 0);
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var output = Product(input, weight, bias, Convolve).MoveToOuterDisposeScope();
        FlopCount.Add(output.numel() * weight.shape[1] * weight.shape[2] * weight.shape[3]);
        return output;
    }

    private Tensor Convolve(Tensor x, Tensor w, Tensor? b)
    {
        if (x.device_type == DeviceType.CPU && w.shape[2] == 1 && groups == 1 && paddings[0] == 0)
            return Pointwise.Convolve(x, w, b, strides[0]);
        // oneDNN's bf16 gradient of the weights is wrong for images narrower than the step, and sums of patches want float32: the product
        // is taken in float32 of the rounded factors.
        if (x.device_type == DeviceType.CPU && x.dtype == ScalarType.BFloat16 && (x.shape[3] < strides[0] || OneDnn.FailsConvolutions))
            return Convolve(Wide(x), Wide(w), b is null ? null : Wide(b)).to_type(x.dtype);
        if (x.device_type == DeviceType.CPU && OneDnn.FailsConvolutions)
            return Unfolded.Convolve(x, w, b, strides[0], paddings[0], groups);
        if (w.shape[1] > 1 || groups > 1 || x.device_type != DeviceType.CPU)
            return nn.functional.conv2d(x, w, b, strides, paddings, groups: groups);

        // With one channel the strides can't say channels-last, and libtorch would take the order whose pooling is 20 times slower on
        // a CPU. A second channel of zeros says it: the step of a small net takes 19 ms here instead of 53.
        var (n, height, width) = (x.shape[0], x.shape[2], x.shape[3]);
        var both = nn.functional.pad(x.reshape(n, height, width, 1), [0, 1]).permute(0, 3, 1, 2);
        return nn.functional.conv2d(both, nn.functional.pad(w, [0, 0, 0, 0, 0, 1]), b, strides, paddings);
    }
}
