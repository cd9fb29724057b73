namespace Schane.Evaluation;

// n items, C classes. "Probabilities" are those of models that have not been trained on the item.

/// <summary>An item whose label looks wrong.</summary>
/// <param name="Row">Its place among the items.</param>
/// <param name="Label">The label it has.</param>
/// <param name="Suggested">The label that speaks most against it.</param>
/// <param name="Score">How much speaks against the label, 0 to 1.</param>
/// <param name="Contradicted">Another class beats the label, the neighbours outvote it, and the nearest image of another class is nearer
/// than the nearest of its own.</param>
internal sealed record SuspectedLabel(int Row, int Label, int Suggested, double Score, bool Contradicted);

/// <summary>Ranks items by how much their label is contradicted.</summary>
internal static class LabelErrors
{
    /// <summary>
    /// From what out-of-fold models say: half of the score is how probable it is that the label is wrong, half the margin by which the
    /// best other class beats the label, from −1 … 1 brought to 0 … 1, in the mean of the classifier's probabilities and the votes of the
    /// nearest neighbours. The first finds labels that have nothing to do with the image, the second those of a class that looks alike.
    /// </summary>
    /// <param name="labels">[n].</param>
    /// <param name="probabilities">[n][C] of the classifier.</param>
    /// <param name="votes">[n][C] of the neighbours, any scale.</param>
    /// <param name="wrong">[n] probability that the label is wrong, of <see cref="LabelNoise"/>.</param>
    /// <param name="pairGap">[n] cosine of the nearest image of another class less that of the nearest of the item's own.</param>
    /// <returns>Most suspect first, all items.</returns>
    public static List<SuspectedLabel> Rank(IReadOnlyList<int> labels, IReadOnlyList<double[]> probabilities, IReadOnlyList<double[]> votes,
        IReadOnlyList<double> wrong, IReadOnlyList<double> pairGap) =>
        [.. Enumerable.Range(0, labels.Count).Select(i =>
        {
            var all = Math.Max(votes[i].Sum(), 1e-300);
            double[] mean = [.. probabilities[i].Zip(votes[i], (p, v) => (p + v / all) / 2)];
            var other = BestOther(mean, labels[i]);
            return new SuspectedLabel(i, labels[i], other, (wrong[i] + (1 + mean[other] - mean[labels[i]]) / 2) / 2,
                mean[other] > mean[labels[i]] && votes[i][BestOther(votes[i], labels[i])] > votes[i][labels[i]] && pairGap[i] > 0);
        }).OrderByDescending(s => s.Score).ThenBy(s => s.Row)];

    /// <summary>
    /// The confident-learning rule, for comparison (Northcutt, Jiang and Chuang 2021, arXiv:1911.00068): a class's threshold is the mean
    /// probability of it over the items that have its label; an item is flagged where the most probable of the classes that reach their
    /// threshold is not its label. Flagged items come first, each part by the margin of the label over the best other class.
    /// </summary>
    /// <returns>Rows, most suspect first, and how many of them are flagged.</returns>
    public static (List<int> Rows, int Flagged) ConfidentLearning(IReadOnlyList<int> labels, IReadOnlyList<double[]> probabilities)
    {
        var classes = probabilities[0].Length;
        var threshold = new double[classes];
        foreach (var own in Enumerable.Range(0, labels.Count).GroupBy(i => labels[i]))
            threshold[own.Key] = own.Average(i => probabilities[i][own.Key]);
        var present = labels.ToHashSet();
        bool IsFlagged(int i)
        {
            int[] confident = [.. Enumerable.Range(0, classes).Where(c => present.Contains(c) && probabilities[i][c] >= threshold[c])];
            return confident.Length > 0 && confident.MaxBy(c => probabilities[i][c]) != labels[i];
        }
        double Margin(int i) => probabilities[i][labels[i]] - probabilities[i][BestOther(probabilities[i], labels[i])];
        var flags = Enumerable.Range(0, labels.Count).Select(IsFlagged).ToArray();
        return ([.. Enumerable.Range(0, labels.Count).OrderByDescending(i => flags[i]).ThenBy(Margin).ThenBy(i => i)], flags.Count(f => f));
    }

    /// <summary>Mean over the wrong items of precision at their rank (average precision).</summary>
    /// <param name="ranked">Rows, most suspect first.</param>
    /// <param name="wrong">Whether a row's label is wrong; at least one is.</param>
    public static double AveragePrecision(IReadOnlyList<int> ranked, Func<int, bool> wrong)
    {
        var (found, sum) = (0, 0.0);
        for (var rank = 1; rank <= ranked.Count; rank++)
            if (wrong(ranked[rank - 1]))
                sum += (double)++found / rank;
        return sum / found;
    }

    private static int BestOther(double[] scores, int label)
    {
        var best = label == 0 ? 1 : 0;
        for (var c = 0; c < scores.Length; c++)
            best = c != label && scores[c] > scores[best] ? c : best;
        return best;
    }
}
