using TorchSharp;

namespace Schane.Tensors;

/// <summary>
/// Numbers for operations that copy a tensor before they read the number, such as <c>masked_fill</c>. TorchSharp makes a finalizable
/// <see cref="Scalar"/> of each number and holds it no longer than the call takes to begin, so that a collection meanwhile frees it under
/// libtorch: the operation fails or takes another number. These are never collected.
/// </summary>
internal static class KeptScalar
{
    public static readonly Scalar Zero = 0, One = 1, NegativeInfinity = double.NegativeInfinity, PositiveInfinity = double.PositiveInfinity;

    /// <summary>left + right. The operator makes a number 1 on the fly, which libtorch reads after it has found memory for the sum: long
    /// enough, for the large sums of a model, to meet a collection.</summary>
    public static torch.Tensor Plus(this torch.Tensor left, torch.Tensor right) => left.add(right, One);
}
