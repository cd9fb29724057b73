using System.Text.Json.Nodes;
using Schane.Checkpoints;
using Schane.Tests.Oracles;
using static TorchSharp.torch;

namespace Schane.Tests.Generated;

/// <summary>Golden few-shot episodes on random features, some of them badly scaled: nearest rows and means by loops, logistic regression by
/// <see cref="RegressionOracle"/>.</summary>
internal sealed class FewShotCases(int seed, string folder)
{
    // Student's t at 0.975 with 5 and 7 degrees of freedom.
    private static readonly Dictionary<int, double> Quantile = new() { [6] = 2.570581835636314, [8] = 2.364624251592785 };

    private readonly Random random = new(seed);

    public void Write()
    {
        Directory.CreateDirectory(folder);
        using var scope = NewDisposeScope();
        int classes = 6, perClass = 9, width = random.Next(4, 8);
        // Columns from a ten-thousandth to a hundred: what a network's features are not, but a peer may be given.
        double[] scales = [.. Enumerable.Range(0, width).Select(_ => Math.Pow(10, 6 * random.NextDouble() - 4))];
        double[][] centres = [.. Enumerable.Range(0, classes).Select(_ => scales.Select(s => s * Normal()).ToArray())];
        var labels = Enumerable.Range(0, classes * perClass).Select(i => (long)(i / perClass)).ToArray();
        var features = labels.Select(l => centres[l].Select((c, d) => (float)(c + scales[d] * Normal())).ToArray()).ToArray();
        var tensors = new Dictionary<string, Tensor>
        { ["features"] = tensor(features.SelectMany(f => f).ToArray(), [labels.Length, width]), ["class"] = tensor(labels) };
        var settings = new JsonArray();
        foreach (var (way, shot, episodes) in ((int, int, int)[])[(3, 1, 6), (4, 3, 8)])
        {
            var queries = random.Next(2, 5);
            var key = $"{way}way_{shot}shot";
            // Ways come in another order than ours.
            long[] supportWays = [.. Shuffled([.. Enumerable.Range(0, way * shot).Select(i => (long)(i % way))])],
                queryWays = [.. Shuffled([.. Enumerable.Range(0, way * queries).Select(i => (long)(i % way))])];
            var drawn = Enumerable.Range(0, episodes).Select(_ =>
            {
                var chosen = Shuffled([.. Enumerable.Range(0, classes)]).Take(way).ToArray();
                var rows = chosen.Select(c => new Queue<int>(Shuffled([.. Enumerable.Range(c * perClass, perClass)]))).ToArray();
                return (Support: supportWays.Select(w => rows[w].Dequeue()).ToArray(),
                    Query: queryWays.Select(w => rows[w].Dequeue()).ToArray());
            }).ToArray();
            tensors[$"{key}.support_idx"] = Rows(drawn.Select(e => e.Support));
            tensors[$"{key}.query_idx"] = Rows(drawn.Select(e => e.Query));
            (tensors[$"{key}.support_y"], tensors[$"{key}.query_y"]) = (tensor(supportWays), tensor(queryWays));
            foreach (var unit in (bool[])[true, false])
            {
                double[] Row(int row) => unit ? Unit(features[row]) : [.. features[row].Select(v => (double)v)];
                foreach (var classifier in (string[])["NN", "Cosine", "Proto", "LR"])
                {
                    var c = classifier == "LR" ? Math.Pow(10, 2 * random.NextDouble() - 1) : 1;
                    var probabilities = new List<double[]>();
                    var predictions = drawn.Select(e =>
                    {
                        var (support, query) = (e.Support.Select(Row).ToArray(), e.Query.Select(Row).ToArray());
                        if (classifier == "LR")
                        {
                            var found = RegressionOracle.Probabilities(support, [.. supportWays.Select(w => (int)w)], query, way, c);
                            probabilities.AddRange(found);
                            return found.Select(p => (long)Array.IndexOf(p, p.Max())).ToArray();
                        }
                        var means = Enumerable.Range(0, way)
                            .Select(w => Mean(support.Where((_, i) => supportWays[i] == w).ToArray())).ToArray();
                        return query.Select(q => classifier switch
                        {
                            "NN" => supportWays[Least(support, s => Distance(s, q))],
                            "Cosine" => supportWays[Least(support, s => -Dot(Unit(s), Unit(q)))],
                            _ => Least(means, m => Distance(m, q)),
                        }).ToArray();
                    }).ToArray();
                    double[] accuracy = [.. predictions.Select(p => p.Zip(queryWays).Count(z => z.First == z.Second) / (double)p.Length)];
                    var mean = accuracy.Average();
                    var name = $"{key}.{(unit ? "norm" : "raw")}.{classifier}";
                    tensors[$"{name}.pred"] = tensor(predictions.SelectMany(p => p).ToArray(), [episodes, queryWays.Length]);
                    if (classifier == "LR" && unit)
                        tensors[$"{name}_converged.proba"] = tensor(probabilities.SelectMany(p => p).ToArray(),
                            [episodes, queryWays.Length, way]);
                    settings.Add(new JsonObject
                    {
                        ["key"] = name,
                        ["way"] = way,
                        ["shot"] = shot,
                        ["query_per_class"] = queries,
                        ["episodes"] = episodes,
                        ["is_norm"] = unit,
                        ["classifier"] = classifier,
                        ["C"] = c,
                        ["oracle"] = true,
                        ["accuracy"] = new JsonArray([.. accuracy.Select(a => (JsonNode)a)]),
                        ["mean"] = mean,
                        ["ci95_half_width"] = Quantile[episodes]
                            * Math.Sqrt(accuracy.Sum(a => (a - mean) * (a - mean)) / (episodes - 1) / episodes),
                    });
                }
            }
        }
        File.WriteAllText(Path.Combine(folder, "fewshot.json"), new JsonObject { ["settings"] = settings }.ToJsonString());
        Safetensors.Write(Path.Combine(folder, "fewshot.safetensors"), tensors);
    }

    private static Tensor Rows(IEnumerable<int[]> rows)
    {
        var all = rows.ToArray();
        return tensor(all.SelectMany(r => r).Select(i => (long)i).ToArray(), [all.Length, all[0].Length]);
    }

    private static double[] Unit(IEnumerable<float> row) => Unit([.. row.Select(v => (double)v)]);

    private static double[] Unit(double[] row)
    {
        var length = Math.Sqrt(Dot(row, row));
        return [.. row.Select(v => v / length)];
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();

    private static double Distance(double[] a, double[] b) => a.Zip(b, (x, y) => (x - y) * (x - y)).Sum();

    private static double[] Mean(double[][] rows) => [.. Enumerable.Range(0, rows[0].Length).Select(d => rows.Average(r => r[d]))];

    private static int Least(double[][] rows, Func<double[], double> of) => Enumerable.Range(0, rows.Length).MinBy(i => of(rows[i]));

    private T[] Shuffled<T>(T[] values)
    {
        random.Shuffle(values);
        return values;
    }

    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
