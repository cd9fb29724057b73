using Schane.Evaluation.Statistics;

namespace Schane.Tests.Evaluation.Statistics;

public class StatisticsTests
{
    // Clopper and Pearson for 7 of 10, as R's binom.test has it; no success and no failure have closed forms.
    [Fact]
    public void The_exact_interval_of_a_share_is_that_of_the_binomial_tails()
    {
        var seven = Interval.ClopperPearson(7, 10);
        Assert.Equal((0.3475471, 0.9332605), (Math.Round(seven.Low!.Value, 7), Math.Round(seven.High!.Value, 7)));
        Assert.True(Interval.ClopperPearson(5.6, 8).HalfWidth > seven.HalfWidth);
        Assert.Equal(0, Interval.ClopperPearson(0, 10).Low!.Value);
        Assert.Equal(1 - Math.Pow(0.025, 0.1), Interval.ClopperPearson(0, 10).High!.Value, 1e-9);
        Assert.Equal(Math.Pow(0.025, 0.1), Interval.ClopperPearson(10, 10).Low!.Value, 1e-9);
    }

    [Fact]
    public void Student_interval_agrees_with_a_table()
    {
        // t(0.975; 3) = 3.182446305 (any table); values 1 2 3 4: mean 2.5, s = √(5/3), half width t·s/2.
        var interval = Interval.StudentT([1, 2, 3, 4]);
        Assert.Equal(2.5, interval.Mean, 1e-15);
        Assert.Equal(3.182446305284263 * Math.Sqrt(5.0 / 3) / 2, interval.HalfWidth!.Value, 1e-9);
        Assert.Equal((4, IntervalKind.StudentT, 0.95), (interval.Count, interval.Kind, interval.Level));
        Assert.Equal(1.959963984540054 * Math.Sqrt(5.0 / 3) / 2, Interval.NormalOf([1, 2, 3, 4]).HalfWidth!.Value, 1e-9);
    }

    [Fact]
    public void One_measurement_has_a_mean_and_no_interval()
    {
        var one = Interval.StudentT([0.5]);
        Assert.Equal((0.5, null, null, null), (one.Mean, one.Low, one.High, one.HalfWidth));
        Assert.Throws<ArgumentException>(() => Interval.StudentT([]));
    }

    [Fact]
    public void Wilson_interval_agrees_with_Newcombe_1998()
    {
        // R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81/263, 15/148, 0/20, 1/29.
        foreach (var (r, n, low, high) in ((int, int, double, double)[])[(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)])
        {
            var interval = Interval.Wilson(r, n);
            Assert.Equal(low, interval.Low!.Value, 5.1e-5);
            Assert.Equal(high, interval.High!.Value, 5.1e-5);
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => Interval.Wilson(3, 2));
    }

    [Fact]
    public void Folds_that_share_training_images_widen_the_test_as_Nadeau_and_Bengio_say()
    {
        // Differences 1 2 3, 2 folds a repeat (test/train 1): variance of the mean (1/3 + 1)·1, t = 2/√(4/3) = √3; p = 1 − √3/√(3 + 2).
        var paired = PairedComparison.Of([11, 22, 33], [10, 20, 30], testPerTrain: 1);
        Assert.Equal(1 - Math.Sqrt(3.0 / 5), paired.PValue!.Value, 1e-9);
        Assert.Equal(2 * PairedComparison.Of([11, 22, 33], [10, 20, 30]).Difference.HalfWidth!.Value,
            paired.Difference.HalfWidth!.Value, 1e-9);
    }

    [Fact]
    public void Paired_differences_are_those_of_the_same_seeds()
    {
        // Differences 1 2 3: mean 2, s 1, t = 2√3 with 2 degrees of freedom; p = 1 − t/√(t² + 2) = 1 − √12/√14.
        var paired = PairedComparison.Of([11, 22, 33], [10, 20, 30]);
        Assert.Equal(2, paired.Difference.Mean, 1e-12);
        Assert.Equal(1 - Math.Sqrt(12.0 / 14), paired.PValue!.Value, 1e-9);
        Assert.Equal(0.25, paired.SignFlipP!.Value, 1e-15);              // only +++ and −−− reach 6
        Assert.Equal(0.25, paired.LeastSignFlipP, 1e-15);
        Assert.Throws<ArgumentException>(() => PairedComparison.Of([1, 2], [1]));
    }

    [Fact]
    public void Differences_without_spread_and_single_seeds_have_named_answers()
    {
        Assert.Equal(1.0, PairedComparison.Of([1, 2, 3], [1, 2, 3]).PValue);
        Assert.Equal(0.0, PairedComparison.Of([2, 3, 4], [1, 2, 3]).PValue);
        Assert.Null(PairedComparison.Of([2], [1]).PValue);
    }

    [Fact]
    public void Holm_steps_down()
    {
        // Sorted 0.01 0.02 0.03 0.04 × 4 3 2 1 = 0.04 0.06 0.06 0.04 → running maximum 0.04 0.06 0.06 0.06.
        Assert.Equal([0.06, 0.04, 0.06, 0.06], PairedComparison.Holm([0.03, 0.01, 0.04, 0.02]), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal([1.0, 1.0], PairedComparison.Holm([0.9, 0.8]));
    }
}
