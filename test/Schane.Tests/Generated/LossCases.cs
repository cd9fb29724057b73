using System.Text.Json.Nodes;
using Schane.Checkpoints;
using static TorchSharp.torch;

namespace Schane.Tests.Generated;

/// <summary>Golden batches for the losses with random sizes and settings, written out over pairs in scalars of
/// a <see cref="Tape"/>.</summary>
internal sealed class LossCases(int seed, string folder)
{
    private readonly Random random = new(seed);

    public void Write()
    {
        Directory.CreateDirectory(folder);
        using var scope = NewDisposeScope();
        var index = new JsonArray();
        for (var i = 0; i < 4; i++)
            index.Add(Batch($"batch{i}_seed{seed}"));
        index.Add(new CrossEntropyCases(seed, folder).Write());
        File.WriteAllText(Path.Combine(folder, "index.json"), index.ToJsonString());
    }

    private JsonObject Batch(string name)
    {
        int images = random.Next(4, 9), views = random.Next(1, 4), width = random.Next(3, 9), classes = random.Next(2, 4);
        var tau = Between(0.07, 1);
        long[] labels = [.. Enumerable.Range(0, images).Select(i => (long)(i % classes))];
        var values = Enumerable.Range(0, images * views * width).Select(_ => Normal()).ToArray();
        var tensors = new Dictionary<string, Tensor> { ["emb64"] = tensor(values, [images, views, width]), ["labels"] = tensor(labels) };
        var entries = new JsonArray();
        int[] label = [.. Enumerable.Range(0, images * views).Select(row => (int)labels[row % images])],
            image = [.. Enumerable.Range(0, images * views).Select(row => row % images)];
        void Add(string key, JsonObject args, Func<Tape, Var[][], Var> loss)
        {
            var tape = new Tape();
            Var[] leaves = [.. values.Select(v => tape.Leaf(v))];
            // View-major: row v · N + i.
            Var[][] rows = [.. Enumerable.Range(0, images * views).Select(row =>
                Unit(tape, leaves[((row % images * views + row / images) * width)..((row % images * views + row / images + 1) * width)]))];
            var value = loss(tape, rows);
            var gradients = tape.Gradients(value);
            entries.Add(new JsonObject { ["key"] = key, ["args"] = args, ["value64"] = value.Value });
            tensors[$"{key}.grad64"] = tensor(leaves.Select(v => gradients[v.Index]).ToArray(), [images, views, width]);
        }

        var baseTemperature = Between(0.05, 0.5);
        // SupContrast: anchors without a positive count as 0 in the mean over all anchors.
        Add("supcon", new() { ["temperature"] = tau, ["base_temperature"] = tau }, (tape, rows) => SupCon(tape, rows, label, tau));
        Add("supcon_base", new() { ["temperature"] = tau, ["base_temperature"] = baseTemperature },
            (tape, rows) => SupCon(tape, rows, label, tau) * (tau / baseTemperature));
        if (views > 1)
            Add("simclr", new() { ["temperature"] = tau }, (tape, rows) => SupCon(tape, rows, image, tau));
        foreach (var outside in (bool[])[true, false])
        {
            var (beta, detached) = (Between(0, 2), random.Next(2) == 1);
            Add($"schane_{(outside ? "outside" : "inside")}_a",
                new() { ["tau"] = tau, ["beta"] = beta, ["variant"] = outside ? "outside" : "inside", ["w_detached"] = detached },
                (tape, rows) => Schane(tape, rows, label, tau, beta, outside, detached));
        }
        if (views == 2)
        {
            var (beta, tauPlus) = (Between(0, 2), Between(0, 0.3));
            Add("hcl_hard_tp_a", new() { ["estimator"] = "hard", ["beta"] = beta, ["tau_plus"] = tauPlus, ["temperature"] = tau },
                (tape, rows) => Hcl(tape, rows, image, tau, beta, tauPlus));
        }
        Safetensors.Write(Path.Combine(folder, $"{name}.safetensors"), tensors);
        return new() { ["case"] = name, ["file"] = $"{name}.safetensors", ["tau"] = tau, ["entries"] = entries };
    }

