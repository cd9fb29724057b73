using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Episodes;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Evaluation.Episodes;

public class FewShotTests
{
    private static readonly string[] Names = ["ant", "bee", "cat", "dog", "eel", "fox"];

    /// <summary>Rows around six directions, 20 a class.</summary>
    private static EmbeddingSet Clustered(double spread)
    {
        using var scope = NewDisposeScope();
        var labels = Enumerable.Range(0, 120).Select(i => (long)(i % 6)).ToArray();
        return EmbeddingSet.Of(Some.Clusters(labels, 32, spread), tensor(labels), Names);
    }

    [Fact]
    public void Well_parted_classes_are_told_apart_and_noise_is_not()
    {
        var options = new FewShotOptions { Shots = 5, Episodes = 300 };
        foreach (var classifier in Enum.GetValues<FewShotClassifier>())
        {
            var (near, noise) = (Clustered(0.01), Clustered(100));
            Assert.Equal(1.0, FewShot.Run(near, EpisodeList.Draw(near.Labels, Names, options), classifier).Accuracy.Mean);
            Assert.InRange(FewShot.Run(noise, EpisodeList.Draw(noise.Labels, Names, options), classifier).Accuracy.Mean, 0.15, 0.25);
        }
    }

    [Fact]
    public void Cosine_centroids_agree_with_loops()
    {
        var data = Clustered(0.4);
        var list = EpisodeList.Draw(data.Labels, Names, new() { Ways = 4, Shots = 3, Queries = 7, Episodes = 40, Seed = 3 });
        var predictions = FewShot.Predict(data, list, FewShotClassifier.CosineCentroid);
        foreach (var (episode, got) in list.Episodes.Zip(predictions))
        {
            var centroids = episode.Support.Chunk(3)
                .Select(rows => Unit(Sum(rows.Select(r => Unit([.. data.Row(r).ToArray().Select(v => (double)v)]))))).ToArray();
            var expected = episode.Query.Select(q =>
                Enumerable.Range(0, 4).MaxBy(w => centroids[w].Zip(data.Row(q).ToArray(), (c, v) => c * v).Sum()));
            Assert.Equal(expected, got);
        }
    }

    [Fact]
    public void Episodes_hold_different_images_of_different_classes_and_come_from_the_seed_alone()
    {
        var data = Clustered(1);
        var options = new FewShotOptions { Episodes = 50, Shots = 5, Seed = 7 };
        var list = EpisodeList.Draw(data.Labels, Names, options);
        foreach (var episode in list.Episodes)
        {
            Assert.Equal(5, episode.Classes.Distinct().Count());
            Assert.Equal(100, episode.Support.Concat(episode.Query).Distinct().Count());
            Assert.Equal(episode.Classes.SelectMany(c => Enumerable.Repeat(c, 5)), episode.Support.Select(i => data.Labels[i]));
        }
        Assert.Equal(Flat(list), Flat(EpisodeList.Draw(data.Labels, Names, options)));
        Assert.NotEqual(Flat(list), Flat(EpisodeList.Draw(data.Labels, Names, options with { Seed = 8 })));
        Assert.Equal(Flat(list)[..10], Flat(EpisodeList.Draw(data.Labels, Names, options with { Episodes = 2 }))[..10]);

        static int[] Flat(EpisodeList list) => [.. list.Episodes.SelectMany(e => e.Classes.Concat(e.Support).Concat(e.Query))];
    }

    [Fact]
    public void A_saved_list_is_read_back_and_refused_for_other_data()
    {
        var data = Clustered(1);
        var list = EpisodeList.Draw(data.Labels, Names, new() { Episodes = 5 });
        var path = Path.Combine(Path.GetTempPath(), $"schane-{Guid.NewGuid():n}.json");
        try
        {
            list.Save(path);
            var again = EpisodeList.Load(path);
            Assert.Equal(list.Options, again.Options);
            Assert.Equal(FewShot.Run(data, list, FewShotClassifier.CosineNeighbour).Episodes,
                FewShot.Run(data, again, FewShotClassifier.CosineNeighbour).Episodes);

            var shuffled = new EmbeddingSet(data.Values, data.Width, [.. data.Labels.Reverse()], Names);
            Assert.Contains("drawn from other data",
                Assert.Throws<SchaneException>(() => FewShot.Run(shuffled, again, FewShotClassifier.CosineNeighbour)).Message);

            File.WriteAllText(path, File.ReadAllText(path).Replace("\"images\":120", "\"images\":3"));
            Assert.Contains("episode 0 doesn't hold", Assert.Throws<SchaneException>(() => EpisodeList.Load(path)).Message);
            File.WriteAllText(path, "{\"what\": 1}");
            Assert.Contains("is not a list of episodes", Assert.Throws<SchaneException>(() => EpisodeList.Load(path)).Message);
            File.WriteAllText(path, File.ReadAllText(path)[..3]);
            Assert.Contains("is not a list of episodes", Assert.Throws<SchaneException>(() => EpisodeList.Load(path)).Message);
        }
        finally
        {
            File.Delete(path);
        }
        Assert.Contains("can't be read", Assert.Throws<SchaneException>(() => EpisodeList.Load(path)).Message);
    }

