using Schane.Data;
using Schane.Evaluation.Statistics;
using Schane.Tensors;

namespace Schane.Evaluation;

// n images, C classes, row by row.

/// <summary>How well logits, and the answers that thresholds make of them, tell which of the classes an image shows, each a yes or no of
/// its own.</summary>
/// <param name="Count">n.</param>
/// <param name="Map">Mean average precision over the classes that occur, with its interval.</param>
/// <param name="MicroF1">F1 of all n × C answers, with its interval.</param>
/// <param name="MacroF1">Mean F1 over the classes that occur.</param>
/// <param name="Exact">Share of the images whose classes are told without a mistake, with its interval.</param>
/// <param name="Nll">Mean negative log-likelihood of an image's classes, Σ over C, in nats.</param>
/// <param name="Classes">Each class by itself.</param>
internal sealed record LabelSetScores(
    int Count, Interval Map, Interval MicroF1, double MacroF1, Interval Exact, double Nll, IReadOnlyList<LabelSetClass> Classes)
{
    private const int Draws = 1000;
    private const double Level = 0.95;

    /// <summary>Which classes the images show, [n, C].</summary>
    /// <param name="images">The data set.</param>
    /// <param name="indices">n places in it.</param>
    public static bool[] TruthOf(IImageDataset images, IReadOnlyList<int> indices)
    {
        var (classes, truth) = (images.Classes.Count, new bool[indices.Count * images.Classes.Count]);
        for (var row = 0; row < indices.Count; row++)
            foreach (var label in images.LabelsOf(indices[row]))
                truth[row * classes + label] = true;
        return truth;
    }

    /// <summary>1 / (1 + e^−x).</summary>
    public static double Sigmoid(double logit) => 1 / (1 + Math.Exp(-logit));

    /// <summary>Yes where a class's probability is at least its threshold, [n, C].</summary>
    /// <param name="logits">[n, C].</param>
    /// <param name="thresholds">C, on probabilities.</param>
    public static bool[] Answers(double[] logits, IReadOnlyList<double> thresholds) =>
        [.. logits.Select((logit, at) => Sigmoid(logit) >= thresholds[at % thresholds.Count])];

    /// <summary>Measures logits.</summary>
    /// <param name="logits">[n, C].</param>
    /// <param name="truth">[n, C].</param>
    /// <param name="answers">[n, C].</param>
    /// <param name="classes">C.</param>
    public static LabelSetScores Of(double[] logits, bool[] truth, bool[] answers, int classes)
    {
        var n = truth.Length / classes;
        if (n == 0)
            throw new SchaneException("There are no predictions to evaluate; the data set is empty.");
        if (Array.Exists(logits, double.IsNaN))
            throw new SchaneException("The logits hold NaN; the model has diverged. Use an earlier checkpoint or a lower learning rate.");
        LabelSetClass[] scores = [.. Enumerable.Range(0, classes).AsParallel().AsOrdered()
            .Select(c => LabelSetClass.Of(Column(logits, classes, c), Column(truth, classes, c), Column(answers, classes, c)))];
        var (right, taken, nll, exact) = (new int[n], new int[n], 0.0, 0);
        var shown = new int[n];
        for (var i = 0; i < n; i++)
        {
            var wrong = 0;
            for (var c = 0; c < classes; c++)
            {
                var (x, yes) = (logits[i * classes + c], truth[i * classes + c]);
                var answer = answers[i * classes + c];
                nll += Math.Max(yes ? -x : x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x)));
                right[i] += answer && yes ? 1 : 0;
                taken[i] += answer ? 1 : 0;
                shown[i] += yes ? 1 : 0;
                wrong += answer != yes ? 1 : 0;
            }
            exact += wrong == 0 ? 1 : 0;
        }
        var occurring = scores.Where(s => s.Images > 0).ToList();
        var (map, micro) = Intervals(scores, right, taken, shown);
        return new(n, map, micro, occurring.Average(s => s.F1), Interval.Wilson(exact, n), nll / n, scores);
    }

    /// <summary>Every figure by name, each with its interval where it has one as <c>_low</c> and <c>_high</c>.</summary>
    public Dictionary<string, double> Named() => new()
    {
        ["map"] = Map.Mean, ["map_low"] = Map.Low!.Value, ["map_high"] = Map.High!.Value,
        ["micro_f1"] = MicroF1.Mean, ["micro_f1_low"] = MicroF1.Low!.Value, ["micro_f1_high"] = MicroF1.High!.Value,
        ["macro_f1"] = MacroF1,
        ["exact_match"] = Exact.Mean, ["exact_match_low"] = Exact.Low!.Value, ["exact_match_high"] = Exact.High!.Value,
        ["nll"] = Nll,
    };

    /// <summary>One column of a table of C columns.</summary>
    internal static T[] Column<T>(T[] rows, int classes, int column) =>
        [.. Enumerable.Range(0, rows.Length / classes).Select(i => rows[i * classes + column])];

    /// <summary>By the basic bootstrap over the images (Davison and Hinkley 1997), as <see cref="ItemBootstrap"/>.</summary>
    private static (Interval Map, Interval MicroF1) Intervals(LabelSetClass[] scores, int[] right, int[] taken, int[] shown)
    {
        var n = right.Length;
        var ranked = scores.Where(s => s.Images > 0).Select(s => s.Ranking!).ToArray();
        (double Map, double F1) Measure(int[] times)
        {
            var (hits, all) = (0.0, 0.0);
            for (var i = 0; i < n; i++)
                (hits, all) = (hits + times[i] * right[i], all + times[i] * (taken[i] + shown[i]));
            double[] precisions = [.. ranked.Select(r => r.AveragePrecision(times)).OfType<double>()];
            return (precisions.Length == 0 ? 0 : precisions.Average(), all == 0 ? 0 : 2 * hits / all);
        }
        var draws = new (double Map, double F1)[Draws];
        Parallel.For(0, Draws, draw =>
        {
            var (random, times) = (new SampleRandom(0, draw), new int[n]);
            for (var i = 0; i < n; i++)
                times[random.Below(n)]++;
            draws[draw] = Measure(times);
        });
        int[] once = [.. Enumerable.Repeat(1, n)];
        var whole = Measure(once);
        return (Around(whole.Map, d => d.Map), Around(whole.F1, d => d.F1));

        Interval Around(double figure, Func<(double Map, double F1), double> of)
        {
            double[] sorted = [.. draws.Select(of).Order()];
            double End(double share) => Math.Clamp(2 * figure - sorted[(int)Math.Round(share * (Draws - 1))], 0, 1);
            return new(figure, End((1 + Level) / 2), End((1 - Level) / 2), n, IntervalKind.Bootstrap, Level);
        }
    }
}

