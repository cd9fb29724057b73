using Schane.Evaluation;
using static TorchSharp.torch;

namespace Schane.Tests.Evaluation;

public class ClassificationTests
{
    [Fact]
    public void Counts_errors_inside_and_outside_groups()
    {
        using var scope = NewDisposeScope();
        // Truths 0 1 2 3, answers 1 1 0 2; groups {0, 1} and {2, 3}: three errors, 0→1 and 3→2 inside, 2→0 outside.
        var logits = tensor(new float[] { 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0 }, [4, 4]);
        var result = Classification.Of(logits, tensor(new long[] { 0, 1, 2, 3 }));
        Assert.Equal(2 / 3.0, result.ErrorsInsideGroups(label => label / 2), 1e-15);
        Assert.Equal(0.25, result.Top1);
    }

    [Fact]
    public void The_first_of_equal_logits_is_the_answer()
    {
        using var scope = NewDisposeScope();
        var result = Classification.Of(zeros(2, 7), tensor(new long[] { 0, 5 }));
        Assert.Equal((0.5, 0.5), (result.Top1, result.Top5));
        Assert.Equal(Math.Log(7), result.Nll, 1e-12);
    }

    [Fact]
    public void One_image_of_each_class_gives_no_interval_where_every_drawing_is_the_same()
    {
        using var scope = NewDisposeScope();
        var several = Classification.Of(eye(4), tensor(new long[] { 0, 0, 1, 1 })).Named();
        Assert.True(several["mean_per_class_low"] < several["mean_per_class_high"]);
        var alone = Classification.Of(eye(4), tensor(new long[] { 0, 1, 3, 2 })).Named();
        Assert.Equal(0.5, alone["mean_per_class"]);
        Assert.DoesNotContain("mean_per_class_low", alone.Keys);          // 50 to 50 %, as if four images could say that
        Assert.True(alone["top1_low"] < 0.5 && alone["top1_high"] > 0.5);
    }

    [Fact]
    public void The_likelihood_of_one_image_is_bounded_and_huge_logits_stay_finite()
    {
        using var scope = NewDisposeScope();
        var result = Classification.Of(tensor(new double[] { 1e4, 0, 0, 1e4 }, [2, 2]), tensor(new long[] { 1, 1 }));
        Assert.Equal(52 * Math.Log(2) / 2, result.Nll, 1e-9);             // one sure and right, one sure and wrong: 2⁻⁵²
    }

    [Fact]
    public void Wrong_input_is_named()
    {
        using var scope = NewDisposeScope();
        Assert.Contains("labels must lie between 0 and 1 but labels[0] is 2.",
            Assert.Throws<ArgumentException>(() => Classification.Of(zeros(1, 2), tensor(new long[] { 2 }))).Message);
        Assert.Contains("The logits of image 0 hold NaN",
            Assert.Throws<SchaneException>(() => Classification.Of(full([1, 2], double.NaN), tensor(new long[] { 0 }))).Message);
        Assert.Contains("no predictions", Assert.Throws<SchaneException>(() => Classification.Of(zeros(0, 2), zeros(0, int64))).Message);
        Assert.Throws<ArgumentException>(() => Classification.Of(zeros(3, 2), tensor(new long[] { 0 })));
    }
}
