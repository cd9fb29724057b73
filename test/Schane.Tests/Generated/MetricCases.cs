using System.Text.Json.Nodes;
using Schane.Checkpoints;
using static TorchSharp.torch;

namespace Schane.Tests.Generated;

/// <summary>Golden cases of classification figures with random sizes, classes and bins, by their definitions in loops.</summary>
internal sealed class MetricCases(int seed, string folder)
{
    private readonly Random random = new(seed);

    public void Write()
    {
        Directory.CreateDirectory(folder);
        using var scope = NewDisposeScope();
        var (cases, tensors) = (new JsonArray(), new Dictionary<string, Tensor>());
        for (var i = 0; i < 4; i++)
            cases.Add(Case($"case{i}_seed{seed}", tensors));
        File.WriteAllText(Path.Combine(folder, "classification.json"), cases.ToJsonString());
        Safetensors.Write(Path.Combine(folder, "classification.safetensors"), tensors);
    }

    private JsonObject Case(string name, Dictionary<string, Tensor> tensors)
    {
        int classes = random.Next(2, 12), count = random.Next(2 * classes, 60), bins = random.Next(3, 25);
        var spread = 4 * random.NextDouble() + 0.2;
        int[] labels = [.. Enumerable.Range(0, count).Select(i => i < 2 * classes ? i % classes : random.Next(classes))];
        var logits = labels.Select(label =>
            Enumerable.Range(0, classes).Select(c => (float)(spread * (random.NextDouble() + (c == label ? 0.4 : 0)))).ToArray()).ToArray();
        (tensors[$"{name}.logits"], tensors[$"{name}.labels"]) = (tensor(logits.SelectMany(l => l).ToArray(), [count, classes]),
            tensor(labels.Select(l => (long)l).ToArray()));

        double[][] probabilities = [.. logits.Select(row => { var sum = row.Sum(l => Math.Exp(l)); return row.Select(l => Math.Exp(l) / sum)
            .ToArray(); })];
        int[] answers = [.. probabilities.Select(p => Array.IndexOf(p, p.Max()))];
        double Share(Func<int, bool> which) => Enumerable.Range(0, count).Count(which) / (double)count;
        double top1 = Share(i => answers[i] == labels[i]), top5 = Share(i => logits[i].Count(l => l > logits[i][labels[i]]) < 5);
        int Count(int truth, int answer) => Enumerable.Range(0, count).Count(i => labels[i] == truth && answers[i] == answer);
        int[] all = [.. Enumerable.Range(0, classes)];
        int[] truths = [.. all.Select(c => labels.Count(l => l == c))], taken = [.. all.Select(c => answers.Count(a => a == c))];
        double[] recall = [.. all.Select(c => Count(c, c) / (double)truths[c])],
            precision = [.. all.Select(c => taken[c] == 0 ? 0 : Count(c, c) / (double)taken[c])];
        double[] f1 = [.. all.Select(c => recall[c] + precision[c] == 0 ? 0 : 2 * recall[c] * precision[c] / (recall[c] + precision[c]))];
        var chance = all.Sum(c => truths[c] * (double)taken[c]) / count / count;
        // Pairs of an image of the class and one of another: the share where the first has the larger probability, ties half.
        double Area(int c) =>
            Enumerable.Range(0, count).Where(i => labels[i] == c).SelectMany(i => Enumerable.Range(0, count).Where(j => labels[j] != c)
            .Select(j => probabilities[i][c] > probabilities[j][c] ? 1 : probabilities[i][c] == probabilities[j][c] ? 0.5 : 0)).Average();
        var entry = new JsonObject
        {
            ["name"] = name,
            ["N"] = count,
            ["C"] = classes,
            ["top1"] = top1,
            ["top5_sklearn"] = top5,
            ["timm_accuracy_percent_top1_top5"] = new JsonArray(100 * top1, 100 * top5),
            ["confusion_matrix_rows_true"] = new JsonArray(
                [.. all.Select(t => new JsonArray([.. all.Select(a => (JsonNode)Count(t, a))]))]),
            ["macro_f1_all_labels_zero_division_0"] = f1.Average(),
            ["micro_f1"] = top1,
            ["weighted_f1"] = f1.Zip(truths, (f, n) => f * n).Sum() / count,
            ["per_class_precision"] = Numbers(precision),
            ["per_class_recall"] = Numbers(recall),
            ["per_class_f1"] = Numbers(f1),
            ["balanced_accuracy"] = recall.Average(),
            ["nll"] = probabilities.Select((p, i) => -Math.Log(p[labels[i]])).Average(),
            ["cohen_kappa"] = (top1 - chance) / (1 - chance),
            ["auroc_ovr_macro"] = all.Average(Area),
        };
        var (error, list) = (0.0, new JsonArray());
        for (var b = 0; b < bins; b++)
        {
            int[] inside = [.. Enumerable.Range(0, count)
                .Where(i => probabilities[i].Max() > b / (double)bins && probabilities[i].Max() <= (b + 1) / (double)bins)];
            if (inside.Length == 0)
            {
                list.Add(new JsonArray(0, null, null));
                continue;
            }
            double accuracy = inside.Average(i => answers[i] == labels[i] ? 1.0 : 0),
                confidence = inside.Average(i => probabilities[i].Max());
            error += inside.Length * Math.Abs(accuracy - confidence) / count;
            list.Add(new JsonArray(inside.Length, accuracy, confidence));
        }
        (entry[$"ece{bins}"], entry[$"ece{bins}_bins_count_acc_conf"]) = (error, list);
        return entry;
    }

    private static JsonArray Numbers(double[] values) => new([.. values.Select(v => (JsonNode)v)]);
}
