using Schane.Evaluation;

namespace Schane.Tests.Evaluation;

public class LabelErrorsTests
{
    // Two classes, four items; item 2 is labelled 0 and looks like 1 to the classifier and to its neighbours.
    private static readonly int[] Labels = [0, 0, 0, 1];
    private static readonly double[][] Probabilities = [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.1, 0.9]];
    private static readonly double[][] Votes = [[8, 2], [5, 5], [1, 9], [0, 10]];
    private static readonly double[] Wrong = [0.02, 0.1, 0.75, 0.01];
    private static readonly double[] Gaps = [-0.5, -0.1, 0.3, -0.6];

    [Fact]
    public void The_score_is_the_mean_of_how_probably_the_label_is_wrong_and_of_the_margin_of_the_best_other_class()
    {
        var ranked = LabelErrors.Rank(Labels, Probabilities, Votes, Wrong, Gaps);
        Assert.Equal([2, 1, 0, 3], ranked.Select(r => r.Row));
        Assert.Equal([1, 1, 1, 0], ranked.Select(r => r.Suggested));
        // Item 2: the other class has (0.8 + 0.9)/2 = 0.85, the label 0.15: a margin of (1 + 0.7)/2 = 0.85, beside 0.75.
        Assert.Equal(0.8, ranked[0].Score, 1e-12);
        // Item 1: 0.45 against 0.55, so 0.45 beside 0.1.
        Assert.Equal(0.275, ranked[1].Score, 1e-12);
    }

    [Fact]
    public void Of_equal_margins_the_label_that_is_wrong_more_probably_is_more_suspect()
    {
        // Both margins are 0.3; of item 1 the label has 0.1, of item 0 it has 0.35.
        var ranked = LabelErrors.Rank([0, 0], [[0.35, 0.65, 0, 0], [0.1, 0.4, 0.4, 0.1]], [[1, 1, 1, 1], [1, 1, 1, 1]], [0.2, 0.9],
            [0.1, 0.1]);
        Assert.Equal(1, ranked[0].Row);
    }

    [Fact]
    public void An_item_is_contradicted_only_where_neighbours_and_hardest_pair_both_speak_against_it()
    {
        Assert.Equal([2], LabelErrors.Rank(Labels, Probabilities, Votes, Wrong, Gaps).Where(r => r.Contradicted).Select(r => r.Row));
        Assert.DoesNotContain(LabelErrors.Rank(Labels, Probabilities, Votes, Wrong, [-0.5, -0.1, -0.3, -0.6]), r => r.Contradicted);
        Assert.DoesNotContain(LabelErrors.Rank(Labels, Probabilities, [[8, 2], [5, 5], [9, 1], [0, 10]], Wrong, Gaps), r => r.Contradicted);
    }

    [Fact]
    public void Confident_learning_flags_what_reaches_another_class_s_mean_self_confidence()
    {
        // Thresholds: class 0 has (0.9 + 0.6 + 0.2)/3 = 0.567, class 1 has 0.9. Item 2 reaches neither; with 0.95 it reaches class 1's.
        Assert.Equal(0, LabelErrors.ConfidentLearning(Labels, Probabilities).Flagged);
        double[][] sure = [[0.9, 0.1], [0.6, 0.4], [0.05, 0.95], [0.1, 0.9]];
        var (rows, flagged) = LabelErrors.ConfidentLearning(Labels, sure);
        Assert.Equal(1, flagged);
        Assert.Equal([2, 1, 0, 3], rows);
    }

    [Fact]
    public void Average_precision_is_the_mean_precision_at_the_wrong_items()
    {
        // Wrong items at ranks 1 and 3: (1/1 + 2/3)/2.
        Assert.Equal(5.0 / 6, LabelErrors.AveragePrecision([7, 3, 5, 1], i => i is 7 or 5), 1e-12);
    }
}
