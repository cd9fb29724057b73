using System.Text.Json;
using Schane.Runs;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Inference;

// n validation images, C classes.

/// <summary>
/// How far a model's probabilities may be believed, fitted on validation images: one temperature that the logits are divided by
/// (Guo et al. 2017, arXiv:1706.04599), and what share of the answers is right above each confidence.
/// </summary>
/// <param name="Temperature">T of softmax(logits / T), 0.05 to 20; above 1 where the model was too sure of itself.</param>
/// <param name="Images">n, the validation images that it was fitted on.</param>
/// <param name="ErrorBefore">Expected calibration error of these at T = 1, 0 to 1.</param>
/// <param name="ErrorAfter">The same at <paramref name="Temperature"/>.</param>
/// <param name="Points">At most 200 thresholds from the highest down.</param>
public sealed record CalibratedConfidence(double Temperature, int Images, double ErrorBefore, double ErrorAfter,
    IReadOnlyList<OperatingPoint> Points)
{
    private const double LeastTemperature = 0.05, MostTemperature = 20;
    private const int MostPoints = 200;

    /// <summary>Precision of a normal prior of log T around 0, so that few images neither make probabilities worse nor, without an error
    /// among them, the model sure beyond measure (docs/log.md). Hundreds of images outweigh it.</summary>
    internal const double PriorPrecision = 8;

    /// <summary>Fits the temperature to the largest posterior under a normal prior of log T around 0, all sums in float64.</summary>
    /// <param name="logits">[n, C], floating point.</param>
    /// <param name="labels">[n], int64.</param>
    /// <exception cref="ArgumentException">A shape differs from the above, or there is no row.</exception>
    public static CalibratedConfidence Fit(Tensor logits, Tensor labels)
    {
        Require.Shape(logits, [-1, -1]);
        Require.Shape(labels, [logits.shape[0]]);
        return Fit(Copy.Doubles(logits), checked((int)logits.shape[1]), Copy.Longs(labels));
    }

    internal static CalibratedConfidence Fit(double[] logits, int classes, long[] labels)
    {
        if (labels.Length == 0)
            throw new ArgumentException("logits must have at least one row.", nameof(logits));
        var temperature = TemperatureOf(logits, classes, labels, PriorPrecision);
        var (before, _) = Answers(logits, classes, labels, 1);
        var (after, right) = Answers(logits, classes, labels, temperature);
        return new(temperature, labels.Length, Evaluation.Calibration.Of(before, right).Error,
            Evaluation.Calibration.Of(after, right).Error, PointsOf(after, right));
    }

    /// <summary>The threshold that answers most images at a wanted precision.</summary>
    /// <param name="precision">Share of the given answers that must be right, above 0 and at most 1.</param>
    /// <exception cref="SchaneException">No threshold reaches it on the validation images.</exception>
    public OperatingPoint AtPrecision(double precision)
    {
        if (precision is not (> 0 and <= 1))
            throw new SchaneException($"The precision must lie above 0 and at most at 1 but is {precision}.");
        return Points.Where(p => p.Accuracy >= precision).MaxBy(p => p.Coverage)
            ?? throw new SchaneException($"No confidence gives a precision of {precision} on the {Images} held-out images; the best is " +
                $"{Points.Max(p => p.Accuracy):0.###}{FewImages.Words(Images)}. Ask for that, or for less.");
    }

    internal string ToJson() => JsonSerializer.Serialize(this);

    internal static CalibratedConfidence? Parse(string? json, string path)
    {
        try
        {
            return json is null ? null : JsonSerializer.Deserialize<CalibratedConfidence>(json);
        }
        catch (JsonException e)
        {
            throw new SchaneException($"'{path}' is damaged: its confidence can't be read ({e.Message.TrimEnd('.')}).", e);
        }
    }

    /// <summary>softmax(<paramref name="logits"/> / T) in float64.</summary>
    internal static double[] Softmax(ReadOnlySpan<float> logits, double temperature)
    {
        var (greatest, sum) = (float.NegativeInfinity, 0.0);
        foreach (var logit in logits)
            greatest = Math.Max(greatest, logit);
        var probabilities = new double[logits.Length];
        for (var c = 0; c < logits.Length; c++)
            sum += probabilities[c] = Math.Exp((logits[c] - greatest) / temperature);
        for (var c = 0; c < logits.Length; c++)
            probabilities[c] /= sum;
        return probabilities;
    }

    /// <summary>Minimises the negative log-likelihood of all rows + <paramref name="precision"/>/2 · (log T)², by bisection of its slope
    /// in log a, a = 1/T.</summary>
    /// <param name="logits">[n, C], row by row.</param>
    /// <param name="classes">C.</param>
    /// <param name="labels">[n].</param>
    /// <param name="precision">Of a normal prior of log T around 0. 0: none, but Platt's targets (1999), where the true class has
    /// (n + 1)/(n + 2) and the others share the rest.</param>
    internal static double TemperatureOf(double[] logits, int classes, long[] labels, double precision = 0)
    {
        var missing = precision > 0 ? 0 : 1.0 / (labels.Length + 2);      // what the true class lacks to 1
        var (low, high) = (Math.Log(1 / MostTemperature), Math.Log(1 / LeastTemperature));
        for (var i = 0; i < 60; i++)
        {
            var middle = (low + high) / 2;
            var a = Math.Exp(middle);
            if (labels.Length * a * Slope(logits, classes, labels, a, missing) + precision * middle > 0)
                high = middle;
            else
                low = middle;
        }
        return Math.Exp(-(low + high) / 2);
    }

    private static double Slope(double[] logits, int classes, long[] labels, double a, double missing)
    {
        var slope = 0.0;
        for (var i = 0; i < labels.Length; i++)
        {
            var row = logits.AsSpan(i * classes, classes);
            var (greatest, sum, expected, others) = (double.NegativeInfinity, 0.0, 0.0, 0.0);
            foreach (var logit in row)
                greatest = Math.Max(greatest, logit);
            foreach (var logit in row)
            {
                var e = Math.Exp(a * (logit - greatest));
                (sum, expected, others) = (sum + e, expected + e * (logit - greatest), others + logit - greatest);
            }
            var truth = row[(int)labels[i]] - greatest;
            slope += expected / sum - (classes == 1 ? truth : (1 - missing) * truth + missing * (others - truth) / (classes - 1));
        }
        return slope / labels.Length;
    }

    private static (double[] Confidence, bool[] Right) Answers(double[] logits, int classes, long[] labels, double temperature)
    {
        var (confidence, right) = (new double[labels.Length], new bool[labels.Length]);
        for (var i = 0; i < labels.Length; i++)
        {
            var row = logits.AsSpan(i * classes, classes);
            var (best, sum) = (0, 0.0);
            for (var c = 0; c < classes; c++)
                best = row[c] > row[best] ? c : best;
            foreach (var logit in row)
                sum += Math.Exp((logit - row[best]) / temperature);
            (confidence[i], right[i]) = (1 / sum, best == labels[i]);
        }
        return (confidence, right);
    }

    private static OperatingPoint[] PointsOf(double[] confidence, bool[] right)
    {
        var order = Enumerable.Range(0, right.Length).OrderByDescending(i => confidence[i]).ToArray();
        var points = new List<OperatingPoint>();
        var hits = 0;
        for (var i = 0; i < order.Length; i++)
        {
            hits += right[order[i]] ? 1 : 0;
            if (i + 1 == order.Length || confidence[order[i + 1]] < confidence[order[i]])   // equal confidences can't be told apart
                points.Add(new(confidence[order[i]], (i + 1.0) / order.Length, hits / (i + 1.0)));
        }
        return points.Count <= MostPoints
            ? [.. points] : [.. Enumerable.Range(1, MostPoints).Select(k => points[k * points.Count / MostPoints - 1])];
    }
}

/// <summary>What happens where answers below a confidence are withheld.</summary>
/// <param name="Threshold">The confidence; answers that have it are given.</param>
/// <param name="Coverage">Share of the validation images that are answered.</param>
/// <param name="Accuracy">Share of those answers that is right.</param>
public sealed record OperatingPoint(double Threshold, double Coverage, double Accuracy);
