using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>A contrastive loss that takes mixtures of classes (Mixup, CutMix) in place of labels. Without it a loss sees the unmixed
/// images.</summary>
public interface ISoftPairs
{
    /// <summary>The loss under mixed labels: p(i,j) = ⟨y(i), y(j)⟩ weighs j as a positive of i and 1 − p(i,j) as a negative
    /// (docs/method.md).</summary>
    /// <param name="embeddings">[N, D], float32 or float64, any scale.</param>
    /// <param name="mixture">[N, C], class shares of each row, sum 1, before label smoothing; same device.</param>
    /// <returns>Scalar that carries the gradient of <paramref name="embeddings"/>; NaN when every p(i,j) is 0.</returns>
    /// <exception cref="ArgumentException">A shape, type, device or value differs from the above.</exception>
    Tensor ComputeSoft(Tensor embeddings, Tensor mixture);
}
