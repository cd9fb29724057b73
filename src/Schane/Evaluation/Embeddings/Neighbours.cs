using static TorchSharp.torch;

namespace Schane.Evaluation.Embeddings;

// q query rows of a tile, n reference rows, D embedding width.

/// <summary>Nearest rows by tiles of q × n similarities in float64, so that no n × n matrix is ever held.</summary>
internal static class Neighbours
{
    /// <summary>Hands over each query with all reference rows, nearest first; a row is not its own neighbour where
    /// the sets are the same.</summary>
    public static void Rank(EmbeddingSet query, EmbeddingSet reference, Metric metric, bool sameImages, int rowsAtOnce,
        Action<int, ReadOnlySpan<long>> take) =>
        Tiles(query, reference, metric, sameImages, rowsAtOnce, (start, similarity) =>
        {
            var order = Tensors.Copy.Longs(similarity.argsort(dim: 1, descending: true));
            for (var row = 0; row < similarity.shape[0]; row++)
                take(start + row, order.AsSpan(row * reference.Count, reference.Count - (sameImages ? 1 : 0)));
        });

    /// <summary>Hands over tiles of similarities [q, n] (cosine, or minus the squared distance) and the first row of each; a row's
    /// similarity to itself is −∞ where the sets are the same.</summary>
    public static void Tiles(EmbeddingSet query, EmbeddingSet reference, Metric metric, bool sameImages,
        int rowsAtOnce, Action<int, Tensor> take)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var to = Prepared(reference, metric);                             // [n, D]
        var from = sameImages ? to : Prepared(query, metric);
        var norms = metric == Metric.Euclidean ? to.square().sum(1) : null;
        for (var start = 0; start < query.Count; start += rowsAtOnce)
        {
            using var tile = NewDisposeScope();
            var rows = from.narrow(0, start, Math.Min(rowsAtOnce, query.Count - start));
            var similarity = rows.matmul(to.T);                           // [q, n]
            if (norms is not null)
                similarity = similarity * 2 - norms - rows.square().sum(1, keepdim: true);
            if (sameImages)
                similarity.diagonal(start).fill_(double.NegativeInfinity);
            take(start, similarity);
        }
    }

    private static Tensor Prepared(EmbeddingSet data, Metric metric) =>
        metric == Metric.Cosine ? nn.functional.normalize(data.ToTensor(), dim: 1) : data.ToTensor();
}
