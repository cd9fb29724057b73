using Schane.Evaluation;

namespace Schane.Tests.Evaluation;

/// <summary>Figures of images of several classes: cases for a pencil.</summary>
public class LabelSetScoresTests
{
    // Three images, two classes: the first class is ranked yes, no, yes, the second no, yes, yes.
    private static readonly double[] logits = [3, 1, 2, 0.5, 1, 0.2];
    private static readonly bool[] truth = [true, false, false, true, true, true];

    private static LabelSetScores Of(double[] logits, bool[] truth, int classes) => LabelSetScores.Of(logits, truth,
        LabelSetScores.Answers(logits, [.. Enumerable.Repeat(0.5, classes)]), classes);

    [Fact]
    public void Average_precision_is_the_mean_of_the_precision_at_each_image_of_the_class()
    {
        var found = Of(logits, truth, 2);
        Assert.Equal((1 + 2.0 / 3) / 2, found.Classes[0].AveragePrecision!.Value, 1e-15);
        Assert.Equal((1.0 / 2 + 2.0 / 3) / 2, found.Classes[1].AveragePrecision!.Value, 1e-15);
        Assert.Equal(17.0 / 24, found.Map.Mean, 1e-15);
        Assert.InRange(found.Map.Mean, found.Map.Low!.Value, found.Map.High!.Value);
    }

    [Fact]
    public void Equal_scores_stand_together_as_in_scikit_learn()
    {
        // average_precision_score([1, 0, 1, 0], [.5, .5, .5, .1]): all recall is gained at a precision of 2/3.
        var found = Of([0.5, 0.5, 0.5, 0.1], [true, false, true, false], 1);
        Assert.Equal(2.0 / 3, found.Classes[0].AveragePrecision!.Value, 1e-15);
    }

    [Fact]
    public void Micro_macro_and_exact_count_answers_classes_and_images()
    {
        // All six answers are yes at ½; four are right.
        var found = Of(logits, truth, 2);
        Assert.Equal(2 * 4 / (6 + 4.0), found.MicroF1.Mean, 1e-15);
        Assert.Equal(0.8, found.MacroF1, 1e-15);
        Assert.Equal(1.0 / 3, found.Exact.Mean, 1e-15);
        Assert.Equal((2, 2.0 / 3, 1.0), (found.Classes[1].Images, found.Classes[1].Precision, found.Classes[1].Recall));
        double Cost(double x, bool yes) => Math.Log(1 + Math.Exp(yes ? -x : x));
        Assert.Equal(logits.Zip(truth, Cost).Sum() / 3, found.Nll, 1e-14);
    }

    [Fact]
    public void A_class_that_no_image_shows_has_no_precision_and_counts_in_no_mean()
    {
        var found = Of([2, -1, 1, -2], [true, false, true, false], 2);
        Assert.Null(found.Classes[1].AveragePrecision);
        Assert.Equal((1, 1), (found.Map.Mean, found.MacroF1));
    }

    [Fact]
    public void A_threshold_gives_the_best_F1_half_way_to_the_next_image_and_stays_at_one_half_without_an_image()
    {
        double[] sure = [2, 9, 1, 9, 0, 9, -1, 9];                        // of two classes, four images
        var thresholds = ClassThresholds.Fit(sure, [true, false, true, false, false, false, false, false], 2);
        double At(double logit) => 1 / (1 + Math.Exp(-logit));
        Assert.Equal((At(1) + At(0)) / 2, thresholds.Values[0], 1e-15);
        Assert.Equal((0.5, 2, 0), (thresholds.Values[1], thresholds.Images[0], thresholds.Images[1]));
        Assert.Equal([0], thresholds.Named([0.99, 0.4]));
        Assert.Equal([1, 0], thresholds.Named([0.9, 0.95]));
    }

    [Fact]
    public void Thresholds_survive_a_file_and_others_than_the_classes_are_refused()
    {
        var thresholds = new ClassThresholds([0.25, 0.5], [3, 0]);
        Assert.Equal(thresholds.Values, ClassThresholds.Parse(thresholds.ToJson(), 2, "m")!.Values);
        Assert.Contains("has 3 classes", Assert.Throws<SchaneException>(() => ClassThresholds.Parse(thresholds.ToJson(), 3, "m")).Message);
        Assert.Contains("can't be read", Assert.Throws<SchaneException>(() => ClassThresholds.Parse("[", 3, "m")).Message);
    }
}
