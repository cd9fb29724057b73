using System.Text.Json;
using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Episodes;
using Schane.Tests.Oracles;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Evaluation.Episodes;

public class GoldenFewShotTests
{
    /// <summary>Episodes of a case whose optimum the oracle proves.</summary>
    private const int Proven = 2;

    public static IEnumerable<TheoryDataRow<string>> Folders => GoldenFolder.Of("fewshot", "fewshot.json");

    [Theory]
    [MemberData(nameof(Folders))]
    public void Predictions_of_nearest_rows_and_prototypes_are_those_of_rfs(string folder)
    {
        using var scope = NewDisposeScope();
        var tensors = TensorFile.Read(Path.Combine(folder, "fewshot.safetensors"));
        var settings = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "fewshot.json"))).RootElement
            .GetProperty("settings").EnumerateArray().ToList();
        var cases = 0;
        foreach (var setting in settings)
        {
            var classifier = setting.GetProperty("classifier").GetString() switch
            {
                "NN" => FewShotClassifier.EuclideanNeighbour,
                "Cosine" => FewShotClassifier.CosineNeighbour,
                "Proto" => FewShotClassifier.EuclideanCentroid,
                "LR" or "SVM" => (FewShotClassifier?)null,
                var other => throw new InvalidDataException($"{folder} has the unknown classifier {other}."),
            };
            if (classifier is not { } known)
                continue;
            var key = setting.GetProperty("key").GetString()!;
            var (data, episodes, order) = GoldenEpisodes.Of(tensors, setting);
            var expected = tensors[$"{key}.pred"].index_select(1, tensor(order)).contiguous().data<long>().ToArray();
            Assert.Equal(expected, FewShot.Predict(data, episodes, known).SelectMany(p => p).Select(w => (long)w));

            var result = FewShot.Run(data, episodes, known);
            Assert.Equal(setting.GetProperty("mean").GetDouble(), result.Accuracy.Mean, 1e-12);
            Assert.Equal(setting.GetProperty("ci95_half_width").GetDouble(), result.Accuracy.HalfWidth!.Value, 1e-9);
            Assert.Equal(setting.GetProperty("accuracy").EnumerateArray().Select(a => a.GetDouble()), result.Episodes,
                (a, b) => Math.Abs(a - b) < 1e-12);
            cases++;
        }
        Assert.True(cases > 0, $"{folder} holds no case");
        TestContext.Current.SendDiagnosticMessage($"{cases} few-shot cases from {folder}");
    }

    [Theory]
    [Trait("Slow", "1")]
    [MemberData(nameof(Folders))]
    public void Logistic_regression_finds_the_converged_probabilities_and_rfs_predictions_but_two(string folder)
    {
        using var scope = NewDisposeScope();
        var tensors = TensorFile.Read(Path.Combine(folder, "fewshot.safetensors"));
        var cases = 0;
        foreach (var setting in JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "fewshot.json"))).RootElement
            .GetProperty("settings").EnumerateArray())
        {
            if (setting.GetProperty("classifier").GetString() != "LR")
                continue;
            var key = setting.GetProperty("key").GetString()!;
            var (data, list, order) = GoldenEpisodes.Of(tensors, setting);
            var c = setting.TryGetProperty("C", out var given) ? given.GetDouble() : 1;
            var (ways, shots) = (list.Options.Ways, list.Options.Shots);
            var values = tensors["features"].data<float>().ToArray();
            var scales = tensors["features"].to_type(ScalarType.Float64).norm(1).reciprocal().data<double>().ToArray();
            var unit = setting.GetProperty("is_norm").GetBoolean();
            ScaledRow Row(int row) => new(values, row * data.Width, unit ? scales[row] : 1);
            int[] labels = [.. Enumerable.Range(0, ways * shots).Select(i => i / shots)];
            RegressionProblem[] problems = [
                .. list.Episodes.Select(e => new RegressionProblem([.. e.Support.Select(Row)], labels, [.. e.Query.Select(Row)]))];
            var probabilities = tensor(LogisticRegression.Logits(problems, data.Width, ways, c).SelectMany(l => l).ToArray(),
                [list.Episodes.Count, list.Options.Ways * list.Options.Queries, ways]).softmax(2);

            Tensor? Golden(string name) => tensors.TryGetValue(name, out var found) ? found.index_select(1, tensor(order)) : null;
            var different = probabilities.argmax(2) != Golden($"{key}.pred")!;
            var (best, _) = probabilities.topk(2, dim: 2);
            var margin = best.select(2, 0) - best.select(2, 1);
            // rfs stops early: by 3e-5 on rows of unit length, farther out on long rows, where only near ties may fall the other way.
            Assert.True(unit ? different.sum().item<long>() <= 2 : margin.masked_select(different).less(0.005).all().item<bool>(),
                $"{key}: {different.sum().item<long>()} predictions differ");
            if (Golden($"{key}.proba") is { } stopped)
                Assert.InRange((probabilities - stopped).abs().max().item<double>(), 0, 1e-4);
            if (Golden(key.Replace(".LR", ".LR_converged") + ".proba") is { } converged)
            {
                double[] Plain(ScaledRow row) => [.. Enumerable.Range(row.Start, data.Width).Select(d => row.Values[d] * row.Scale)];
                var (ours, stored) = (0.0, 0.0);
                for (var e = 0; e < Math.Min(Proven, problems.Length); e++)
                {
                    var optimum = tensor(RegressionOracle.Probabilities([.. problems[e].Support.Select(Plain)], labels,
                        [.. problems[e].Query.Select(Plain)], ways, c).SelectMany(p => p).ToArray(),
                        [problems[e].Query.Length, ways]);
                    ours = Math.Max(ours, (probabilities[e] - optimum).abs().max().item<double>());
                    stored = Math.Max(stored, (converged[e] - optimum).abs().max().item<double>());
                }
                Assert.InRange(ours, 0, 1e-8);
                TestContext.Current.SendDiagnosticMessage($"{folder} {key}: from the optimum ours {ours:g2}, the stored {stored:g2}");
                Assert.InRange((probabilities - converged).abs().max().item<double>(), 0, 1e-5);
            }
            Assert.InRange(LogisticRegressionTests.Gradient(problems, labels, data.Width, ways, c), 0, 1e-7);
            if (unit)
                Assert.Equal(setting.GetProperty("mean").GetDouble(), FewShot.Run(data, list, FewShotClassifier.LogisticRegression,
                    regressionC: c).Accuracy.Mean, 2.0 / different.numel() + 1e-12);
            cases++;
        }
        Assert.True(cases > 0, $"{folder} holds no case");
        TestContext.Current.SendDiagnosticMessage($"{cases} logistic regressions from {folder}");
    }
}

