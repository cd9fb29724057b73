namespace Schane.Losses;

/// <summary>What each anchor of a step saw. Arrays of one entry an anchor; similarities are cosines; NaN (index −1) where
/// there is nothing to say.</summary>
/// <param name="First">Row of the first anchor among all rows of the step; 0 unless ranks share the anchors.</param>
/// <param name="Loss">Loss of the anchor in nats; 0 for anchors without a positive, which the mean leaves out.</param>
/// <param name="Positives">|P(i)|, the sum of the positive weights.</param>
/// <param name="HardestNegative">Row of the most similar negative (more negative than positive under mixtures); of equals any.</param>
/// <param name="HardestNegativeSimilarity">Its cosine.</param>
/// <param name="EffectiveNegatives">exp of the entropy of w, 1 to |Nn(i)|.</param>
/// <param name="PositiveSimilarity">Mean cosine over the positives, by weight.</param>
/// <param name="NegativeSimilarity">Mean cosine over the negatives, by weight.</param>
internal sealed record RowStatistics(long First, float[] Loss, float[] Positives, int[] HardestNegative,
    float[] HardestNegativeSimilarity, float[] EffectiveNegatives, float[] PositiveSimilarity, float[] NegativeSimilarity)
{
    /// <summary>Number of anchors.</summary>
    public int Count => Loss.Length;

    /// <summary>Room for the statistics of <paramref name="count"/> anchors.</summary>
    internal static RowStatistics Empty(long first, long count) =>
        new(first, new float[count], new float[count], new int[count], new float[count], new float[count],
            new float[count], new float[count]);

    /// <summary>The mean of the entries that are not NaN; null when there is none.</summary>
    public static double? Mean(float[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var (sum, count) = (0.0, 0);
        foreach (var value in values)
        {
            if (!float.IsNaN(value))
                (sum, count) = (sum + value, count + 1);
        }
        return count == 0 ? null : sum / count;
    }

    /// <summary>The same batch with means of these rows.</summary>
    internal BatchStatistics Summarise(BatchStatistics counts) => counts with
    {
        MeanPositiveSimilarity = Mean(PositiveSimilarity),
        MeanNegativeSimilarity = Mean(NegativeSimilarity),
        HardestNegativeSimilarity = Mean(HardestNegativeSimilarity),
        EffectiveNegatives = Mean(EffectiveNegatives),
    };
}
