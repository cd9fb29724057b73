using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>Memory order of images. TorchSharp has no memory-format argument; strides say the same to libtorch's kernels.</summary>
internal static class ChannelsLast
{
    /// <summary>The same [n, C, H, W] values with the channels next to each other in memory, which CPU convolutions and
    /// pooling run faster on.</summary>
    public static Tensor Of(Tensor images)
    {
        using var scope = NewDisposeScope();
        return images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }
}