    private static Var[] Unit(Tape tape, Var[] row)
    {
        var length = tape.Dot(row.Select(v => (v, v))).Sqrt();
        return [.. row.Select(v => v / length)];
    }

    private static Var Similarity(Tape tape, Var[][] rows, int i, int j, double tau) => tape.Dot(rows[i].Zip(rows[j])) * (1 / tau);

    private static int[] Others(int i, Var[][] rows, Func<int, bool> which) =>
        [.. Enumerable.Range(0, rows.Length).Where(j => j != i && which(j))];

    private static Var SupCon(Tape tape, Var[][] rows, int[] label, double tau)
    {
        var terms = new List<Var>();
        for (var i = 0; i < rows.Length; i++)
        {
            var positives = Others(i, rows, j => label[j] == label[i]);
            if (positives.Length == 0)
                continue;
            var all = tape.Sum(Others(i, rows, _ => true).Select(j => Similarity(tape, rows, i, j, tau).Exp())).Log();
            terms.Add(all - tape.Sum(positives.Select(j => Similarity(tape, rows, i, j, tau))) * (1.0 / positives.Length));
        }
        return tape.Sum(terms) * (1.0 / rows.Length);
    }

    private static Var Schane(Tape tape, Var[][] rows, int[] label, double tau, double beta, bool outside, bool detached)
    {
        var terms = new List<Var>();
        for (var i = 0; i < rows.Length; i++)
        {
            var (positives, negatives) = (Others(i, rows, j => label[j] == label[i]), Others(i, rows, j => label[j] != label[i]));
            if (positives.Length == 0)
                continue;
            Var S(int j) => Similarity(tape, rows, i, j, tau);
            var attraction = tape.Sum(positives.Select(j => S(j).Exp()));
            Var[] hardness = [.. negatives.Select(j => (S(j) * beta).Exp())];
            var all = tape.Sum(hardness);
            Var Weight(int at) => hardness[at] * negatives.Length / all;
            var repulsion = tape.Sum(negatives.Select((j, at) => (detached ? tape.Leaf(Weight(at).Value) : Weight(at)) * S(j).Exp()));
            var denominator = (attraction + repulsion).Log();
            terms.Add(outside ? denominator - tape.Sum(positives.Select(S)) * (1.0 / positives.Length)
                : denominator - (attraction * (1.0 / positives.Length)).Log());
        }
        return tape.Sum(terms) * (1.0 / terms.Count);
    }

    private static Var Hcl(Tape tape, Var[][] rows, int[] image, double tau, double beta, double tauPlus)
    {
        var terms = new List<Var>();
        for (var i = 0; i < rows.Length; i++)
        {
            var (positive, negatives) = (Others(i, rows, j => image[j] == image[i])[0], Others(i, rows, j => image[j] != image[i]));
            Var Exp(int j) => Similarity(tape, rows, i, j, tau).Exp();
            var pos = Exp(positive);
            Var[] hardness = [.. negatives.Select(j => (Similarity(tape, rows, i, j, tau) * beta).Exp())];
            var reweighted = tape.Sum(negatives.Select((j, at) => hardness[at] * Exp(j))) * negatives.Length / tape.Sum(hardness);
            var estimate = (reweighted - pos * (tauPlus * negatives.Length)) * (1 / (1 - tauPlus));
            var least = negatives.Length * Math.Exp(-1 / tau);
            var others = estimate.Value < least ? tape.Leaf(least) : estimate;
            terms.Add((pos + others).Log() - pos.Log());
        }
        return tape.Sum(terms) * (1.0 / rows.Length);
    }

    private double Between(double low, double high) => low + (high - low) * random.NextDouble();

    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
