using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>
/// Convolutions as matrix products of the patches under the kernel, laid out one after another. Several times as slow as oneDNN's and as
/// much memory as the kernel has pixels: for where those are wrong (<see cref="Tensors.OneDnn.FailsConvolutions"/>).
/// </summary>
internal static class Unfolded
{
    /// <param name="x">[n, inputs, H, W].</param>
    /// <param name="weight">[outputs, inputs / groups, kernel, kernel].</param>
    /// <param name="bias">[outputs], or null.</param>
    /// <param name="stride">Step.</param>
    /// <param name="padding">Zeros on each side.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <returns>[n, outputs, H', W'], channels-last.</returns>
    public static Tensor Convolve(Tensor x, Tensor weight, Tensor? bias, long stride, long padding, long groups)
    {
        var (n, outputs, kernel) = (x.shape[0], weight.shape[0], weight.shape[2]);
        long Side(long side) => (side + 2 * padding - kernel) / stride + 1;
        var (height, width) = (Side(x.shape[2]), Side(x.shape[3]));
        var patches = nn.functional.unfold(x, kernel, padding: padding, stride: stride); // [n, inputs · kernel², pixels]
        patches = patches.view(n, groups, -1, height * width).transpose(2, 3);
        var filters = weight.view(groups, outputs / groups, -1).transpose(1, 2); // [groups, inputs · kernel², outputs]
        var output = patches.matmul(filters).transpose(1, 2).reshape(n, height, width, outputs);
        return (bias is null ? output : output + bias).permute(0, 3, 1, 2);
    }
}
