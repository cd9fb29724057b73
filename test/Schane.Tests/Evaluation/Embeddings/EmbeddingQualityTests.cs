using Schane.Evaluation.Embeddings;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Evaluation.Embeddings;

public class EmbeddingQualityTests
{
    [Fact]
    public void Four_rows_at_known_angles_have_pencil_values()
    {
        // Class a at 0° twice (lengths 1 and 3), class b at 90° and 180°.
        var quality = EmbeddingQuality.Of(new([1, 0, 3, 0, 0, 2, -1, 0], 2, [0, 0, 1, 1], ["a", "b"]));
        // Pairs of one class: cos 1 and 0; of two classes: 0, −1, 0, −1.
        Assert.Equal(0.5, quality.IntraClassCosine!.Value, 1e-12);
        Assert.Equal(-0.5, quality.InterClassCosine!.Value, 1e-12);
        Assert.Equal(1, quality.Alignment!.Value, 1e-12);                // squared distances 0 and 2
        // Squared distances 0, 2, 2, 2 (b–b), 4, 4.
        Assert.Equal(Math.Log((1 + 3 * Math.Exp(-4) + 2 * Math.Exp(-8)) / 6), quality.Uniformity!.Value, 1e-12);
        // ZᵀZ = diag(3, 1): axes. Z(±x) = 2e^±1 + e^∓1 + 1, Z(±y) = 3 + e^±1.
        double[] z = [2 * Math.E + 1 / Math.E + 1, 2 / Math.E + Math.E + 1, 3 + Math.E, 3 + 1 / Math.E];
        Assert.Equal(z.Min() / z.Max(), quality.Isotropy, 1e-12);
    }

    [Fact]
    public void Neural_collapse_agrees_with_its_definition_in_one_dimension()
    {
        // a: 0 and 2 (mean 1, deviations ±1), b: 5 and 5; Σ_W = (1 + 1 + 0 + 0)/4 = ½, means 1 and 5 around 3: Σ_B = 4; NC1 = ½ / 4 / 2.
        Assert.Equal(0.5 / 4 / 2, EmbeddingQuality.Of(new([0, 2, 5, 5], 1, [0, 0, 1, 1], ["a", "b"])).NeuralCollapse!.Value, 1e-12);
    }

    [Fact]
    public void The_effective_rank_of_a_cross_is_its_number_of_axes()
    {
        // ± each axis: the centred rows have three equal singular values.
        float[] cross = [1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1];
        Assert.Equal(3, EmbeddingQuality.Of(new(cross, 3, new int[6], ["a"])).EffectiveRank, 1e-9);
        var one = EmbeddingQuality.Of(new([1, 2, 1, 2], 2, [0, 0], ["a"]));
        Assert.Equal((0, null, null), (one.EffectiveRank, one.InterClassCosine, one.NeuralCollapse));
    }

    [Fact]
    public void K_means_finds_clusters_that_lie_apart_and_is_the_same_for_a_seed()
    {
        using var scope = NewDisposeScope();
        var labels = Some.Labels(200, 7);
        var data = EmbeddingSet.Of(Some.Clusters(labels, 16, 0.02), tensor(labels));
        var clusters = KMeans.Of(data, 7);
        Assert.Equal(1, Clustering.Of(data.Labels, clusters).Ari, 1e-12);
        Assert.Equal(clusters, KMeans.Of(data, 7));
        Assert.Equal([0, 0], KMeans.Of(new([1, 2], 1, [0, 0], ["a"]), 1));
    }

    [Fact]
    public void One_class_or_lone_images_are_refused_where_there_is_nothing_to_measure()
    {
        Assert.Contains("at least two images of a class",
            Assert.Throws<SchaneException>(() => Retrieval.Of(new([1, 2], 1, [0, 1], ["a", "b"]))).Message);
        Assert.Contains("needs at least two",
            Assert.Throws<SchaneException>(() => Silhouette.Of(new([1, 2], 1, [0, 0], ["a"]), Metric.Cosine)).Message);
    }
}
