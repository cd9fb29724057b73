using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Statistics;
using static TorchSharp.torch;

namespace Schane.Evaluation.Episodes;

// E episodes of a chunk, W ways, S = W × shots support rows, Q = W × queries rows, D embedding width.

/// <summary>Accuracy on few-shot episodes.</summary>
/// <param name="Classifier">How the queries were classified.</param>
/// <param name="Accuracy">Mean over the episodes with Student's t 95 % interval.</param>
/// <param name="Episodes">Accuracy of each episode.</param>
internal sealed record FewShotResult(FewShotClassifier Classifier, Interval Accuracy, IReadOnlyList<double> Episodes);

/// <summary>Few-shot classification of embeddings: episodes side by side, in float64; logistic regression in vectors with an episode a
/// lane, the rest on the tensor library.</summary>
internal static class FewShot
{
    /// <summary>Most numbers in the largest tensor of a chunk: 64 MiB of float64.</summary>
    private const long ChunkNumbers = 8L << 20;

    private const int MostEpisodes = 4096;                                // of a chunk
    private const int Rounds = 10;
    private const double Softness = 0.1;

    /// <summary>Classifies the queries of every episode.</summary>
    /// <param name="data">The embeddings that the episodes' rows point into.</param>
    /// <param name="list">Episodes, drawn from data of the same classes and size.</param>
    /// <param name="classifier">How.</param>
    /// <param name="supportViews">Embeddings of the same images augmented, which stand as further labelled rows beside each support row;
    /// null for none. Queries are never augmented.</param>
    /// <param name="regressionC">Weight of the data against the penalty ½‖W‖² of logistic regression, above 0; scikit-learn's C.</param>
    /// <exception cref="ArgumentException">A view is not of the same images.</exception>
    /// <exception cref="SchaneException">The episodes were drawn from other data.</exception>
    public static FewShotResult Run(
        EmbeddingSet data, EpisodeList list, FewShotClassifier classifier,
        IReadOnlyList<EmbeddingSet>? supportViews = null, double regressionC = 1)
    {
        Check(data, list);
        var predictions = Predict(data, list, classifier, supportViews, regressionC);
        var queries = list.Options.Queries;
        double[] accuracy = [.. predictions.Select(p => p.Where((way, q) => way == q / queries).Count() / (double)p.Length)];
        return new(classifier, Interval.StudentT(accuracy), accuracy);
    }

    /// <summary>The way (0 … W − 1) that each query of each episode is taken for.</summary>
    /// <exception cref="ArgumentException">A view is not of the same images.</exception>
    /// <exception cref="SchaneException">An episode points to a row that isn't there.</exception>
    public static int[][] Predict(
        EmbeddingSet data, EpisodeList list, FewShotClassifier classifier,
        IReadOnlyList<EmbeddingSet>? supportViews = null, double regressionC = 1)
    {
        supportViews ??= [];
        if (supportViews.FirstOrDefault(v => v.Count != data.Count || v.Width != data.Width) is { } odd)
            throw new ArgumentException($"supportViews must hold {data.Count} rows of {data.Width}, one for each image, but a view has " +
                $"{odd.Count} of {odd.Width}.", nameof(supportViews));
        if (list.Images != data.Count)
            throw new SchaneException(
                $"The episodes were drawn from {list.Images} images but there are {data.Count} embeddings; draw the episodes again.");
        if (classifier == FewShotClassifier.LogisticRegression)
            return Regress([data, .. supportViews], list, regressionC);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var plain = classifier is FewShotClassifier.EuclideanCentroid or FewShotClassifier.EuclideanNeighbour;
        Tensor Prepared(EmbeddingSet set) => plain ? set.ToTensor() : nn.functional.normalize(set.ToTensor(), dim: 1);
        var rows = Prepared(data);                                        // [n, D]
        Tensor[] views = [rows, .. supportViews.Select(Prepared)];
        var (drawn, options) = (list.Options, list.Options with { Shots = list.Options.Shots * views.Length });
        var perEpisode = (long)options.Ways * (options.Shots + options.Queries) * Math.Max(data.Width, options.Ways * options.Shots);
        var predictions = new List<int[]>();
        foreach (var chunk in list.Episodes.Chunk((int)Math.Clamp(ChunkNumbers / perEpisode, 1, MostEpisodes)))
        {
            using var inner = NewDisposeScope();
            var each = views.Select(view => Gather(view, chunk, e => e.Support).view(chunk.Length, drawn.Ways, drawn.Shots, -1)).ToArray();
            var support = cat(each, 2).view(chunk.Length, options.Ways * options.Shots, -1);     // [E, S, D]
            var query = Gather(rows, chunk, e => e.Query);                // [E, Q, D]
            var ways = Copy(Scores(support, query, options, classifier).argmax(2));
            predictions.AddRange(ways.Chunk(options.Ways * options.Queries));
        }
        return [.. predictions];
    }

