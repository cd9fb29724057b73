using static TorchSharp.torch;

namespace Schane.Tensors;

/// <summary>Copies tensors of any device, layout and number type into managed arrays, row by row. Waits for the device.</summary>
internal static class Copy
{
    public static float[] Floats(Tensor tensor) => As<float>(tensor, ScalarType.Float32);

    public static double[] Doubles(Tensor tensor) => As<double>(tensor, ScalarType.Float64);

    public static long[] Longs(Tensor tensor) => As<long>(tensor, ScalarType.Int64);

    private static T[] As<T>(Tensor tensor, ScalarType dtype) where T : unmanaged
    {
        using var scope = NewDisposeScope();
        var values = new T[tensor.numel()];
        if (values.Length > 0)
            tensor.detach().to_type(dtype).cpu().contiguous().data<T>().CopyTo(values, 0);
        return values;
    }
}
