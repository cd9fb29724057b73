using System.Globalization;
using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Statistics;
using Schane.Inference;
using Schane.Runs;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Benchmarks.Labels;

/// <summary>
/// What does self-training gain, and at which precision of its labels? The linear probe on the embeddings that a run keeps: fitted on some
/// labels a class, then again with the labels that it gives the other training images, those from the confidence on which has the wanted
/// precision on the validation images. Accuracy on the test images; not what fine-tuning in between would give.
/// </summary>
internal static class SelfTrainingGain
{
    private const double Strength = 0.1;                                  // as in LabelsSaved

    public static int Run(string[] arguments)
    {
        string Option(string name, string usual) => Array.IndexOf(arguments, name) is var at and >= 0 ? arguments[at + 1] : usual;
        double[] Numbers(string name, string usual) =>
            [.. Option(name, usual).Split(',').Select(number => double.Parse(number, CultureInfo.InvariantCulture))];
        set_num_threads(1);
        using var _ = no_grad();
        var (seeds, precisions) = (int.Parse(Option("--seeds", "5"), CultureInfo.InvariantCulture), Numbers("--precisions", "0.8"));
        foreach (var folder in arguments.TakeWhile(a => !a.StartsWith("--", StringComparison.Ordinal)))
        {
            var images = new Divided(EmbeddedImages.Load(RunFolder.Open(folder).Embeddings));
            foreach (var labels in Numbers("--labels", "2,5,10"))
            {
                var alone = new double[seeds];
                var added = precisions.ToDictionary(p => p, _ => new (double Accuracy, int Given, double Right)[seeds]);
                for (var seed = 0; seed < seeds; seed++)
                    alone[seed] = images.Measure((int)labels, seed, precisions, (p, found) => added[p][seed] = found);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{Path.GetFileName(folder)}, {labels} labels a class, {seeds} seeds: {100 * alone.Average():F1}"));
                foreach (var (precision, found) in added)
                {
                    var difference = PairedComparison.Of([.. found.Select(f => 100 * f.Accuracy)], [.. alone.Select(a => 100 * a)])
                        .Difference;
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  precision {precision}: {difference.Mean:+0.0;-0.0} " +
                        $"({difference.Low:0.0} to {difference.High:0.0}); {found.Average(f => f.Given):F0} images get a label, " +
                        $"{found.Average(f => f.Right):P0} of these are right"));
                }
            }
        }
        return 0;
    }

    private sealed class Divided
    {
        private readonly EmbeddingSet train;
        private readonly Tensor rows, validation, test;                   // [n, D]
        private readonly int[] validationLabels, testLabels;

        public Divided(EmbeddedImages images)
        {
            train = images.Part("train")!.Embeddings;
            var raw = train.ToTensor();
            var (mean, scale) = (raw.mean([0], keepdim: true), (raw - raw.mean([0], keepdim: true)).square().mean().sqrt());
            Tensor Scaled(EmbeddingSet set) => (set.ToTensor() - mean) / scale;
            rows = Scaled(train);
            (validation, validationLabels) = (Scaled(images.Part("val")!.Embeddings), images.Part("val")!.Embeddings.Labels);
            (test, testLabels) = (Scaled(images.Part("test")!.Embeddings), images.Part("test")!.Embeddings.Labels);
        }

        private int Classes => train.Classes.Count;

        public double Measure(int labels, int seed, double[] precisions, Action<double, (double Accuracy, int Given, double Right)> tell)
        {
            using var scope = NewDisposeScope();
            int[] labelled = [.. Enumerable.Range(0, train.Count).GroupBy(i => train.Labels[i]).OrderBy(own => own.Key)
                .SelectMany(own => Shuffled([.. own], seed, own.Key).Take(labels))];
            int[] others = [.. Enumerable.Range(0, train.Count).Except(labelled)];
            var weights = Fit(labelled, [.. labelled.Select(i => train.Labels[i])], null);
            var confidence = CalibratedConfidence.Fit(LinearProbe.Logits(validation, weights),
                tensor(validationLabels).to_type(ScalarType.Int64));
            var logits = LinearProbe.Logits(rows.index_select(0, Index(others)), weights);
            var (sure, answers) = (logits / confidence.Temperature).softmax(1).max(1);
            var (certain, given) = (Copy.Doubles(sure.to_type(ScalarType.Float64)), Copy.Longs(answers));
            foreach (var precision in precisions)
            {
                var threshold = confidence.Points.Where(p => p.Accuracy >= precision).MaxBy(p => p.Coverage)?.Threshold ?? double.NaN;
                int[] kept = [.. Enumerable.Range(0, others.Length).Where(i => certain[i] >= threshold)];
                var again = Fit([.. labelled, .. kept.Select(i => others[i])],
                    [.. labelled.Select(i => train.Labels[i]), .. kept.Select(i => (int)given[i])], weights);
                tell(precision, (Accuracy(again), kept.Length,
                    kept.Length == 0 ? double.NaN : kept.Average(i => given[i] == train.Labels[others[i]] ? 1.0 : 0)));
            }
            return Accuracy(weights);
        }

        private Tensor Fit(int[] images, int[] labels, Tensor? start) => LinearProbe.Fit(rows.index_select(0, Index(images)),
            nn.functional.one_hot(tensor(labels).to_type(ScalarType.Int64), Classes).to_type(ScalarType.Float64),
            1 / (images.Length * Strength), start ?? zeros([train.Width + 1, Classes], ScalarType.Float64), 1e-4, 200);

        private double Accuracy(Tensor weights) => (LinearProbe.Logits(test, weights).argmax(1) == tensor(testLabels))
            .to_type(ScalarType.Float64).mean().item<double>();

        private static Tensor Index(int[] images) => tensor(images.Select(i => (long)i).ToArray());

        private static int[] Shuffled(int[] images, params ReadOnlySpan<long> key)
        {
            new SampleRandom(key).Shuffle<int>(images);
            return images;
        }
    }
}