/// <summary>One class of several that an image may show; a share whose divisor is 0 is 0.</summary>
/// <param name="Images">Images that show it.</param>
/// <param name="AveragePrecision">Σ over the images from the surest down of (recall gained) × precision; null where none shows it.</param>
/// <param name="Precision">Share of right answers among the yes.</param>
/// <param name="Recall">Share of its images that are answered yes.</param>
/// <param name="F1">Harmonic mean of the two.</param>
internal sealed record LabelSetClass(int Images, double? AveragePrecision, double Precision, double Recall, double F1)
{
    internal Ranking? Ranking { get; private init; }

    internal static LabelSetClass Of(double[] logits, bool[] truth, bool[] answers)
    {
        var (images, taken) = (truth.Count(yes => yes), answers.Count(yes => yes));
        var right = truth.Zip(answers).Count(both => both is (true, true));
        static double Share(int part, int whole) => whole == 0 ? 0 : (double)part / whole;
        var ranking = new Ranking(logits, truth);
        return new(images, ranking.AveragePrecision([.. Enumerable.Repeat(1, truth.Length)]), Share(right, taken), Share(right, images),
            Share(2 * right, images + taken))
        { Ranking = ranking };
    }
}

/// <summary>Images from the surest of a class down; equal ones stand together.</summary>
internal sealed class Ranking
{
    private readonly int[] order;
    private readonly bool[] truth, ends;

    public Ranking(double[] logits, bool[] truth)
    {
        this.truth = truth;
        order = [.. Enumerable.Range(0, logits.Length).OrderByDescending(i => logits[i])];
        ends = [.. order.Select((image, place) => place + 1 == order.Length || logits[order[place + 1]] < logits[image])];
    }

    /// <summary>Average precision where each image counts so many times; null where none that counts shows the class.</summary>
    public double? AveragePrecision(int[] times)
    {
        var (hits, seen, counted, sum) = (0.0, 0.0, 0.0, 0.0);
        for (var place = 0; place < order.Length; place++)
        {
            var image = order[place];
            seen += times[image];
            hits += truth[image] ? times[image] : 0;
            if (!ends[place] || hits == counted)
                continue;
            sum += (hits - counted) * hits / seen;
            counted = hits;
        }
        return hits == 0 ? null : sum / hits;
    }

    /// <summary>The probability from which on yes gives the best F1, half way to the next image; the highest of equals, ½ where no image
    /// shows the class.</summary>
    public double BestThreshold(double[] logits)
    {
        var (images, hits, best, found) = (truth.Count(yes => yes), 0, 0.0, 0.5);
        for (var place = 0; place < order.Length; place++)
        {
            hits += truth[order[place]] ? 1 : 0;
            if (!ends[place] || 2.0 * hits / (images + place + 1) is var f1 && f1 <= best)
                continue;
            var (above, below) = (LabelSetScores.Sigmoid(logits[order[place]]),
                place + 1 < order.Length ? LabelSetScores.Sigmoid(logits[order[place + 1]]) : 0);
            (best, found) = (f1, (above + below) / 2);
        }
        return found;
    }
}