/// <summary>
/// The episodes of a golden setting over its features, which are scaled to unit length where the setting says so. The files may list ways
/// in any order; ours go way by way: the order says at which place of the file each of our queries stands.
/// </summary>
internal static class GoldenEpisodes
{
    public static (EmbeddingSet Data, EpisodeList Episodes, long[] Order) Of(Dictionary<string, Tensor> tensors, JsonElement setting)
    {
        var key = setting.GetProperty("key").GetString()!.Split('.')[0];
        var options = new FewShotOptions
        {
            Ways = setting.GetProperty("way").GetInt32(),
            Shots = setting.GetProperty("shot").GetInt32(),
            Queries = setting.GetProperty("query_per_class").GetInt32(),
            Episodes = setting.GetProperty("episodes").GetInt32(),
        };
        var features = tensors["features"];
        if (setting.GetProperty("is_norm").GetBoolean())
            features = nn.functional.normalize(features, dim: 1);
        var labels = tensors["class"].data<long>().ToArray();
        var (support, query) = (tensors[$"{key}.support_idx"], tensors[$"{key}.query_idx"]);
        var (supportY, queryY) = (tensors[$"{key}.support_y"].data<long>().ToArray(), tensors[$"{key}.query_y"].data<long>().ToArray());
        long[] order = [.. Enumerable.Range(0, queryY.Length).OrderBy(i => queryY[i]).Select(i => (long)i)];
        var episodes = Enumerable.Range(0, options.Episodes).Select(e =>
        {
            var (s, q) = (support[e].data<long>().ToArray(), query[e].data<long>().ToArray());
            int[] supportRows = [.. s.Zip(supportY).OrderBy(p => p.Second).Select(p => (int)p.First)];
            return new Episode([.. supportRows.Chunk(options.Shots).Select(c => (int)labels[c[0]])], supportRows,
                [.. order.Select(i => (int)q[i])]);
        }).ToList();
        return (EmbeddingSet.Of(features, tensors["class"]), new EpisodeList(options, labels.Length, episodes), order);
    }
}
