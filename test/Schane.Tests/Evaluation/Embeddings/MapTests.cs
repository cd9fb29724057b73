using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Tensors;

namespace Schane.Tests.Evaluation.Embeddings;

/// <summary>The parts of an embedding map: which images, on which axes, where.</summary>
public sealed class MapTests
{
    [Fact]
    public void Every_class_keeps_its_share_of_the_images_drawn()
    {
        int[] labels = [.. Enumerable.Range(0, 10_000).Select(i => i % 100 < 50 ? 0 : i % 100 < 90 ? 1 : 2)];
        var rows = EvenShare.Rows(labels, 200);
        Assert.Equal(rows.Distinct().Order(), rows);
        Assert.Equal([100, 80, 20], Enumerable.Range(0, 3).Select(c => rows.Count(row => labels[row] == c)));
        Assert.Equal([0, 1, 2], EvenShare.Rows([5, 1, 1], 3));
    }

    [Fact]
    public void The_hardest_negative_of_each_image_is_what_loops_over_all_pairs_find()
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        var labels = Support.Some.Labels(700, 9);
        labels[3] = 8;
        var data = EmbeddingSet.Of(Support.Some.Rows(700, 5), TorchSharp.torch.tensor(labels));
        var found = HardestNegatives.Of(data);
        for (var i = 0; i < data.Count; i++)
        {
            var (row, best) = (-1, double.NegativeInfinity);
            for (var j = 0; j < data.Count; j++)
                if (labels[i] != labels[j] && Cosine(data, i, j) is var cosine && cosine > best)
                    (row, best) = (j, cosine);
            Assert.Equal(best, found.Cosines[i], 1e-5);
            Assert.Equal(best, Cosine(data, i, found.Rows[i]), 1e-5);
            Assert.NotEqual(labels[i], labels[found.Rows[i]]);
        }
        var pairs = found.Pairs(20);
        Assert.Equal(40, pairs.SelectMany(pair => (int[])[pair.First, pair.Second]).Distinct().Count());
        Assert.Equal(pairs.OrderByDescending(pair => pair.Cosine), pairs);
        Assert.Equal(found.Cosines.Max(), pairs[0].Cosine);
    }

    [Fact]
    public void Images_of_one_class_have_no_negatives()
    {
        var found = HardestNegatives.Of(new EmbeddingSet([1, 0, 0, 1], 2, [1, 1], ["a", "b"]));
        Assert.Equal([-1, -1], found.Rows);
        Assert.Empty(found.Pairs(5));
    }

    [Fact]
    public void The_first_axis_is_the_one_of_most_variance()
    {
        // On the unit circle at ±0.3 around 45°: all scatter lies across that direction.
        float[] angles = [0.3f, -0.3f, 0.1f, -0.1f];
        var data = new EmbeddingSet([.. angles.SelectMany(a =>
            (float[])[2 * MathF.Cos(MathF.PI / 4 + a), 2 * MathF.Sin(MathF.PI / 4 + a)])], 2, [0, 0, 0, 0], ["a"]);
        var axes = PrincipalAxes.Of(data, 2);
        Assert.InRange(axes.Shares[0], 0.99, 1);
        Assert.Equal(1, axes.Shares.Sum(), 1e-6);
        Assert.All(angles.Zip(axes.Coordinates), pair => Assert.Equal(MathF.Sin(MathF.Abs(pair.First)), MathF.Abs(pair.Second[0]), 1e-5f));
        Assert.NotEqual(MathF.Sign(axes.Coordinates[0][0]), MathF.Sign(axes.Coordinates[1][0]));
    }

    [Fact]
    public void Each_point_of_a_tsne_map_heeds_as_many_neighbours_as_its_perplexity_says()
    {
        var points = Points(60, 3, spread: 1, clusters: 1);
        var affinity = Tsne.Affinities(points, 12);
        Assert.Equal(1, affinity.Sum(row => row.Sum(p => (double)p)), 1e-4);
        for (var i = 0; i < 60; i++)
        {
            for (var j = 0; j < 60; j++)
                Assert.Equal(affinity[i][j], affinity[j][i]);
            Assert.Equal(0, affinity[i][i]);
        }
        // Three points, two of them close: each point's conditional perplexity of 1.5, by hand. Entropy of (p, 1
        // − p) is ln 1.5 at p = 0.859723.
        float[][] three = [[0], [1], [3]];
        var pair = Tsne.Affinities(three, 1.5);
        var p = 0.859_723;
        Assert.Equal((p + p) / 6, pair[0][1], 1e-4);
        Assert.Equal((1 - p + (1 - p)) / 6, pair[0][2], 1e-4);
        Assert.Equal((1 - p + p) / 6, pair[1][2], 1e-4);
    }

    [Fact]
    public void The_slope_of_a_tsne_map_agrees_with_finite_differences_of_its_divergence()
    {
        var affinity = Tsne.Affinities(Points(21, 3, spread: 1, clusters: 2), 5);
        var random = new SampleRandom(7);
        float[] x = [.. Enumerable.Range(0, 21).Select(_ => (float)random.Normal())],
            y = [.. Enumerable.Range(0, 21).Select(_ => (float)random.Normal())];
        var (slopeX, slopeY) = Tsne.Gradient(affinity, x, y, 1);
        for (var i = 0; i < 21; i++)
        {
            Assert.Equal(Slope(x, i), slopeX[i], 2e-4);
            Assert.Equal(Slope(y, i), slopeY[i], 2e-4);
        }

        double Slope(float[] at, int i)
        {
            var (before, step) = (at[i], 1e-2f);
            at[i] = before + step;
            var up = Divergence(affinity, x, y);
            at[i] = before - step;
            var down = Divergence(affinity, x, y);
            at[i] = before;
            return (up - down) / (2 * step);
        }
    }

    [Fact]
    public void A_tsne_map_keeps_groups_together_and_is_the_same_again()
    {
        var points = Points(150, 10, spread: 0.25f, clusters: 5);
        var (x, y) = Tsne.Map(points);
        var (again, _) = Tsne.Map(points);
        Assert.Equal(x, again);
        for (var i = 0; i < 150; i++)
        {
            var nearest = Enumerable.Range(0, 150).Where(j => j != i)
                .MinBy(j => (x[i] - x[j]) * (x[i] - x[j]) + (y[i] - y[j]) * (y[i] - y[j]));
            Assert.Equal(i % 5, nearest % 5);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public void Few_points_and_points_on_one_spot_have_a_finite_map(int count)
    {
        var (x, y) = Tsne.Map([.. Enumerable.Range(0, count).Select(_ => (float[])[0, 0])]);
        Assert.All(x.Concat(y), value => Assert.True(float.IsFinite(value)));
        (x, _) = Tsne.Map([.. Enumerable.Range(0, count).Select(i => (float[])[i, 0])]);
        Assert.All(x, value => Assert.True(float.IsFinite(value)));
    }

    private static double Cosine(EmbeddingSet data, int i, int j)
    {
        var (dot, a, b) = (0.0, 0.0, 0.0);
        for (var d = 0; d < data.Width; d++)
            (dot, a, b) = (dot + (double)data.Row(i)[d] * data.Row(j)[d], a + (double)data.Row(i)[d] * data.Row(i)[d],
                b + (double)data.Row(j)[d] * data.Row(j)[d]);
        return dot / Math.Sqrt(a * b);
    }

    /// <summary>KL(P ‖ Q) written out.</summary>
    private static double Divergence(float[][] affinity, float[] x, float[] y)
    {
        var n = x.Length;
        double Near(int i, int j) => 1 / (1 + Math.Pow((double)x[i] - x[j], 2) + Math.Pow((double)y[i] - y[j], 2));
        var (all, divergence) = (0.0, 0.0);
        for (var i = 0; i < n; i++)
            for (var j = 0; j < n; j++)
                all += i == j ? 0 : Near(i, j);
        for (var i = 0; i < n; i++)
            for (var j = 0; j < n; j++)
                divergence += i == j || affinity[i][j] == 0 ? 0 : affinity[i][j] * Math.Log(affinity[i][j] / (Near(i, j) / all));
        return divergence;
    }

    private static float[][] Points(int count, int width, float spread, int clusters)
    {
        var random = new SampleRandom(3, count, width);
        float[][] centres = [.. Enumerable.Range(0, clusters)
            .Select(_ => Enumerable.Range(0, width).Select(_ => (float)random.Normal()).ToArray())];
        return [.. Enumerable.Range(0, count)
            .Select(i => centres[i % clusters].Select(centre => centre + spread * (float)random.Normal()).ToArray())];
    }
}
