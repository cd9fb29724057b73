using Schane.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Verification;

/// <summary>How far from float64 a correct computation in a number type may be, as a share of the largest value: rounding explains less, a
/// wrong kernel far more.</summary>
internal static class Tolerance
{
    /// <summary>Of one operation, forward or backward.</summary>
    /// <param name="type">Number type of the factors.</param>
    /// <param name="device">On GPUs the convolutions of float32 round their factors to 11 bits (TF32).</param>
    public static double Of(ScalarType type, DeviceType device = DeviceType.CPU) => type switch
    {
        ScalarType.Float32 => device == DeviceType.CPU ? 1e-4 : 5e-3,
        ScalarType.Float16 => 1e-2,
        ScalarType.BFloat16 => 3e-2,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Only float32, fp16 and bf16 have a tolerance."),
    };

    /// <summary>Of one layer of a model in its precision.</summary>
    public static double Of(Precision precision, DeviceType device) => Of(
        precision switch { Precision.Bf16 => ScalarType.BFloat16, Precision.Fp16 => ScalarType.Float16, _ => ScalarType.Float32 }, device);

    /// <summary>Magnitude below which numbers of a type lose digits, so that a difference of it says nothing.</summary>
    public static double Smallest(Precision precision) => precision == Precision.Fp16 ? 6.1e-5 : 1.2e-38;

    /// <summary>Magnitude above which numbers, or their squares, are too large for a type.</summary>
    public static double Overflow(Precision precision) => precision == Precision.Fp16 ? 65504 : 1e18;

    /// <summary>The precision that has a number type.</summary>
    public static Precision PrecisionOf(ScalarType type) =>
        type switch { ScalarType.BFloat16 => Precision.Bf16, ScalarType.Float16 => Precision.Fp16, _ => Precision.Float32 };
}
