using System.Globalization;
using System.Text.Json;
using Schane.Evaluation;
using Schane.Evaluation.Statistics;

namespace Schane.Export;

/// <summary>What a file in int8 costs in accuracy beside the same model in float32, and what it gains in size and speed: both files on the
/// same images and the same machine, in turn.</summary>
/// <param name="Images">Held-out images that both were measured on.</param>
/// <param name="Source">Where they are from.</param>
/// <param name="CalibrationImages">Images whose values the ranges are taken from; none of the others is among them.</param>
/// <param name="Top1">Share of the images that float32 has right, 0 to 1.</param>
/// <param name="Int8Top1">The same of int8.</param>
/// <param name="LossLow">Lower end of the 95 % interval of <see cref="Loss"/>, from the images that one of both alone has right.</param>
/// <param name="LossHigh">Its upper end.</param>
/// <param name="PValue">McNemar's exact test of no difference.</param>
/// <param name="Limit">Largest <see cref="Loss"/> allowed.</param>
/// <param name="Agreement">Share of the images to which both give the same class.</param>
/// <param name="LargestProbabilityDifference">Of all images, the largest difference of a class's probability, 0 to 1.</param>
/// <param name="MeanProbabilityDifference">Mean over the images of the largest difference of a class's probability.</param>
/// <param name="Ece">Expected calibration error of float32, at the temperature that both files have.</param>
/// <param name="Int8Ece">The same of int8.</param>
/// <param name="Bytes">Size in float32.</param>
/// <param name="Int8Bytes">Size in int8.</param>
/// <param name="Milliseconds">One image in float32, median.</param>
/// <param name="Int8Milliseconds">One image in int8, median.</param>
/// <param name="OneImageSpeedup">How many times as fast int8 is, median of paired passes.</param>
/// <param name="Batch">Images of a large pass.</param>
/// <param name="ImagesPerSecond">In passes of <paramref name="Batch"/> in float32, median.</param>
/// <param name="Int8ImagesPerSecond">The same in int8.</param>
/// <param name="BatchSpeedup">How many times as fast int8 is, median of paired passes.</param>
/// <param name="Threads">Threads of a pass.</param>
/// <param name="Machine">The processor and its vector instructions.</param>
/// <param name="Runtime">What ran the files.</param>
public sealed record Int8Certificate(
    int Images, string Source, int CalibrationImages, double Top1, double Int8Top1, double LossLow, double LossHigh, double PValue,
    double Limit, double Agreement, double LargestProbabilityDifference, double MeanProbabilityDifference, double Ece, double Int8Ece,
    long Bytes, long Int8Bytes, double Milliseconds, double Int8Milliseconds, double OneImageSpeedup,
    int Batch, double ImagesPerSecond, double Int8ImagesPerSecond, double BatchSpeedup, int Threads, string Machine, string Runtime)
{
    private static readonly JsonSerializerOptions Format = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>What int8 costs: the share of the images by which fewer are right; below 0 where more are.</summary>
    public double Loss => Top1 - Int8Top1;

    /// <summary>Whether int8 costs no more than <see cref="Limit"/>, or than one image. A value that is not finite never passes.</summary>
    public bool Passed => Loss <= Math.Max(Limit, 1.0 / Images) * (1 + 1e-9) && double.IsFinite(LargestProbabilityDifference);

    /// <summary>What it costs, and what it gains, in two sentences for people.</summary>
    public override string ToString() => $"{Cost}. {Gain}";

    internal string Cost => string.Create(CultureInfo.InvariantCulture,
        $"int8 costs {100 * Loss:0.0#} points of top-1 ({Top1:0.0##%} in float32, {Int8Top1:0.0##%} in int8; 95 %: {100 * LossLow:0.0#} " +
        $"to {100 * LossHigh:0.0#}; McNemar's p {PValue:0.##}) on {Images} images ({Source}), with ranges from {CalibrationImages} " +
        $"others; both name the same class on {Agreement:0.0##%}, a probability differs by at most {LargestProbabilityDifference:0.000} " +
        $"({MeanProbabilityDifference:0.000} in the mean), and the calibration error is {Int8Ece:0.000} instead of {Ece:0.000}");

    internal string Gain => string.Create(CultureInfo.InvariantCulture,
        $"{Int8Bytes / 1e6:0.0#} MB instead of {Bytes / 1e6:0.0#} ({(double)Int8Bytes / Bytes:0.00} ×); one image takes " +
        $"{Int8Milliseconds:0.0#} ms instead of {Milliseconds:0.0#} ({OneImageSpeedup:0.00} × as fast), {Batch} at a time run at " +
        $"{Int8ImagesPerSecond:0.#} images/s instead of {ImagesPerSecond:0.#} ({BatchSpeedup:0.00} ×); {Machine}, {Threads} " +
        $"thread{(Threads == 1 ? "" : "s")}, {Runtime}");

    internal string ToJson() => JsonSerializer.Serialize(this, Format);

    /// <summary>The same with what the answers say: [images][classes] probabilities of both, and the right classes.</summary>
    internal Int8Certificate With(IReadOnlyList<double[]> trained, IReadOnlyList<double[]> whole, IReadOnlyList<int> labels)
    {
        var (one, other) = (Answers.Of(trained, labels), Answers.Of(whole, labels));
        var (onlyOne, onlyOther) = (one.Right.Zip(other.Right).Count(r => r.First && !r.Second),
            one.Right.Zip(other.Right).Count(r => r.Second && !r.First));
        var (low, high) = McNemar.Difference(onlyOne, onlyOther, labels.Count);
        double[] differences = [.. trained.Zip(whole, (p, q) => p.Zip(q, (a, b) => Math.Abs(a - b)).Max())];
        return this with
        {
            Images = labels.Count,
            Top1 = one.Right.Count(right => right) / (double)labels.Count,
            Int8Top1 = other.Right.Count(right => right) / (double)labels.Count,
            LossLow = low,
            LossHigh = high,
            PValue = McNemar.ExactP(onlyOne, onlyOther),
            Agreement = one.Class.Zip(other.Class).Count(c => c.First == c.Second) / (double)labels.Count,
            LargestProbabilityDifference = differences.Max(),
            MeanProbabilityDifference = differences.Average(),
            Ece = one.Error,
            Int8Ece = other.Error,
        };
    }

    private sealed record Answers(int[] Class, bool[] Right, double Error)
    {
        public static Answers Of(IReadOnlyList<double[]> probabilities, IReadOnlyList<int> labels)
        {
            int[] best = [.. probabilities.Select(row => row.IndexOf(row.Max()))];
            bool[] right = [.. best.Zip(labels, (c, label) => c == label)];
            double[] sure = [.. probabilities.Zip(best, (row, c) => c < 0 ? double.NaN : row[c])];
            return new(best, right, sure.All(double.IsFinite) ? Calibration.Of(sure, right).Error : double.NaN);
        }
    }
}

/// <summary>A file in int8 costs more accuracy than it may; it was not kept.</summary>
internal sealed class Int8Exception(Int8Certificate certificate) : SchaneException(
    $"The int8 file costs more than the {(100 * certificate.Limit).ToString("0.##", CultureInfo.InvariantCulture)} points that it may, " +
    $"so no file was left: {certificate.Cost}. Allow more with --int8-limit, or halve the file with --store float16.")
{
    /// <summary>By how much.</summary>
    public Int8Certificate Certificate { get; } = certificate;
}
