using System.Globalization;
using MathNet.Numerics.Distributions;
using Schane.Data.Sets;
using Schane.Data.Transforms;
using Schane.Evaluation;
using Schane.Evaluation.Statistics;
using Schane.Inference;
using Schane.Models;
using Schane.Planning;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Benchmarks.Folds;

/// <summary>
/// What few labels allow, with a model that is fitted in milliseconds (logistic regression on the embedded trunk's embeddings of
/// look-alikes) and 1,000 held-out images to compare with. <c>intervals</c>: does the interval of out-of-fold accuracy cover that of the
/// model trained on everything? <c>share</c>: what does keeping a part aside cost? <c>temperature</c>: does a temperature from few images
/// make probabilities worse?
/// </summary>
internal static class FewLabels
{
    internal const int PerClass = 350;
    private const int Draws = 100, Rounds = 2;

    // C = 1 / (n λ) of ProbeHead's middle; a hundred times as much is as sure as a fine-tuned net
    internal const double Strength = 0.1;

    private static readonly double[] precisions = [0, 1, 2, 4, 8, 16];

    public static int Run(string[] arguments)
    {
        set_num_threads(1);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var features = Embedded();
        switch (arguments)
        {
            case ["intervals", ..]: Intervals(features); return 0;
            case ["share", ..]: Share(features); return 0;
            case ["temperature", ..]: Temperatures(features); return 0;
            default: Console.Error.WriteLine("Usage: folds intervals|share|temperature"); return 2;
        }
    }

    private static void Intervals((Tensor Rows, long[] Labels) all)
    {
        Say("images classes | accuracy out-of-fold rms | rounds: coverage (width) of Wilson, Clopper-Pearson of n and of " +
            "(k - 1)/k n, corrected t");
        foreach (var (images, classes) in ((int, int)[])[(40, 4), (40, 8), (80, 8), (160, 16)])
        {
            var found = new Dictionary<string, (int Covered, double Width)>();
            var (truth, estimate, square) = (0.0, 0.0, new double[Rounds + 1]);
            for (var draw = 0; draw < Draws; draw++)
            {
                using var scope = NewDisposeScope();
                var task = FewLabelsDraw.Of(all, images, classes, draw);
                var accuracy = task.Accuracy(task.Fit(task.All));
                truth += accuracy / Draws;
                var (shares, outcomes) = (new List<double>(), new double[images]);
                for (var round = 1; round <= Rounds; round++)
                {
                    foreach (var fold in task.Folds(5, round))
                    {
                        var right = task.Right(task.Fit([.. task.All.Except(fold)]), fold);
                        shares.Add(right.Average());
                        foreach (var (row, value) in fold.Zip(right))
                            outcomes[row] += value;
                    }
                    if (round is not (1 or Rounds))
                        continue;
                    var mean = outcomes.Sum() / round / images;
                    estimate += round == 1 ? mean / Draws : 0;
                    square[round] += (mean - accuracy) * (mean - accuracy) / Draws;
                    foreach (var (name, low, high) in Candidates(mean, images, shares, 5))
                    {
                        var (covered, width) = found.GetValueOrDefault($"{round} {name}");
                        found[$"{round} {name}"] = (covered + (low <= accuracy && accuracy <= high ? 1 : 0), width + (high - low) / Draws);
                    }
                }
            }
            Say($"{images} {classes} | {truth:P1} {estimate:P1} {Math.Sqrt(square[1]):P1} " +
                $"{Math.Sqrt(square[Rounds]):P1} | " +
                string.Join(", ", found.Select(f => $"{f.Key} {f.Value.Covered} ({f.Value.Width:P0})")));
        }
    }

    private static IEnumerable<(string, double, double)> Candidates(double mean, int n, List<double> shares, int folds)
    {
        var z = Normal.InvCDF(0, 1, 0.975);
        var middle = (mean + z * z / (2 * n)) / (1 + z * z / n);
        var half = z / (1 + z * z / n) * Math.Sqrt(mean * (1 - mean) / n + z * z / (4.0 * n * n));
        yield return ("W", middle - half, middle + half);
        foreach (var share in (double[])[1, (folds - 1.0) / folds])
        {
            var exact = Interval.ClopperPearson(mean * n * share, n * share);
            yield return ($"CP {share}", exact.Low!.Value, exact.High!.Value);
        }
        var average = shares.Average();
        var variance = shares.Sum(s => (s - average) * (s - average)) / (shares.Count - 1);
        var wide = StudentT.InvCDF(0, 1, shares.Count - 1, 0.975) * Math.Sqrt(variance * (1.0 / shares.Count + 1.0 / (folds - 1)));
        yield return ("NB", average - wide, average + wide);
    }

