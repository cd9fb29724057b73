using static TorchSharp.torch;

namespace Schane.Distributed;

/// <summary>What every collective asks of its tensors, however many ranks there are.</summary>
internal static class CollectiveInput
{
    /// <summary>Refuses what can't be written in place.</summary>
    public static void Contiguous(Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (!values.is_contiguous())
            throw new ArgumentException("values must be contiguous.", nameof(values));
    }

    /// <summary>Refuses what can't be added up.</summary>
    public static void Summable(Tensor values)
    {
        Contiguous(values);
        if (values.dtype is not (ScalarType.Float32 or ScalarType.Float64 or ScalarType.Int64 or ScalarType.Float16 or ScalarType.BFloat16))
            throw new ArgumentException("values must be float32, float64, int64, float16 or bfloat16 to be summed over ranks but are " +
                $"{values.dtype}.", nameof(values));
    }
}
