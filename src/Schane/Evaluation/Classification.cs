using Schane.Evaluation.Statistics;
using static TorchSharp.torch;

namespace Schane.Evaluation;

// n images, C classes.

/// <summary>How well logits classify.</summary>
/// <param name="Count">n.</param>
/// <param name="Top1">Share whose class has the greatest logit (the first of equals).</param>
/// <param name="Top1Interval">The same with Wilson's 95 % interval.</param>
/// <param name="Top5">Share whose class is among the five greatest; 1 where there are five classes or fewer.</param>
/// <param name="MeanPerClass">Mean of <see cref="ClassScore.Recall"/> over the classes that occur ("balanced accuracy").</param>
/// <param name="MacroF1">Mean F1 over all classes; a class that is neither there nor predicted counts as 0.</param>
/// <param name="Kappa">Cohen's κ: agreement beyond chance; NaN if truth and answers are all of one class.</param>
/// <param name="MacroAuroc">Mean over the classes of the area under the ROC curve of its probability, one against the rest; null unless
/// every class occurs and none is alone.</param>
/// <param name="Nll">Mean negative log-likelihood in nats; as scikit-learn's log_loss, probabilities are first clipped to 2⁻⁵² … 1 − 2⁻⁵²
/// and scaled to sum 1, so one image adds 36 at most.</param>
/// <param name="Calibration">Expected calibration error and its bins.</param>
/// <param name="Classes">Each class by itself.</param>
/// <param name="Confusion">[truth][prediction] counts.</param>
public sealed record Classification(
    int Count, double Top1, Interval Top1Interval, double Top5, double MeanPerClass, double MacroF1, double Kappa,
    double? MacroAuroc, double Nll, Calibration Calibration, IReadOnlyList<ClassScore> Classes, int[][] Confusion)
{
    /// <summary><see cref="Top5"/> with Wilson's 95 % interval.</summary>
    public Interval Top5Interval => Interval.Wilson((int)Math.Round(Top5 * Count), Count);

    /// <summary>Each item's class, answer, confidence and negative log-likelihood.</summary>
    internal (int[] Labels, int[] Predicted, double[] Confidence, double[] Losses) Items { private get; init; }

    /// <summary>Intervals of figures that are not a plain share of the images.</summary>
    internal ItemBootstrap Bootstrap() => ItemBootstrap.Of(Items.Labels, Items.Predicted, Items.Confidence, Items.Losses, Confusion.Length);

    /// <summary>Every figure by name, each with its interval as <c>_low</c> and <c>_high</c>: Wilson's of shares of images, else a
    /// bootstrap over the images, which says nothing and is left out where each drawing gives the same.</summary>
    internal Dictionary<string, double> Named()
    {
        var bootstrap = Bootstrap();
        var named = new Dictionary<string, double>();
        foreach (var (name, figure) in ((string, Interval)[])
            [("top1", Top1Interval), ("top5", Top5Interval), ("mean_per_class", bootstrap.MeanPerClass), ("macro_f1", bootstrap.MacroF1),
                ("nll", bootstrap.Nll), ("ece", bootstrap.Ece)])
        {
            named[name] = figure.Mean;
            if (figure.Low < figure.High)                                 // images that are all alike, one of each class: no spread to tell
                (named[$"{name}_low"], named[$"{name}_high"]) = (figure.Low.Value, figure.High.Value);
        }
        return named;
    }

    /// <summary>Measures logits; all sums in float64.</summary>
    /// <param name="logits">[n, C], floating point.</param>
    /// <param name="labels">[n], int64.</param>
    /// <exception cref="ArgumentException">A shape differs from the above, or a label from 0 … C − 1.</exception>
    /// <exception cref="SchaneException">There is no image, or a logit is not a number.</exception>
    public static Classification Of(Tensor logits, Tensor labels)
    {
        Tensors.Require.Shape(logits, [-1, -1]);
        Tensors.Require.Shape(labels, [logits.shape[0]]);
        return Of(Tensors.Copy.Doubles(logits), checked((int)logits.shape[1]), Tensors.Copy.Longs(labels));
    }

    /// <summary>Share of the wrong answers that fall into the truth's own group, for instance of near twins; NaN if
    /// there is no wrong answer.</summary>
    /// <param name="groupOf">Group of a class.</param>
    public double ErrorsInsideGroups(Func<int, int> groupOf)
    {
        var (inside, all) = (0, 0);
        for (var truth = 0; truth < Confusion.Length; truth++)
            for (var answer = 0; answer < Confusion.Length; answer++)
                if (truth != answer)
                {
                    all += Confusion[truth][answer];
                    inside += groupOf(truth) == groupOf(answer) ? Confusion[truth][answer] : 0;
                }
        return (double)inside / all;
    }

    private static Classification Of(double[] logits, int classes, long[] labels)
    {
        if (labels.Length == 0)
            throw new SchaneException("There are no predictions to evaluate; the data set is empty.");
        var confusion = new int[classes][];
        for (var c = 0; c < classes; c++)
            confusion[c] = new int[classes];
        var (confidence, hit) = (new double[labels.Length], new bool[labels.Length]);
        var (answers, losses) = (new int[labels.Length], new double[labels.Length]);
        var probabilities = new double[logits.Length];
        var (top1, top5, nll) = (0, 0, 0.0);
        for (var i = 0; i < labels.Length; i++)
        {
            if (labels[i] < 0 || labels[i] >= classes)
                throw new ArgumentException($"labels must lie between 0 and {classes - 1} but labels[{i}] is {labels[i]}.", nameof(labels));
            var row = logits.AsSpan(i * classes, classes);
            var truth = (int)labels[i];
            var (best, rank) = (0, 0);                                    // rank: classes that come before the truth
            for (var c = 0; c < classes; c++)
            {
                if (double.IsNaN(row[c]))
                    throw new SchaneException(
                        $"The logits of image {i} hold NaN; the model has diverged. Use an earlier checkpoint or a lower learning rate.");
                best = row[c] > row[best] ? c : best;
                rank += row[c] > row[truth] || row[c] == row[truth] && c < truth ? 1 : 0;
            }
            var sum = 0.0;
            foreach (var logit in row)
                sum += Math.Exp(logit - row[best]);
            for (var c = 0; c < classes; c++)
                probabilities[i * classes + c] = Math.Exp(row[c] - row[best]) / sum;
            confidence[i] = 1 / sum;
            hit[i] = best == truth;
            (answers[i], losses[i]) = (best, -LogLikelihood(probabilities.AsSpan(i * classes, classes), truth));
            nll += losses[i];
            top1 += rank == 0 ? 1 : 0;
            top5 += rank < 5 ? 1 : 0;
            confusion[truth][best]++;
        }
        var n = labels.Length;
        ClassScore[] scores = [.. Enumerable.Range(0, classes).Select(c => ClassScore.Of(confusion, c))];
        return new(
            n, (double)top1 / n, Interval.Wilson(top1, n), (double)top5 / n,
            scores.Where(s => s.Count > 0).Average(s => s.Recall), scores.Average(s => s.F1),
            KappaOf(scores, n, top1), AurocOf(probabilities, classes, labels, scores), nll / n,
            Calibration.Of(confidence, hit), scores, confusion)
        {
            Items = ([.. labels.Select(label => (int)label)], answers, confidence, losses),
        };
    }

    private static double LogLikelihood(ReadOnlySpan<double> probabilities, int truth)
    {
        const double least = 1.0 / (1L << 52);
        var sum = 0.0;
        foreach (var p in probabilities)
            sum += Math.Clamp(p, least, 1 - least);
        return Math.Log(Math.Clamp(probabilities[truth], least, 1 - least) / sum);
    }

    private static double KappaOf(ClassScore[] scores, int count, int right)
    {
        var chance = scores.Sum(s => (double)s.Count * s.Predicted) / count / count;
        return ((double)right / count - chance) / (1 - chance);
    }

    private static double? AurocOf(double[] probabilities, int classes, long[] labels, ClassScore[] scores)
    {
        if (classes < 2 || scores.Any(s => s.Count == 0 || s.Count == labels.Length))
            return null;
        var sum = 0.0;
        for (var c = 0; c < classes; c++)
        {
            // Mann–Whitney: ranks of the class's own images among all, ties sharing their mean rank.
            var order = Enumerable.Range(0, labels.Length).OrderBy(i => probabilities[i * classes + c]).ToArray();
            var ranks = 0.0;
            for (int first = 0, next; first < order.Length; first = next)
            {
                for (next = first + 1; next < order.Length
                    && probabilities[order[next] * classes + c] == probabilities[order[first] * classes + c];)
                    next++;
                var shared = (first + 1 + next) / 2.0;
                for (var i = first; i < next; i++)
                    ranks += labels[order[i]] == c ? shared : 0;
            }
            double own = scores[c].Count;
            sum += (ranks - own * (own + 1) / 2) / (own * (labels.Length - own));
        }
        return sum / classes;
    }
}

/// <summary>One class of a confusion matrix; a share whose divisor is 0 is 0.</summary>
/// <param name="Count">Images of the class.</param>
/// <param name="Predicted">Images taken for the class.</param>
/// <param name="Recall">Share of its images that are recognised: its accuracy.</param>
/// <param name="Precision">Share of right answers among those that name it.</param>
/// <param name="F1">Harmonic mean of the two.</param>
public sealed record ClassScore(int Count, int Predicted, double Recall, double Precision, double F1)
{
    internal static ClassScore Of(int[][] confusion, int label)
    {
        var (right, count, predicted) = (confusion[label][label], confusion[label].Sum(), confusion.Sum(row => row[label]));
        return new(count, predicted, Share(right, count), Share(right, predicted), Share(2 * right, count + predicted));
    }

    private static double Share(int part, int whole) => whole == 0 ? 0 : (double)part / whole;
}
