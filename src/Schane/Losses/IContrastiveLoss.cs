using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>A loss on pairs of embeddings, as a differentiable op graph: any device, float32 or float64.</summary>
public interface IContrastiveLoss
{
    /// <summary>The mean loss over the anchors, in nats (a distance for triplets).</summary>
    /// <param name="embeddings">[N, D], floating point, any scale: rows are normalised inside, x / max(‖x‖, 1e-12).</param>
    /// <param name="labels">[N], int64, same device. Rows with one label are positives of each other.</param>
    /// <returns>Scalar that carries the gradient of <paramref name="embeddings"/>; NaN when no anchor has a positive.</returns>
    /// <exception cref="ArgumentException">A shape, type, device or value differs from the above.</exception>
    Tensor Compute(Tensor embeddings, Tensor labels);
}
