using System.Numerics.Tensors;
using Schane.Evaluation.Embeddings;

namespace Schane.Evaluation.Selection;

// n images, m of them with a label, D embedding width, k to choose.

/// <summary>
/// TypiClust (Hacohen et al. 2022, arXiv:2202.02794): all images, with a label and without, in as many clusters as there will be labels;
/// from each cluster without one, the largest first, the image that lies nearest to its neighbours. While labels are few, those teach
/// more than the odd ones that a model is unsure of.
/// </summary>
internal static class Typicality
{
    /// <summary>Neighbours whose mean distance says how typical an image is, and clusters at most, as in the paper's program.</summary>
    private const int Neighbours = 20, MostClusters = 500;

    /// <summary>Rounds of k-means; later ones move few images.</summary>
    private const int Rounds = 20;

    /// <summary>Images of a cluster that its images are compared with, so that a large one does not cost its square.</summary>
    private const int MostCompared = 1000;

    /// <summary>Places in the order of the clusters; where fewer than k have no label, the rounds go on through the others, those with the
    /// fewest labels first.</summary>
    /// <param name="pool">Images to choose from.</param>
    /// <param name="labelled">Those with a label.</param>
    /// <param name="count">k, at most n − m.</param>
    /// <param name="seed">Seed of k-means.</param>
    public static int[] Choose(UnlabelledImages pool, EmbeddingSet labelled, int count, long seed)
    {
        var units = UnitRows.Of([.. pool.Embeddings, .. labelled.Values], pool.Width);
        var all = new EmbeddingSet(units, pool.Width, new int[pool.Count + labelled.Count], ["any"]);
        var clusters = KMeans.Of(all, Math.Min(MostClusters, Math.Min(labelled.Count + count, all.Count)), seed, starts: 1, Rounds);
        var labels = clusters.Skip(pool.Count).CountBy(cluster => cluster).ToDictionary();
        int[][] queues = [.. Enumerable.Range(0, pool.Count).GroupBy(i => clusters[i])
            .OrderBy(own => labels.GetValueOrDefault(own.Key)).ThenByDescending(own => own.Count())
            .Select(own => MostTypicalFirst(all, [.. own]))];
        return [.. Enumerable.Range(0, pool.Count).SelectMany(round => queues.Where(own => own.Length > round).Select(own => own[round]))
            .Take(count)];
    }

    /// <summary>The images of a cluster by their mean distance to the nearest others of it.</summary>
    private static int[] MostTypicalFirst(EmbeddingSet units, int[] members)
    {
        var step = (members.Length + MostCompared - 1) / MostCompared;
        int[] compared = [.. members.Where((_, place) => place % step == 0)];
        double MeanDistance(int image) => compared.Where(other => other != image)
            .Select(other => (double)TensorPrimitives.Distance(units.Row(image), units.Row(other)))
            .Order().Take(Neighbours).DefaultIfEmpty().Average();
        return [.. members.AsParallel().AsOrdered().Select(image => (Image: image, Distance: MeanDistance(image))).AsSequential()
            .OrderBy(m => m.Distance).Select(m => m.Image)];
    }
}
