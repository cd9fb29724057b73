using System.Text.Json.Nodes;
using Schane.Checkpoints;
using static TorchSharp.torch;

namespace Schane.Tests.Generated;

/// <summary>Golden cases of cross-entropy with random smoothing, class weights, ignored rows and soft targets, by torch's documented
/// formula in scalars of a <see cref="Tape"/>.</summary>
internal sealed class CrossEntropyCases(int seed, string folder)
{
    private readonly Random random = new(seed);

    /// <returns>The entry of the index.</returns>
    public JsonObject Write()
    {
        int rows = random.Next(4, 9), classes = random.Next(3, 9), ignored = random.Next(classes, 200);
        double[] logits = [.. Enumerable.Range(0, rows * classes).Select(_ => 6 * random.NextDouble() - 3)],
            weight = [.. Enumerable.Range(0, classes).Select(_ => 0.2 + random.NextDouble())];
        long[] labels = [.. Enumerable.Range(0, rows).Select(_ => (long)random.Next(classes))];
        long[] some = [.. labels.Select((label, i) => i % 3 == 1 ? ignored : label)];
        double[][] soft = [.. Enumerable.Range(0, rows).Select(_ => Enumerable.Range(0, classes).Select(_ => random.NextDouble()).ToArray())
            .Select(t => t.Select(v => v / t.Sum()).ToArray())];
        var tensors = new Dictionary<string, Tensor>
        {
            ["a.logits64"] = tensor(logits, [rows, classes]),
            ["a.labels"] = tensor(labels),
            ["a.some"] = tensor(some),
            ["a.class_weight"] = tensor(weight),
            ["a.soft"] = tensor(soft.SelectMany(t => t).ToArray(), [rows, classes]),
        };
        var entries = new JsonArray();
        double smoothing = 0.5 * random.NextDouble(), timm = Math.Round(0.05 + 0.4 * random.NextDouble(), 2);
        Add("plain", new() { ["target"] = "labels" }, labels, 0);
        Add("smooth", new() { ["target"] = "labels", ["label_smoothing"] = smoothing }, labels, smoothing);
        Add("ignoring", new() { ["target"] = "some", ["ignore_index"] = ignored, ["label_smoothing"] = smoothing }, some, smoothing);
        Add("weighted",
            new() { ["target"] = "labels", ["weight"] = "class_weight", ["label_smoothing"] = smoothing }, labels, smoothing, weight);
        Add("timm", new() { ["target"] = "labels", ["peer"] = $"timm.loss.LabelSmoothingCrossEntropy({timm})" }, labels, timm);
        Save("soft", new() { ["target"] = "soft" },
            (tape, logs) => tape.Sum(soft.SelectMany((t, i) => t.Select((v, c) => logs[i][c] * -v))) * (1.0 / rows));
        foreach (var gamma in (double[])[0.5, 2, 1 + 2 * random.NextDouble()])
        {
            var all = new JsonObject
            { ["target"] = "some", ["ignore_index"] = ignored, ["weight"] = "class_weight", ["label_smoothing"] = smoothing };
            all["gamma"] = gamma;
            Add($"focal{gamma}", all, some, smoothing, weight, gamma);
            Save($"softfocal{gamma}", new() { ["target"] = "soft", ["gamma"] = gamma }, (tape, logs) =>
                tape.Sum(soft.SelectMany((t, i) => t.Select((v, c) => Focal(logs[i][c], gamma) * -v))) * (1.0 / rows));
        }
        Safetensors.Write(Path.Combine(folder, "cross_entropy.safetensors"), tensors);
        return new() { ["case"] = "cross_entropy", ["file"] = "cross_entropy.safetensors", ["entries"] = entries };

        // The smoothing part is weighted class by class, too; the mean divides by the weights of the targets.
        void Add(string key, JsonObject args, long[] targets, double smoothing, double[]? weights = null, double gamma = 0)
        {
            int[] kept = [.. Enumerable.Range(0, rows).Where(i => targets[i] < classes)];
            double Weight(long c) => weights is null ? 1 : weights[c];
            double Share(int i, int c) => smoothing / classes + (targets[i] == c ? 1 - smoothing : 0);
            Save(key, args, (tape, logs) =>
                tape.Sum(kept.SelectMany(i => logs[i].Select((log, c) => Focal(log, gamma) * -(Weight(c) * Share(i, c)))))
                * (1 / kept.Sum(i => Weight(targets[i]))));
        }

        // (1 − q)^γ log q; the power as exp(γ log(1 − q)).
        static Var Focal(Var log, double gamma) => gamma == 0 ? log : ((log.Exp() * -1 + 1).Log() * gamma).Exp() * log;

        void Save(string key, JsonObject args, Func<Tape, Var[][], Var> loss)
        {
            var tape = new Tape();
            Var[] leaves = [.. logits.Select(tape.Leaf)];
            Var[][] logs = [.. leaves.Chunk(classes).Select(row => { var all = tape.Sum(row.Select(v => v.Exp()))
                .Log(); return row.Select(v => v - all).ToArray(); })];
            var value = loss(tape, logs);
            var gradients = tape.Gradients(value);
            entries.Add(new JsonObject { ["key"] = $"a.{key}", ["args"] = args, ["value64"] = value.Value });
            tensors[$"a.{key}.grad64"] = tensor(leaves.Select(v => gradients[v.Index]).ToArray(), [rows, classes]);
        }
    }
}
