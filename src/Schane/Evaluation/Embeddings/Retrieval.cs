namespace Schane.Evaluation.Embeddings;

// n rows, R(i) = other rows with the label of row i.

/// <summary>How two embeddings are compared.</summary>
internal enum Metric
{
    /// <summary>Cosine similarity.</summary>
    Cosine,

    /// <summary>Euclidean distance of the embeddings as they are.</summary>
    Euclidean,
}

/// <summary>How well the neighbours of an image are of its class (Musgrave et al. 2020, arXiv:2003.08505). Queries whose class has no
/// other image are left out.</summary>
/// <param name="Queries">Images that have another of their class to find.</param>
/// <param name="PrecisionAt1">Share whose nearest neighbour is of their class.</param>
/// <param name="RPrecision">Mean share of their class among the R(i) nearest.</param>
/// <param name="MapAtR">Mean over the queries of (1/R) Σ over ranks k ≤ R of precision at k where rank k is of the class.</param>
/// <param name="Map">Mean average precision over the whole ranking.</param>
/// <param name="MeanReciprocalRank">Mean of 1 / rank of the first of the class.</param>
/// <param name="RecallAt">For each k: share that has one of its class among the k nearest.</param>
internal sealed record Retrieval(
    int Queries, double PrecisionAt1, double RPrecision, double MapAtR, double Map, double MeanReciprocalRank,
    IReadOnlyDictionary<int, double> RecallAt)
{
    private const int RowsAtOnce = 512;

    /// <summary>Every image searches all others; one tile of 512 × n similarities at a time, in float64.</summary>
    /// <param name="data">The images.</param>
    /// <param name="metric">How embeddings are compared.</param>
    /// <param name="recallAt">The k of recall@k; null for 1, 2, 4, 8.</param>
    /// <exception cref="SchaneException">No class has two images.</exception>
    public static Retrieval Of(EmbeddingSet data, Metric metric = Metric.Cosine, IReadOnlyList<int>? recallAt = null) =>
        Search(data, data, metric, recallAt ?? [1, 2, 4, 8], sameImages: true);

    /// <summary>The images of one set search another.</summary>
    /// <param name="query">What searches; its labels are those of <paramref name="reference"/>.</param>
    /// <param name="reference">What is searched.</param>
    /// <param name="metric">How embeddings are compared.</param>
    /// <param name="recallAt">The k of recall@k; null for 1, 2, 4, 8.</param>
    /// <exception cref="ArgumentException">The widths differ.</exception>
    /// <exception cref="SchaneException">No query has an image of its class to find.</exception>
    public static Retrieval Of(EmbeddingSet query, EmbeddingSet reference, Metric metric = Metric.Cosine,
        IReadOnlyList<int>? recallAt = null) =>
        Search(query, reference, metric, recallAt ?? [1, 2, 4, 8], sameImages: false);

    private static Retrieval Search(EmbeddingSet query, EmbeddingSet reference, Metric metric, IReadOnlyList<int> recallAt, bool sameImages)
    {
        if (query.Width != reference.Width)
            throw new ArgumentException($"reference must have embeddings of width {query.Width} but has {reference.Width}.",
                nameof(reference));
        var ofClass = new int[Math.Max(query.Classes.Count, reference.Classes.Count)];
        foreach (var label in reference.Labels)
            ofClass[label]++;
        var (queries, first, rPrecision, mapAtR, map, reciprocal) = (0, 0, 0.0, 0.0, 0.0, 0.0);
        var hits = new int[recallAt.Count];
        Neighbours.Rank(query, reference, metric, sameImages, RowsAtOnce, (row, order) =>
        {
            var label = query.Labels[row];
            var wanted = ofClass[label] - (sameImages ? 1 : 0);
            if (wanted == 0)
                return;
            queries++;
            var (found, foundInR, sum, sumInR, firstRank) = (0, 0, 0.0, 0.0, 0);
            for (var rank = 1; found < wanted; rank++)
            {
                if (reference.Labels[order[rank - 1]] != label)
                    continue;
                found++;
                firstRank = found == 1 ? rank : firstRank;
                sum += (double)found / rank;
                if (rank <= wanted)
                    (foundInR, sumInR) = (found, sum);
            }
            first += firstRank == 1 ? 1 : 0;
            rPrecision += (double)foundInR / wanted;
            mapAtR += sumInR / wanted;
            map += sum / wanted;
            reciprocal += 1.0 / firstRank;
            for (var k = 0; k < hits.Length; k++)
                hits[k] += firstRank <= recallAt[k] ? 1 : 0;
        });
        if (queries == 0)
            throw new SchaneException("No class has a second image to find; retrieval needs at least two images of a class.");
        double n = queries;
        return new(queries, first / n, rPrecision / n, mapAtR / n, map / n, reciprocal / n,
            recallAt.Zip(hits).ToDictionary(p => p.First, p => p.Second / n));
    }
}
