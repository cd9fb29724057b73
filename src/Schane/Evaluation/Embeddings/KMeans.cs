using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Evaluation.Embeddings;

// n rows, K clusters, D width.

/// <summary>k-means by Lloyd's rounds from k-means++ seeds (Arthur &amp; Vassilvitskii 2007), in float64; the
/// best of several starts.</summary>
internal static class KMeans
{
    private const int MostRounds = 100;

    /// <summary>The cluster of each row, 0 … K − 1.</summary>
    /// <param name="data">Rows to part.</param>
    /// <param name="clusters">K, 1 to n.</param>
    /// <param name="seed">Seed of the starts.</param>
    /// <param name="starts">Starts, 4 by default; the one with the least sum of squares is kept.</param>
    /// <param name="mostRounds">Rounds at most, if assignments have not settled before.</param>
    public static int[] Of(EmbeddingSet data, int clusters, long seed = 0, int starts = 4, int mostRounds = MostRounds)
    {
        Require.InRange(clusters, 1, data.Count, nameof(clusters));
        Require.AtLeast(starts, 1, nameof(starts));
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var rows = data.ToTensor();                                       // [n, D]
        var (best, least) = (Array.Empty<int>(), double.PositiveInfinity);
        for (var start = 0; start < starts; start++)
        {
            var random = new SampleRandom(seed, start);
            var (assignment, inertia) = Rounds(rows, Seeds(rows, clusters, ref random), mostRounds);
            if (inertia < least)
                (best, least) = (assignment, inertia);
        }
        return best;
    }

    private static Tensor Seeds(Tensor rows, int clusters, ref SampleRandom random)
    {
        using var scope = NewDisposeScope();
        var n = (int)rows.shape[0];
        List<long> chosen = [random.Below(n)];
        var nearest = Distances(chosen[0]);                               // [n]
        while (chosen.Count < clusters)
        {
            using var inner = NewDisposeScope();                          // else n × D numbers for each cluster until the last
            var weights = Copy.Doubles(nearest);
            var left = random.NextDouble() * weights.Sum();
            var next = 0;
            while (next < n - 1 && (left -= weights[next]) >= 0)
                next++;
            chosen.Add(next);
            nearest = minimum(nearest, Distances(next)).MoveToOuterDisposeScope();
        }
        return rows.index_select(0, tensor(chosen)).MoveToOuterDisposeScope();

        // Squared; without a number that could be freed while it is used, for there may be hundreds of clusters.
        Tensor Distances(long row)
        {
            var apart = rows - rows[row];
            return (apart * apart).sum(1);
        }
    }

    private static (int[] Assignment, double Inertia) Rounds(Tensor rows, Tensor centres, int mostRounds)
    {
        using var scope = NewDisposeScope();
        var assignment = Array.Empty<long>();
        var squares = (rows * rows).sum(1, keepdim: true);
        for (var round = 0; ; round++)
        {
            using var inner = NewDisposeScope();
            var distance = (squares - rows.matmul((centres * 2).T)).Plus((centres * centres).sum(1));                      // [n, K]
            var (least, nearest) = distance.min(1);
            var now = Copy.Longs(nearest);
            if (round == mostRounds || now.AsSpan().SequenceEqual(assignment))
                return ([.. now.Select(c => (int)c)], least.clamp_min(0).sum().item<double>());
            assignment = now;
            var members = nn.functional.one_hot(nearest, centres.shape[0]).to_type(ScalarType.Float64);                    // [n, K]
            var sizes = members.sum([0]).unsqueeze(1);
            // An empty cluster keeps its centre.
            centres = where(sizes > 0, members.T.matmul(rows) / sizes.clamp_min(1), centres).MoveToOuterDisposeScope();
        }
    }
}
