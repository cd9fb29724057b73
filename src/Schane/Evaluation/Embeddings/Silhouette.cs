using static TorchSharp.torch;

namespace Schane.Evaluation.Embeddings;

// n rows, C classes, a(i) mean distance to the own class, b(i) least mean distance to another class.

/// <summary>Silhouette (Rousseeuw 1987): (b − a) / max(a, b), −1 to 1; 0 for a class of one image.</summary>
/// <param name="Mean">Mean over all images.</param>
/// <param name="Samples">One value an image.</param>
internal sealed record Silhouette(double Mean, double[] Samples)
{
    private const int RowsAtOnce = 512;

    /// <summary>Measures in float64, by tiles of 512 rows.</summary>
    /// <param name="data">At least two classes with images.</param>
    /// <param name="metric">Euclidean distance, or 1 − cosine.</param>
    /// <exception cref="SchaneException">Only one class has images.</exception>
    public static Silhouette Of(EmbeddingSet data, Metric metric)
    {
        var sizes = new double[data.Classes.Count];
        foreach (var label in data.Labels)
            sizes[label]++;
        if (sizes.Count(s => s > 0) < 2)
            throw new SchaneException("All images are of one class; the silhouette needs at least two.");
        using var scope = NewDisposeScope();
        // [n, C]
        var members = nn.functional.one_hot(tensor(data.Labels.Select(l => (long)l).ToArray()), data.Classes.Count)
            .to_type(ScalarType.Float64);
        var samples = new double[data.Count];
        Neighbours.Tiles(data, data, metric, sameImages: true, RowsAtOnce, (start, similarity) =>
        {
            similarity.diagonal(start).fill_(metric == Metric.Cosine ? 1 : 0);
            var distance = metric == Metric.Cosine ? 1 - similarity : (-similarity).clamp_min(0).sqrt();
            var sums = Tensors.Copy.Doubles(distance.matmul(members));    // [q, C]
            for (var q = 0; q < similarity.shape[0]; q++)
            {
                var (own, other) = (0.0, double.PositiveInfinity);
                var label = data.Labels[start + q];
                for (var c = 0; c < sizes.Length; c++)
                    if (c == label)
                        own = sums[q * sizes.Length + c] / Math.Max(1, sizes[c] - 1);
                    else if (sizes[c] > 0)
                        other = Math.Min(other, sums[q * sizes.Length + c] / sizes[c]);
                samples[start + q] = sizes[label] == 1 || Math.Max(own, other) == 0 ? 0 : (other - own) / Math.Max(own, other);
            }
        });
        return new(samples.Average(), samples);
    }
}
