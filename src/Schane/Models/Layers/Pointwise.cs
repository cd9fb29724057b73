using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>1×1 convolutions on processors: a matrix product over the channels of every pixel.</summary>
/// <remarks>
/// oneDNN's own kernels for them are the fastest (docs/log.md has the figures) and are used where they are right. Where they are not
/// (<see cref="OneDnn.FailsConvolutions"/>), the product is taken as that of a linear layer.
/// </remarks>
internal static class Pointwise
{
    /// <summary>
    /// Fewer input channels than one of oneDNN's kernels takes at once: with a step, its gradient of the weights then writes past the end
    /// of its memory (https://github.com/uxlfoundation/oneDNN/issues/6035), in float32 with AVX2 and in bf16 with AVX-512.
    /// </summary>
    private const int Narrow = 16;

    /// <param name="x">[n, inputs, H, W].</param>
    /// <param name="weight">[outputs, inputs, 1, 1].</param>
    /// <param name="bias">[outputs], or null.</param>
    /// <param name="stride">Step.</param>
    /// <returns>[n, outputs, ⌈H / stride⌉, ⌈W / stride⌉].</returns>
    public static Tensor Convolve(Tensor x, Tensor weight, Tensor? bias, long stride)
    {
        if (stride > 1 && (OneDnn.FailsConvolutions || weight.shape[1] < Narrow))
            (x, stride) = (x.slice(2, 0, x.shape[2], stride).slice(3, 0, x.shape[3], stride), 1);
        return OneDnn.FailsConvolutions
            ? nn.functional.linear(x.permute(0, 2, 3, 1), weight.flatten(1), bias).permute(0, 3, 1, 2)
            : nn.functional.conv2d(x, weight, bias, [stride, stride]);
    }
}
