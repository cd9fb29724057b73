namespace Schane.Evaluation;

/// <summary>How far confidence is from accuracy: expected calibration error (Naeini et al. 2015; Guo et al.
/// 2017, arXiv:1706.04599).</summary>
/// <param name="Error">Σ over the bins of share of images × |accuracy − mean confidence|.</param>
/// <param name="Bins">Equal bins (low, high] of confidence.</param>
public sealed record Calibration(double Error, IReadOnlyList<CalibrationBin> Bins)
{
    /// <param name="confidence">Probability of the answer, 0 … 1.</param>
    /// <param name="right">Whether the answer is right.</param>
    /// <param name="bins">How many bins, 15 by custom.</param>
    public static Calibration Of(ReadOnlySpan<double> confidence, ReadOnlySpan<bool> right, int bins = 15)
    {
        Tensors.Require.AtLeast(bins, 1, nameof(bins));
        if (confidence.Length != right.Length || right.Length == 0)
            throw new ArgumentException($"right must hold as many values as confidence, at least one, but has {right.Length} for " +
                $"{confidence.Length}.", nameof(right));
        var (counts, hits, sums) = (new int[bins], new int[bins], new double[bins]);
        var width = 1.0 / bins;
        for (var i = 0; i < confidence.Length; i++)
        {
            var bin = Math.Clamp((int)Math.Ceiling(confidence[i] / width) - 1, 0, bins - 1);
            while (bin > 0 && confidence[i] <= bin * width)               // the division may have rounded over an edge
                bin--;
            while (bin < bins - 1 && confidence[i] > (bin + 1) * width)
                bin++;
            counts[bin]++;
            hits[bin] += right[i] ? 1 : 0;
            sums[bin] += confidence[i];
        }
        var error = 0.0;
        for (var bin = 0; bin < bins; bin++)
            error += Math.Abs(hits[bin] - sums[bin]) / right.Length;
        return new(error, [.. Enumerable.Range(0, bins).Select(b => counts[b] == 0
            ? new CalibrationBin(b * width, (b + 1) * width, 0, null, null)
            : new CalibrationBin(b * width, (b + 1) * width, counts[b], (double)hits[b] / counts[b], sums[b] / counts[b]))]);
    }
}

/// <summary>The images whose confidence lies in (Low, High].</summary>
/// <param name="Low">Lower edge, not in the bin.</param>
/// <param name="High">Upper edge, in the bin.</param>
/// <param name="Count">How many images.</param>
/// <param name="Accuracy">Share that is right; null if empty.</param>
/// <param name="Confidence">Mean confidence; null if empty.</param>
public sealed record CalibrationBin(double Low, double High, int Count, double? Accuracy, double? Confidence);
