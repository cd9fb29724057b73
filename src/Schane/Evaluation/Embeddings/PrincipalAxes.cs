using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Evaluation.Embeddings;

// n images, D embedding width, k axes.

/// <summary>The directions in which unit embeddings scatter most (PCA), from all images.</summary>
/// <param name="Coordinates">n rows of k numbers, the widest axis first.</param>
/// <param name="Shares">Each axis's share of the variance, 0 to 1.</param>
internal sealed record PrincipalAxes(float[][] Coordinates, double[] Shares)
{
    /// <param name="data">The images; embeddings are scaled to unit length first.</param>
    /// <param name="axes">k, at most D.</param>
    public static PrincipalAxes Of(EmbeddingSet data, int axes)
    {
        axes = Math.Min(axes, data.Width);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var unit = nn.functional.normalize(data.ToTensor(ScalarType.Float32), dim: 1);
        var centred = unit - unit.mean([0], keepdim: true);                                                     // [n, D]
        var covariance = centred.T.matmul(centred).to_type(ScalarType.Float64) / data.Count;                    // [D, D]
        var (values, vectors) = linalg.eigh(covariance);                                                        // ascending
        var widest = vectors.narrow(1, data.Width - axes, axes).flip(1);                                        // [D, k]
        // An axis has no sign of its own: its largest component is made positive, so that the same embeddings give the same map.
        widest = widest * widest.gather(0, widest.abs().argmax(0, keepdim: true)).sign();
        var coordinates = Copy.Floats(centred.matmul(widest.to_type(ScalarType.Float32)));
        var variances = Copy.Doubles(values.clamp_min(0)).Reverse().ToArray();
        var total = Math.Max(variances.Sum(), double.Epsilon);
        return new([.. coordinates.Chunk(axes)], [.. variances.Take(axes).Select(variance => variance / total)]);
    }
}
