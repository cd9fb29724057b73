using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Statistics;
using static TorchSharp.torch;

namespace Schane.Evaluation.Episodes;

/// <summary>Weighted k-nearest-neighbour classification by cosine (Wu et al. 2018, arXiv:1805.01978; the protocol of DINO): each of the k
/// nearest votes with exp(cosine / T).</summary>
/// <param name="Accuracy">Share of the queries whose class has the most votes, with Wilson's interval.</param>
/// <param name="Scores">[queries][classes] votes.</param>
internal sealed record NearestNeighbours(Interval Accuracy, double[][] Scores)
{
    private const int RowsAtOnce = 512;

    /// <param name="query">Images to classify.</param>
    /// <param name="reference">Labelled images.</param>
    /// <param name="k">Voters, at most all of <paramref name="reference"/>; 20 by default.</param>
    /// <param name="temperature">T above 0; 0.07 by default.</param>
    /// <exception cref="ArgumentException">The widths or classes differ.</exception>
    public static NearestNeighbours Of(EmbeddingSet query, EmbeddingSet reference, int k = 20, double temperature = 0.07)
    {
        Tensors.Require.AtLeast(k, 1, nameof(k));
        Tensors.Require.Positive(temperature, nameof(temperature));
        if (query.Width != reference.Width || query.Classes.Count != reference.Classes.Count)
            throw new ArgumentException($"reference must have {query.Classes.Count} classes and width {query.Width} but has " +
                $"{reference.Classes.Count} and {reference.Width}.", nameof(reference));
        using var scope = NewDisposeScope();
        var (scores, right) = (new double[query.Count][], 0);
        Neighbours.Tiles(query, reference, Metric.Cosine, sameImages: false, RowsAtOnce, (start, similarity) =>
        {
            var (values, indices) = similarity.topk(Math.Min(k, reference.Count), dim: 1);
            var (votes, rows, each) = (Tensors.Copy.Doubles((values / temperature).exp()),
                Tensors.Copy.Longs(indices), (int)indices.shape[1]);
            for (var q = 0; q < similarity.shape[0]; q++)
            {
                var score = scores[start + q] = new double[query.Classes.Count];
                for (var i = 0; i < each; i++)
                    score[reference.Labels[rows[q * each + i]]] += votes[q * each + i];
                right += Array.IndexOf(score, score.Max()) == query.Labels[start + q] ? 1 : 0;
            }
        });
        return new(Interval.Wilson(right, query.Count), scores);
    }
}