    private static void Share((Tensor Rows, long[] Labels) all)
    {
        Say("images | accuracy of the model of everything, of that of 65 % | width of 5 folds, of a test part of 20 %");
        foreach (var (images, draws) in ((int, int)[])[(40, 60), (80, 60), (160, 40), (320, 20), (500, 10), (1000, 5), (2000, 2)])
        {
            var (whole, part, wide, narrow) = (0.0, 0.0, 0.0, 0.0);
            for (var draw = 0; draw < draws; draw++)
            {
                using var scope = NewDisposeScope();
                var task = FewLabelsDraw.Of(all, images, images < 300 ? 8 : 20, draw);
                whole += task.Accuracy(task.Fit(task.All)) / draws;
                var aside = task.Folds(20, 1).Take(7).SelectMany(fold => fold).ToHashSet();        // 7 of 20 folds are 35 %
                part += task.Accuracy(task.Fit([.. task.All.Where(row => !aside.Contains(row))])) / draws;
            }
            narrow = Width(whole, images);
            wide = Width(part, images / 5);
            Say($"{images} | {whole:P1} {part:P1} | {narrow:P0} {wide:P0}");
        }

        static double Width(double share, int n) => 2 * Interval.Wilson((int)Math.Round(share * n), n).HalfWidth!.Value;
    }

    private static void Temperatures((Tensor Rows, long[] Labels) all)
    {
        Say("strength of the fit, images | NLL and ECE of 1,000 images before; then by the prior's precision: mean NLL, ECE, share of " +
            "draws with an NLL more than 0.05 above");
        foreach (var strength in (double[])[Strength / 10, Strength, Strength * 10, Strength * 100])
            foreach (var images in (int[])[5, 10, 20, 30, 50])
            {
                var (nll, ece) = (0.0, 0.0);
                var found = precisions.ToDictionary(p => $"{p}", _ => new double[3]);
                for (var draw = 0; draw < 2 * Draws; draw++)
                {
                    using var scope = NewDisposeScope();
                    var task = FewLabelsDraw.Of(all, 80 + images, 8, draw % 20 + 1000);                // 20 models, 10 parts each
                    var order = task.All.ToArray();
                    new SampleRandom(draw, 7).Shuffle<int>(order);
                    Count(task, task.Fit([.. order.Take(80)], strength), order[80..], found, ref nll, ref ece);
                }
                Tell($"{strength} {images}", nll, ece, found);
            }
        foreach (var strength in (double[])[Strength / 10, Strength, Strength * 10, Strength * 100])
            foreach (var images in (int[])[20, 40, 80])
            {
                var (nll, ece) = (0.0, 0.0);
                var found = precisions.ToDictionary(p => $"{p}", _ => new double[3]);
                for (var draw = 0; draw < 2 * Draws; draw++)
                {
                    using var scope = NewDisposeScope();
                    var task = FewLabelsDraw.Of(all, images, 8, draw + 3000);
                    List<double> logits = [];
                    List<long> labels = [];
                    foreach (var fold in task.Folds(5, 1))
                    {
                        logits.AddRange(task.Logits(task.Fit([.. task.All.Except(fold)], strength), fold));
                        labels.AddRange(fold.Select(row => task.Labels[row]));
                    }
                    Count(task, task.Fit(task.All, strength), [.. logits], [.. labels], found, ref nll, ref ece);
                }
                Tell($"out-of-fold {strength} {images}", nll, ece, found);
            }

        static void Tell(string what, double nll, double ece, Dictionary<string, double[]> found) =>
            Say($"{what} | {nll / Draws / 2:F3} {ece / Draws / 2:P1} | " + string.Join(", ", found.Select(f =>
                $"{f.Key}: {f.Value[0] / Draws / 2:F3} {f.Value[1] / Draws / 2:P1} {f.Value[2] / Draws / 2:P0}")));
    }

    private static void Count(FewLabelsDraw task, Tensor model, int[] rows, Dictionary<string, double[]> found, ref double nll,
        ref double ece) =>
        Count(task, model, task.Logits(model, rows), [.. rows.Select(row => task.Labels[row])], found, ref nll, ref ece);

    private static void Count(FewLabelsDraw task, Tensor model, double[] logits, long[] labels, Dictionary<string, double[]> found,
        ref double nll, ref double ece)
    {
        var measured = task.Measure(model,
            precisions.Select(p => CalibratedConfidence.TemperatureOf(logits, task.Classes, labels, p)).Prepend(1));
        (nll, ece) = (nll + measured[0].Nll, ece + measured[0].Ece);
        foreach (var (precision, after) in precisions.Zip(measured.Skip(1)))
        {
            var sums = found[$"{precision}"];
            (sums[0], sums[1], sums[2]) = (sums[0] + after.Nll, sums[1] + after.Ece,
                sums[2] + (after.Nll > measured[0].Nll + 0.05 ? 1 : 0));
        }
    }

    private static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    private static void Say(string line) => Console.WriteLine(line);

    private static (Tensor, long[]) Embedded()
    {
        var images = new LookalikesDataset(LookalikesPart.Test, PerClass);
        var model = new ImageClassifier(ModelRegistry.Create("schane_tiny", 0), images.Classes.Count);
        InitialWeights.Find("embedded", "schane_tiny", null, null, default).Into(model, keepHead: false, null);
        model.eval();
        using var whole = new RunModel(model, images.Classes, "light");
        using var outputs = ModelOutputs.Of(model, images, TransformPreset.Find("light").Evaluation(whole.Input), CPU);
        return (outputs.Embeddings.to(ScalarType.Float64).clone(), Copy.Longs(outputs.Labels));
    }
}