    [Fact]
    public void Views_of_a_support_row_stand_beside_it()
    {
        // Row 2 is of class a but points away from its only support row; a view of that row points its way.
        var list = new EpisodeList(new() { Ways = 2, Shots = 1, Queries = 1, Episodes = 1 }, 4, [new([0, 1], [0, 1], [2, 3])]);
        EmbeddingSet Rows(float x) => new([x, 0, 0, 1, -1, 0.1f, 0, 1], 2, [0, 1, 0, 1], ["a", "b"]);
        foreach (var classifier in (FewShotClassifier[])[FewShotClassifier.CosineNeighbour, FewShotClassifier.EuclideanNeighbour])
        {
            Assert.Equal([1, 1], FewShot.Predict(Rows(1), list, classifier)[0]);
            Assert.Equal([0, 1], FewShot.Predict(Rows(1), list, classifier, [Rows(-1)])[0]);
        }
        var data = Clustered(0.4);
        var drawn = EpisodeList.Draw(data.Labels, Names, new() { Shots = 2, Episodes = 20 });
        foreach (var classifier in (FewShotClassifier[])[FewShotClassifier.CosineCentroid, FewShotClassifier.EuclideanCentroid,
            FewShotClassifier.CosineNeighbour])
            Assert.Equal(FewShot.Predict(data, drawn, classifier), FewShot.Predict(data, drawn, classifier, [data]));
        Assert.Throws<ArgumentException>(() => FewShot.Predict(data, drawn, FewShotClassifier.CosineCentroid, [Rows(1)]));
    }

    [Fact]
    public void Transduction_agrees_with_soft_k_means_in_loops()
    {
        var data = Clustered(0.4);
        var list = EpisodeList.Draw(data.Labels, Names, new() { Ways = 3, Shots = 2, Queries = 5, Episodes = 20, Seed = 5 });
        double[] Row(int r) => Unit([.. data.Row(r).ToArray().Select(v => (double)v)]);
        foreach (var (episode, got) in list.Episodes.Zip(FewShot.Predict(data, list, FewShotClassifier.TransductiveCentroid)))
        {
            var sums = episode.Support.Chunk(2).Select(rows => Sum(rows.Select(Row))).ToArray();
            var queries = episode.Query.Select(Row).ToArray();
            var centroids = sums.Select(Unit).ToArray();
            double Cosine(double[] q, double[] c) => q.Zip(c, (a, b) => a * b).Sum();
            for (var round = 0; round < 10; round++)
            {
                var shares = queries.Select(q => centroids.Select(c => Math.Exp(Cosine(q, c) / 0.1)).ToArray())
                    .Select(e => e.Select(v => v / e.Sum()).ToArray()).ToArray();
                centroids = [
                    .. sums.Select((sum, w) => Unit(Sum([sum, .. queries.Select((q, i) => q.Select(v => v * shares[i][w]).ToArray())])))];
            }
            Assert.Equal(queries.Select(q => Enumerable.Range(0, 3).MaxBy(w => Cosine(q, centroids[w]))), got);
        }
    }

    [Fact]
    public void Classes_that_are_too_small_are_named()
    {
        int[] labels = [.. Enumerable.Repeat(0, 20), .. Enumerable.Repeat(1, 4), 2];
        var message = Assert.Throws<SchaneException>(() =>
            EpisodeList.Draw(labels, ["ok", "few\u001b[1m", "one"], new() { Ways = 2, Shots = 5 })).Message;
        Assert.Equal(
            @"Too few images: 'few\e[1m' has 4, 'one' has 1; 5 shots and 15 queries need 20 of each class. " +
            "Lower the shots or queries, or leave these classes out.",
            message);
        Assert.Contains("The data has 1 classes with images; 5-way episodes need 5.",
            Assert.Throws<SchaneException>(() => EpisodeList.Draw([0, 0, 0], ["a"], new() { Queries = 2 })).Message);
        Assert.Contains("Ways must be at least 2 but is 1.",
            Assert.Throws<ArgumentOutOfRangeException>(() => new FewShotOptions { Ways = 1 }).Message);
    }

    [Fact]
    public void Embeddings_that_are_not_finite_or_missing_are_refused()
    {
        var message = Assert.Throws<SchaneException>(() => new EmbeddingSet([1, 2, float.NaN, 4], 2, [0, 1], ["a", "b"])).Message;
        Assert.StartsWith("The embedding of image 1 (class 'b') holds NaN; every number must be finite.", message);
        Assert.Contains("no embeddings", Assert.Throws<SchaneException>(() => new EmbeddingSet([], 2, [], ["a"])).Message);
        Assert.Throws<ArgumentException>(() => new EmbeddingSet([1, 2, 3], 2, [0, 0], ["a"]));
        Assert.Throws<ArgumentException>(() => new EmbeddingSet([1, 2], 2, [1], ["a"]));
    }

    [Fact]
    public void The_average_of_views_is_the_mean_of_their_directions()
    {
        EmbeddingSet View(float x, float y) => new([x, y], 2, [0], ["a"]);
        Assert.Equal([0.8f, 0.4f], EmbeddingSet.Average(View(10, 0), View(0.3f, 0.4f)).Values, (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.Throws<ArgumentException>(() => EmbeddingSet.Average(View(1, 0), new EmbeddingSet([1], 1, [0], ["a"])));
    }

    private static double[] Unit(double[] v) => Math.Sqrt(v.Sum(x => x * x)) is var norm ? [.. v.Select(x => x / norm)] : [];

    private static double[] Sum(IEnumerable<double[]> rows) => rows.Aggregate((a, b) => [.. a.Zip(b, (x, y) => x + y)]);
}
