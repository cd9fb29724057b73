using System.Globalization;
using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Selection;
using Schane.Evaluation.Statistics;
using Schane.Runs;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Benchmarks.Labels;

/// <summary>
/// How many labels does choosing save? Rounds of choosing and labelling on the embeddings that a run keeps, with the linear probe on the
/// frozen features in place of training: two labels a class at random, then as many more in each round, chosen by each method from the
/// training and validation images, measured on the test images. Not what fine-tuning in between would give.
/// </summary>
internal static class LabelsSaved
{
    private const int First = 2;

    /// <summary>λ = 1 / (n · this), the middle of what <see cref="ProbeHead"/> chooses from.</summary>
    private const double Strength = 0.1;

    private const SelectionMethod Baseline = SelectionMethod.Random;

    public static int Run(string[] arguments)
    {
        int Option(string name, int usual) => Array.IndexOf(arguments, name) is var at and >= 0
            ? int.Parse(arguments[at + 1], CultureInfo.InvariantCulture) : usual;
        set_num_threads(1);
        using var _ = no_grad();
        SelectionMethod[] methods = [Baseline, .. Array.IndexOf(arguments, "--methods") is var at and >= 0
            ? arguments[at + 1].Split(',').Select(name => Enum.Parse<SelectionMethod>(name, ignoreCase: true))
            : Enum.GetValues<SelectionMethod>().Where(m => m != Baseline)];
        foreach (var folder in arguments.TakeWhile(a => !a.StartsWith("--", StringComparison.Ordinal)))
            Measure(new(EmbeddedImages.Load(RunFolder.Open(folder).Embeddings)), Path.GetFileName(folder), methods, Option("--seeds", 5),
                Option("--to", 20), Option("--step", 3));
        return 0;
    }

    private static void Measure(Loop loop, string name, SelectionMethod[] methods, int seeds, int to, int step)
    {
        int[] rounds = [.. Enumerable.Range(0, (to - First) / step + 1).Select(round => First + round * step)];
        var curves = methods.ToDictionary(m => m, m => new double[seeds][]);
        for (var seed = 0; seed < seeds; seed++)
            foreach (var method in methods)
            {
                curves[method][seed] = loop.Accuracies(method, seed, rounds.Length, step);
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{name} seed {seed} {method}: {string.Join(' ', curves[method][seed].Select(a => $"{a:P1}"))}"));
            }
        Say($"{name}: {loop.PoolSize} images to choose from, {loop.Classes} classes, {loop.TestSize} test images, {seeds} seeds");
        Say($"labels a class | {string.Join(" | ", rounds)}");
        foreach (var method in methods)
            Say($"{method} | " + string.Join(" | ", rounds.Select((_, r) => $"{100 * curves[method].Average(c => c[r]):F1}")));
        foreach (var method in methods[1..])
            Say($"{method} - random | " + string.Join(" | ", rounds.Select((_, r) => Shown(PairedComparison.Of(
                [.. curves[method].Select(c => 100 * c[r])], [.. curves[Baseline].Select(c => 100 * c[r])]).Difference, "+0.0;-0.0"))));
        foreach (var target in rounds.Select((_, r) => r).Where(r => rounds[r] is 8 or 14 || r == rounds.Length - 1))
            Say($"share of the labels for what random reaches with {rounds[target]} | " + string.Join(" | ", methods[1..].Select(m =>
                $"{m} {Shown(Interval.StudentT([.. Enumerable.Range(0, seeds).Select(seed => 100 * Needed(rounds, curves[m][seed],
                    curves[Baseline].Average(c => c[target])) / rounds[target])]), "0")} %")));
    }

    /// <summary>Labels a class at which a curve first reaches an accuracy, between rounds in proportion; the last round's where it never
    /// does, of which there is a count.</summary>
    private static double Needed(int[] rounds, double[] curve, double accuracy)
    {
        var at = Array.FindIndex(curve, a => a >= accuracy);
        return at switch
        {
            0 => rounds[0],
            < 0 => rounds[^1],
            _ => rounds[at - 1] + (accuracy - curve[at - 1]) / (curve[at] - curve[at - 1]) * (rounds[at] - rounds[at - 1]),
        };
    }

    private static string Shown(Interval interval, string format)
    {
        string Number(double? value) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "?";
        return $"{Number(interval.Mean)} ({Number(interval.Low)} to {Number(interval.High)})";
    }

    private static void Say(string line) => Console.WriteLine(line);

    /// <summary>Images to choose from, whose labels are told when they are chosen, and images to measure on.</summary>
    private sealed class Loop
    {
        private readonly EmbeddingSet pool, test;
        private readonly Tensor rows, testRows, truth;                    // [n, D], [t, D], [t]

        public Loop(EmbeddedImages images)
        {
            var known = images.Part("train")!;
            pool = (images.Part("val") is { } val ? EmbeddedImages.Join(known, val) : known).Embeddings;
            test = images.Part("test")!.Embeddings;
            var raw = pool.ToTensor();
            var (mean, scale) = (raw.mean([0], keepdim: true), (raw - raw.mean([0], keepdim: true)).square().mean().sqrt());
            (rows, testRows, truth) = ((raw - mean) / scale, (test.ToTensor() - mean) / scale, tensor(test.Labels));
        }

        public int PoolSize => pool.Count;
        public int Classes => pool.Classes.Count;
        public int TestSize => test.Count;

        public double[] Accuracies(SelectionMethod method, int seed, int rounds, int step)
        {
            using var scope = NewDisposeScope();
            List<int> labelled = [.. Enumerable.Range(0, pool.Count).GroupBy(i => pool.Labels[i]).OrderBy(own => own.Key)
                .SelectMany(own => Shuffled([.. own], seed, own.Key).Take(First))];
            var weights = zeros([pool.Width + 1, Classes], ScalarType.Float64);
            var accuracies = new double[rounds];
            for (var round = 0; round < rounds; round++)
            {
                using var inner = NewDisposeScope();
                var chosen = tensor(labelled.Select(i => (long)i).ToArray());
                var targets = nn.functional.one_hot(tensor(labelled.Select(i => (long)pool.Labels[i]).ToArray()), Classes)
                    .to_type(ScalarType.Float64);
                weights = LinearProbe.Fit(rows.index_select(0, chosen), targets, 1 / (labelled.Count * Strength), weights, 1e-4, 200)
                    .MoveToOuterDisposeScope();
                accuracies[round] = (LinearProbe.Logits(testRows, weights).argmax(1) == truth).to_type(ScalarType.Float64).mean()
                    .item<double>();
                if (round == rounds - 1)
                    break;
                int[] left = [.. Enumerable.Range(0, pool.Count).Except(labelled)];
                using var probabilities = LinearProbe.Logits(rows.index_select(0, tensor(left.Select(i => (long)i).ToArray())), weights)
                    .softmax(1);
                var next = NextLabels.Choose(method, new(pool.Rows(left).Values, pool.Width, Copy.Floats(probabilities), Classes),
                    pool.Rows(labelled), step * Classes, seed * 1000 + round);
                labelled.AddRange(next.Select(i => left[i]));
            }
            return accuracies;
        }

        private static int[] Shuffled(int[] images, params ReadOnlySpan<long> key)
        {
            new SampleRandom(key).Shuffle<int>(images);
            return images;
        }
    }
}
