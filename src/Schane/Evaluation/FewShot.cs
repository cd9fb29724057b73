using static TorchSharp.torch;

namespace Schane.Evaluation;

// E episodes of a chunk, W ways, S = W × shots support rows, Q = W × queries rows, D embedding width.

/// <summary>Accuracy on few-shot episodes.</summary>
/// <param name="Classifier">How the queries were classified.</param>
/// <param name="Accuracy">Mean over the episodes with Student's t 95 % interval.</param>
/// <param name="Episodes">Accuracy of each episode.</param>
public sealed record FewShotResult(FewShotClassifier Classifier, Interval Accuracy, IReadOnlyList<double> Episodes);

/// <summary>Few-shot classification of embeddings: batched over episodes on the tensor library, in float64.</summary>
public static class FewShot
{
    /// <summary>Most numbers in the largest tensor of a chunk: 64 MiB of float64.</summary>
    private const long ChunkNumbers = 8L << 20;

    /// <summary>Classifies the queries of every episode.</summary>
    /// <param name="data">The embeddings that the episodes' rows point into.</param>
    /// <param name="list">Episodes, drawn from data of the same classes and size.</param>
    /// <param name="classifier">How.</param>
    /// <exception cref="SchaneException">The episodes were drawn from other data.</exception>
    public static FewShotResult Run(EmbeddingSet data, EpisodeList list, FewShotClassifier classifier)
    {
        Check(data, list);
        var predictions = Predict(data, list, classifier);
        var queries = list.Options.Queries;
        double[] accuracy = [.. predictions.Select(p => p.Where((way, q) => way == q / queries).Count() / (double)p.Length)];
        return new(classifier, Interval.StudentT(accuracy), accuracy);
    }

    /// <summary>The way (0 … W − 1) that each query of each episode is taken for.</summary>
    /// <exception cref="SchaneException">An episode points to a row that isn't there.</exception>
    public static int[][] Predict(EmbeddingSet data, EpisodeList list, FewShotClassifier classifier)
    {
        if (list.Images != data.Count)
            throw new SchaneException($"The episodes were drawn from {list.Images} images but there are {data.Count} embeddings; draw the episodes again.");
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var rows = data.ToTensor();                                       // [n, D]
        if (classifier is FewShotClassifier.CosineCentroid or FewShotClassifier.CosineNeighbour or FewShotClassifier.LogisticRegression)
            rows = nn.functional.normalize(rows, dim: 1);
        var options = list.Options;
        var perEpisode = (long)options.Ways * (options.Shots + options.Queries) * Math.Max(data.Width, options.Ways * options.Shots);
        var predictions = new List<int[]>();
        foreach (var chunk in list.Episodes.Chunk((int)Math.Clamp(ChunkNumbers / perEpisode, 1, 4096)))
        {
            using var inner = NewDisposeScope();
            var support = Gather(rows, chunk, e => e.Support);            // [E, S, D]
            var query = Gather(rows, chunk, e => e.Query);                // [E, Q, D]
            var ways = Copy(Scores(support, query, options, classifier).argmax(2));
            predictions.AddRange(ways.Chunk(options.Ways * options.Queries));
        }
        return [.. predictions];
    }

    /// <summary>Greater is nearer: [E, Q, W].</summary>
    private static Tensor Scores(Tensor support, Tensor query, FewShotOptions options, FewShotClassifier classifier)
    {
        var byClass = support.view(support.shape[0], options.Ways, options.Shots, -1);            // [E, W, shots, D]
        switch (classifier)
        {
            case FewShotClassifier.CosineCentroid:
                return query.bmm(nn.functional.normalize(byClass.mean([2]), dim: 2).transpose(1, 2));
            case FewShotClassifier.EuclideanCentroid:
                var mean = byClass.mean([2]);                                                      // [E, W, D]
                return query.bmm(mean.transpose(1, 2)) * 2 - mean.square().sum(2).unsqueeze(1);   // |q|² is the same for all
            case FewShotClassifier.CosineNeighbour:
                return Nearest(query.bmm(support.transpose(1, 2)), options);
            case FewShotClassifier.EuclideanNeighbour:
                return Nearest(query.bmm(support.transpose(1, 2)) * 2 - support.square().sum(2).unsqueeze(1), options);
            case FewShotClassifier.LogisticRegression:
                var targets = eye(options.Ways, dtype: ScalarType.Float64).repeat_interleave(options.Shots, 0).expand(support.shape[0], -1, -1);
                return LogisticRegression.Probabilities(support, targets, query);
            default:
                throw new ArgumentOutOfRangeException(nameof(classifier), $"classifier must be a FewShotClassifier but is {classifier}.");
        }
    }

    private static Tensor Nearest(Tensor toRows, FewShotOptions options) =>                        // [E, Q, S] → [E, Q, W]
        toRows.view(toRows.shape[0], toRows.shape[1], options.Ways, options.Shots).amax([3]);

    private static Tensor Gather(Tensor rows, Episode[] chunk, Func<Episode, int[]> indices)
    {
        var flat = chunk.SelectMany(e => indices(e).Select(i => (long)i)).ToArray();
        return rows.index_select(0, tensor(flat)).view(chunk.Length, -1, rows.shape[1]);
    }

    private static int[] Copy(Tensor ways) => [.. Tensors.Copy.Longs(ways).Select(w => (int)w)];

    private static void Check(EmbeddingSet data, EpisodeList list)
    {
        var (shots, queries) = (list.Options.Shots, list.Options.Queries);
        if (list.Images == data.Count && list.Episodes.All(e => Fits(e.Support, shots, e) && Fits(e.Query, queries, e)))
            return;
        throw new SchaneException($"The episodes were drawn from other data: their {list.Images} images are not the {data.Count} embeddings with these labels; draw the episodes again.");

        bool Fits(int[] rows, int perWay, Episode episode)
        {
            for (var i = 0; i < rows.Length; i++)
                if (rows[i] < 0 || rows[i] >= data.Count || data.Labels[rows[i]] != episode.Classes[i / perWay])
                    return false;
            return true;
        }
    }
}
