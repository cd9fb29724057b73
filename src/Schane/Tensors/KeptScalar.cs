using TorchSharp;

namespace Schane.Tensors;

/// <summary>
/// Numbers for operations that copy a tensor before they read the number, such as <c>masked_fill</c>. TorchSharp makes a finalizable
/// <see cref="Scalar"/> of each number and holds it no longer than the call takes to begin, so that a collection meanwhile frees it under
/// libtorch: the operation fails or takes another number. These are never collected.
/// </summary>
internal static class KeptScalar
{
    public static readonly Scalar Zero = 0, NegativeInfinity = double.NegativeInfinity, PositiveInfinity = double.PositiveInfinity;
}