    /// <summary>The greatest of W x + b, rows of unit length; support rows of all views are fitted together.</summary>
    private static int[][] Regress(EmbeddingSet[] views, EpisodeList list, double c)
    {
        var (ways, shots, width) = (list.Options.Ways, list.Options.Shots, views[0].Width);
        double[][] scales = [.. views.Select(UnitScales)];
        ScaledRow Row(int view, int row) => new(views[view].Values, row * width, scales[view][row]);
        int[] labels = [.. views.SelectMany(_ => Enumerable.Range(0, ways * shots).Select(i => i / shots))];
        var predictions = new List<int[]>();
        foreach (var chunk in list.Episodes.Chunk(MostEpisodes))
        {
            RegressionProblem[] problems = [.. chunk.Select(e => new RegressionProblem(
                [.. views.SelectMany((_, view) => e.Support.Select(i => Row(view, i)))], labels, [.. e.Query.Select(i => Row(0, i))]))];
            predictions.AddRange(LogisticRegression.Logits(problems, width, ways, c).Select(Greatest));
        }
        return [.. predictions];

        int[] Greatest(double[] logits)
        {
            var best = new int[logits.Length / ways];
            for (var i = 0; i < logits.Length; i++)
                if (logits[i] > logits[i / ways * ways + best[i / ways]])
                    best[i / ways] = i % ways;
            return best;
        }
    }

    private static double[] UnitScales(EmbeddingSet set)
    {
        var scales = new double[set.Count];
        for (var i = 0; i < scales.Length; i++)
        {
            var sum = 0.0;
            foreach (var value in set.Row(i))
                sum += (double)value * value;
            scales[i] = 1 / Math.Max(Math.Sqrt(sum), 1e-12);
        }
        return scales;
    }

    /// <summary>Greater is nearer: [E, Q, W].</summary>
    private static Tensor Scores(Tensor support, Tensor query, FewShotOptions options, FewShotClassifier classifier)
    {
        var byClass = support.view(support.shape[0], options.Ways, options.Shots, -1);            // [E, W, shots, D]
        switch (classifier)
        {
            case FewShotClassifier.CosineCentroid:
                return query.bmm(nn.functional.normalize(byClass.mean([2]), dim: 2).transpose(1, 2));
            case FewShotClassifier.TransductiveCentroid:
                var sums = byClass.sum(2);                                                         // [E, W, D]
                var centroids = nn.functional.normalize(sums, dim: 2);
                for (var round = 0; round < Rounds; round++)
                {
                    var share = (query.bmm(centroids.transpose(1, 2)) / Softness).softmax(2);      // [E, Q, W]
                    centroids = nn.functional.normalize(sums + share.transpose(1, 2).bmm(query), dim: 2);
                }
                return query.bmm(centroids.transpose(1, 2));
            case FewShotClassifier.EuclideanCentroid:
                var mean = byClass.mean([2]);                                                      // [E, W, D]
                return query.bmm(mean.transpose(1, 2)) * 2 - mean.square().sum(2).unsqueeze(1);   // |q|² is the same for all
            case FewShotClassifier.CosineNeighbour:
                return Nearest(query.bmm(support.transpose(1, 2)), options);
            case FewShotClassifier.EuclideanNeighbour:
                return Nearest(query.bmm(support.transpose(1, 2)) * 2 - support.square().sum(2).unsqueeze(1), options);
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
        throw new SchaneException($"The episodes were drawn from other data: their {list.Images} images are not the {data.Count} " +
            "embeddings with these labels; draw the episodes again.");

        bool Fits(int[] rows, int perWay, Episode episode)
        {
            for (var i = 0; i < rows.Length; i++)
                if (rows[i] < 0 || rows[i] >= data.Count || data.Labels[rows[i]] != episode.Classes[i / perWay])
                    return false;
            return true;
        }
    }
}
