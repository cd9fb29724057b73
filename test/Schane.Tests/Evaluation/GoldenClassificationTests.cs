using System.Text.Json;
using Schane.Evaluation;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Evaluation;

public class GoldenClassificationTests
{
    private const double Tolerance = 1e-9;

    public static IEnumerable<TheoryDataRow<string>> Folders => GoldenFolder.Of("metrics", "classification.json");

    [Theory]
    [MemberData(nameof(Folders))]
    public void Agrees_with_scikit_learn_on_every_case(string folder)
    {
        using var scope = NewDisposeScope();
        var tensors = TensorFile.Read(Path.Combine(folder, "classification.safetensors"));
        var cases = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "classification.json"))).RootElement.EnumerateArray().ToList();
        Assert.NotEmpty(cases);
        foreach (var expected in cases)
        {
            var name = expected.GetProperty("name").GetString()!;
            if (expected.TryGetProperty("probabilities", out var probabilities))
            {
                double[][] rows = [.. probabilities.EnumerateArray()
                    .Select(row => row.EnumerateArray().Select(p => p.GetDouble()).ToArray())];
                int[] truth = [.. expected.GetProperty("labels").EnumerateArray().Select(l => l.GetInt32())];
                CheckCalibration(expected, [.. rows.Select(r => r.Max())],
                    [.. rows.Select((r, i) => Array.IndexOf(r, r.Max()) == truth[i])]);
            }
            else
            {
                var (logits, labels) = (tensors[$"{name}.logits"], tensors[$"{name}.labels"]);
                Check(expected, Classification.Of(logits, labels));
                var (confidence, answers) = logits.to_type(ScalarType.Float64).softmax(1).max(1);
                CheckCalibration(expected, confidence.data<double>().ToArray(), (answers == labels).data<bool>().ToArray());
            }
        }
        TestContext.Current.SendDiagnosticMessage($"{cases.Count} classification cases from {folder}");
    }

    private static void Check(JsonElement expected, Classification actual)
    {
        double Value(string key) => expected.GetProperty(key).GetDouble();
        double[] Values(string key) => [.. expected.GetProperty(key).EnumerateArray().Select(v => v.GetDouble())];

        Assert.Equal(expected.GetProperty("N").GetInt32(), actual.Count);
        Assert.Equal(Value("top1"), actual.Top1, Tolerance);
        Assert.Equal(Value("top5_sklearn"), actual.Top5, Tolerance);
        // float32
        Assert.Equal(Values("timm_accuracy_percent_top1_top5"), [100 * actual.Top1, 100 * actual.Top5], (a, b) => Math.Abs(a - b) < 1e-4);
        Assert.Equal(Value("macro_f1_all_labels_zero_division_0"), actual.MacroF1, Tolerance);
        Assert.Equal(Value("micro_f1"), actual.Top1, Tolerance);
        Assert.Equal(Value("weighted_f1"), actual.Classes.Sum(c => c.F1 * c.Count) / actual.Count, Tolerance);
        Assert.Equal(Value("balanced_accuracy"), actual.MeanPerClass, Tolerance);
        Assert.Equal(Value("nll"), actual.Nll, Tolerance);
        Assert.Equal(Value("cohen_kappa"), actual.Kappa, Tolerance);
        Assert.Equal(Values("per_class_recall"), actual.Classes.Select(c => c.Recall), (a, b) => Math.Abs(a - b) < Tolerance);
        Assert.Equal(Values("per_class_precision"), actual.Classes.Select(c => c.Precision), (a, b) => Math.Abs(a - b) < Tolerance);
        Assert.Equal(Values("per_class_f1"), actual.Classes.Select(c => c.F1), (a, b) => Math.Abs(a - b) < Tolerance);
        Assert.Equal(expected.GetProperty("confusion_matrix_rows_true").EnumerateArray()
            .Select(r => r.EnumerateArray().Select(v => v.GetInt32()).ToArray()).ToArray(), actual.Confusion);
        if (expected.TryGetProperty("auroc_ovr_macro", out var auroc))
            Assert.Equal(auroc.GetDouble(), actual.MacroAuroc!.Value, Tolerance);
        if (expected.TryGetProperty("ece15", out var ece))
            Assert.Equal(ece.GetDouble(), actual.Calibration.Error, Tolerance);
    }

    /// <summary>Every number of bins that the case has: <c>ece15</c>, <c>ece10</c>, and the bins themselves.</summary>
    private static void CheckCalibration(JsonElement expected, double[] confidence, bool[] right)
    {
        var compared = 0;
        foreach (var figure in expected.EnumerateObject().Where(p => p.Name.StartsWith("ece", StringComparison.Ordinal)))
        {
            var count = int.Parse(new string([.. figure.Name["ece".Length..].TakeWhile(char.IsDigit)]));
            var actual = Calibration.Of(confidence, right, count);
            Assert.Equal(count, actual.Bins.Count);
            compared++;
            if (figure.Value.ValueKind != JsonValueKind.Array)
            {
                Assert.Equal(figure.Value.GetDouble(), actual.Error, Tolerance);
                continue;
            }
            foreach (var (bin, got) in figure.Value.EnumerateArray().Zip(actual.Bins))
            {
                Assert.Equal(bin[0].GetInt32(), got.Count);
                if (got.Count == 0)
                    continue;
                Assert.Equal(bin[1].GetDouble(), got.Accuracy!.Value, Tolerance);
                Assert.Equal(bin[2].GetDouble(), got.Confidence!.Value, Tolerance);
            }
        }
        Assert.True(compared > 0, "The case has no calibration error.");
    }
}
