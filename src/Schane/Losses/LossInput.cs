using Schane.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>What every objective asks of its arguments, checked once at the boundary.</summary>
internal static class LossInput
{
    public static void Embeddings(Tensor embeddings, string name = "embeddings")
    {
        Floating(embeddings, name);
        Require.Shape(embeddings, [-1, -1], name);
        var (rows, width) = (embeddings.shape[0], embeddings.shape[1]);
        if (rows == 0 || width == 0)
            throw new ArgumentException($"{name} must have at least one row and one column but has shape [{rows}, {width}].", name);
        if (rows * width > int.MaxValue)
            throw new ArgumentException($"{name} must have fewer than 2^31 elements but has {rows} × {width}. Use a smaller batch.", name);
        Finite(embeddings, name);
    }

    public static void Labels(Tensor labels, Tensor embeddings, string name = "labels")
    {
        if (labels.dtype != ScalarType.Int64)
            throw new ArgumentException($"{name} must be int64 but is {labels.dtype}.", name);
        Require.Shape(labels, [embeddings.shape[0]], name);
        SameDevice(labels, embeddings, name);
    }

    public static void Mixture(Tensor mixture, Tensor embeddings, string name = "mixture", bool sets = false)
    {
        Floating(mixture, name);
        Require.Shape(mixture, [embeddings.shape[0], -1], name);
        SameDevice(mixture, embeddings, name);
        using var scope = NewDisposeScope();
        if (sets)
        {
            if (!((mixture >= 0).all() & (mixture <= 1).all()).item<bool>())
                throw new ArgumentException($"{name} must hold values from 0 to 1.", name);
        }
        else if (!((mixture >= 0).all() & ((mixture.sum(1) - 1).abs() <= 1e-3).all()).item<bool>())
            throw new ArgumentException($"{name} must hold class shares: no entry below 0, each row with sum 1.", name);
    }

    public static void Floating(Tensor tensor, string name)
    {
        if (tensor.dtype is not (ScalarType.Float32 or ScalarType.Float64))
            throw new ArgumentException($"{name} must be float32 or float64 but is {tensor.dtype}.", name);
    }

    public static void SameDevice(Tensor tensor, Tensor other, string name)
    {
        if (tensor.device_type != other.device_type || (tensor.device_type != DeviceType.CPU && tensor.device_index != other.device_index))
            throw new ArgumentException($"{name} must be on {other.device} but is on {tensor.device}.", name);
    }

    /// <summary>Waits for the device.</summary>
    public static void Finite(Tensor tensor, string name)
    {
        using var scope = NewDisposeScope();
        using var free = no_grad();
        var finite = tensor.isfinite().all(1);
        if (!finite.all().item<bool>())
            throw new ArgumentException($"{name} must be finite but row " +
                $"{finite.logical_not().to_type(ScalarType.Byte).argmax().item<long>()} holds NaN or infinity.", name);
    }
}
