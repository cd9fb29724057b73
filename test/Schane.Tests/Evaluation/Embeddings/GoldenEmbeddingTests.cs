using System.Text.Json;
using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Episodes;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Evaluation.Embeddings;

public class GoldenEmbeddingTests
{
    private const double Tolerance = 1e-9, Float32 = 1e-5;

    public static IEnumerable<TheoryDataRow<string>> Folders => GoldenFolder.Of("metrics", "embedding.json");

    [Theory]
    [MemberData(nameof(Folders))]
    public void Agrees_with_pytorch_metric_learning_and_scikit_learn_on_every_case(string folder)
    {
        using var scope = NewDisposeScope();
        var tensors = TensorFile.Read(Path.Combine(folder, "embedding.safetensors"));
        var cases = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "embedding.json"))).RootElement.EnumerateArray().ToList();
        Assert.NotEmpty(cases);
        foreach (var expected in cases)
        {
            var name = expected.GetProperty("name").GetString()!;
            Check(expected, name, tensors, EmbeddingSet.Of(tensors[$"{name}.embeddings"], tensors[$"{name}.labels"]));
        }
        TestContext.Current.SendDiagnosticMessage($"{cases.Count} embedding cases from {folder}");
    }

    private static void Check(JsonElement expected, string name, Dictionary<string, Tensor> tensors, EmbeddingSet data)
    {
        CheckRetrieval(expected.GetProperty("pml_euclidean"), Retrieval.Of(data, Metric.Euclidean));
        CheckRetrieval(expected.GetProperty("pml_cosine"), Retrieval.Of(data));
        CheckRetrieval(expected.GetProperty("pml_euclidean_normalised"), Retrieval.Of(Normalised(data), Metric.Euclidean));
        foreach (var metric in expected.GetProperty("recall_at_k").EnumerateObject())
        {
            var found = Retrieval.Of(data, metric.Name switch
            { "euclidean" => Metric.Euclidean, "cosine" => Metric.Cosine, var other => throw new InvalidDataException(other) },
                [.. metric.Value.EnumerateObject().Select(k => int.Parse(k.Name))]);
            foreach (var k in metric.Value.EnumerateObject())
            {
                Assert.Equal(k.Value.GetProperty("queries_with_a_match").GetDouble(), found.RecallAt[int.Parse(k.Name)], Tolerance);
                Assert.Equal(k.Value.GetProperty("all_queries").GetDouble(),
                    found.RecallAt[int.Parse(k.Name)] * found.Queries / data.Count, Tolerance);
            }
        }

        var parts = expected.GetProperty("pml_query_reference_euclidean");
        CheckRetrieval(parts, Retrieval.Of(Part(data, parts, "query_rows"), Part(data, parts, "reference_rows"), Metric.Euclidean));

        var knn = expected.GetProperty("weighted_knn");
        var voted = NearestNeighbours.Of(Part(data, knn, "query_rows"), Part(data, knn, "reference_rows"), knn.GetProperty("k").GetInt32(),
            knn.GetProperty("temperature").GetDouble());
        Assert.Equal(knn.GetProperty("top1").GetDouble(), voted.Accuracy.Mean, Tolerance);
        Assert.Equal(tensors[$"{name}.weighted_knn.scores"].data<double>().ToArray(), voted.Scores.SelectMany(s => s),
            (a, b) => Math.Abs(a - b) < 1e-9 * Math.Max(1, Math.Abs(a)));

        int[] clusters = [.. tensors[$"{name}.clusters"].data<long>().ToArray().Select(c => (int)c)];
        var agreement = Clustering.Of(data.Labels, clusters);
        double Value(string key) => expected.GetProperty(key).GetDouble();
        var (information, h, g) = (agreement.MutualInformation, agreement.LabelEntropy, agreement.ClusterEntropy);
        Assert.Equal(Value("mutual_info_nats"), information, Tolerance);
        Assert.Equal(Value("nmi_arithmetic"), agreement.Nmi, Tolerance);
        Assert.Equal(Value("nmi_geometric"), information / Math.Sqrt(h * g), Tolerance);
        Assert.Equal(Value("nmi_min"), information / Math.Min(h, g), Tolerance);
        Assert.Equal(Value("nmi_max"), information / Math.Max(h, g), Tolerance);
        Assert.Equal(Value("ami"), agreement.Ami, Tolerance);
        Assert.Equal(Value("ari"), agreement.Ari, Tolerance);

        var silhouette = Silhouette.Of(data, Metric.Euclidean);
        Assert.Equal(Value("silhouette_euclidean"), silhouette.Mean, 1e-7);                     // scikit-learn's distances are float32 here
        Assert.Equal(tensors[$"{name}.silhouette_samples_euclidean"].data<double>().ToArray(), silhouette.Samples,
            (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.Equal(Value("silhouette_cosine"), Silhouette.Of(data, Metric.Cosine).Mean, 1e-7);

        var quality = EmbeddingQuality.Of(data);
        Assert.Equal(Value("alignment_alpha2_same_label_pairs"), quality.Alignment!.Value, Tolerance);
        Assert.Equal(Value("uniformity_t2_all_pairs"), quality.Uniformity!.Value, Tolerance);
    }

    private static void CheckRetrieval(JsonElement expected, Retrieval found)
    {
        Assert.Equal(expected.GetProperty("precision_at_1").GetDouble(), found.PrecisionAt1, Tolerance);
        Assert.Equal(expected.GetProperty("r_precision").GetDouble(), found.RPrecision, Tolerance);
        Assert.Equal(expected.GetProperty("mean_average_precision_at_r").GetDouble(), found.MapAtR, Tolerance);
        Assert.Equal(expected.GetProperty("mean_average_precision").GetDouble(), found.Map, Tolerance);
        Assert.Equal(expected.GetProperty("mean_reciprocal_rank").GetDouble(), found.MeanReciprocalRank, Float32);
    }

    private static EmbeddingSet Normalised(EmbeddingSet data)
    {
        using var scope = NewDisposeScope();
        return new([.. nn.functional.normalize(data.ToTensor(), dim: 1).to_type(ScalarType.Float32).data<float>()],
            data.Width, data.Labels, data.Classes);
    }

    private static EmbeddingSet Part(EmbeddingSet data, JsonElement parts, string key)
    {
        var (from, to) = (parts.GetProperty(key)[0].GetInt32(), parts.GetProperty(key)[1].GetInt32());
        return new(data.Values[(from * data.Width)..(to * data.Width)], data.Width, data.Labels[from..to], data.Classes);
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Tiny_partitions_have_scikit_learns_values(string folder)
    {
        var cases = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "clustering_edge_cases.json"))).RootElement
            .EnumerateArray().ToList();
        Assert.NotEmpty(cases);
        foreach (var expected in cases)
        {
            int[] Numbers(string key) => [.. expected.GetProperty(key).EnumerateArray().Select(l => l.GetInt32())];
            var found = Clustering.Of(Numbers("labels"), Numbers("clusters"));
            Assert.Equal((expected.GetProperty("nmi").GetDouble(), expected.GetProperty("ami").GetDouble(),
                expected.GetProperty("ari").GetDouble()), (found.Nmi, found.Ami, found.Ari),
                (a, b) => Math.Abs(a.Item1 - b.Item1) + Math.Abs(a.Item2 - b.Item2) + Math.Abs(a.Item3 - b.Item3) < Tolerance);
        }
        TestContext.Current.SendDiagnosticMessage($"{cases.Count} clustering cases from {folder}");
    }
}
