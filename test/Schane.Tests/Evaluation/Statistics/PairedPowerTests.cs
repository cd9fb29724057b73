using Schane.Evaluation.Statistics;

namespace Schane.Tests.Evaluation.Statistics;

public sealed class PairedPowerTests
{
    /// <summary>Sample sizes that G*Power 3.1 gives for the two-sided paired t test at 0.05 and a power of 0.8.</summary>
    [Theory]
    [InlineData(0.5, 34)]
    [InlineData(0.8, 15)]
    [InlineData(1.0, 10)]
    public void Seeds_needed_are_those_of_the_textbooks(double effect, int seeds) =>
        Assert.Equal(seeds, PairedPower.SeedsFor(effect, 1));

    /// <summary>G*Power 3.1: effect 0.5, 34 pairs, power 0.8078.</summary>
    [Fact]
    public void Power_is_that_of_the_noncentral_t_distribution() =>
        Assert.Equal(0.8078, PairedPower.Of(0.5 * Math.Sqrt(34), 34, 0.05), 5e-4);

    [Fact]
    public void Without_a_difference_the_test_finds_one_as_often_as_its_level() =>
        Assert.Equal(0.05, PairedPower.Of(0, 5, 0.05), 1e-3);

    /// <summary>Drawn differences, tested by the paired test itself: the one that is said to be seen is found 4 times in 5.</summary>
    [Fact]
    public void The_least_difference_is_found_four_times_in_five()
    {
        const int seeds = 5, draws = 4000;
        var least = PairedPower.LeastDifference(0.02, seeds);
        var random = new Random(7);
        double Drawn() => least + 0.02 * MathNet.Numerics.Distributions.Normal.Sample(random, 0, 1);
        var found = Enumerable.Range(0, draws).Count(_ =>
            PairedComparison.Of([.. Enumerable.Range(0, seeds).Select(_ => Drawn())], new double[seeds]).PValue < 0.05);
        Assert.Equal(0.8, found / (double)draws, 0.025);
    }

    [Fact]
    public void More_comparisons_and_overlapping_folds_see_less_and_more_seeds_see_more()
    {
        var plain = PairedPower.LeastDifference(0.02, 5);
        Assert.True(PairedPower.LeastDifference(0.02, 5, comparisons: 3) > plain);
        Assert.Equal(plain * Math.Sqrt(1 + 5 * 0.25), PairedPower.LeastDifference(0.02, 5, testPerTrain: 0.25), 1e-6);
        Assert.True(PairedPower.LeastDifference(0.02, 8) < plain);
        Assert.Null(PairedPower.SeedsFor(1e-4, 0.02));
    }

    /// <summary>Medians over the pairs of the comparisons in docs/results: 1.7 to 2.3 points at 400 items, 1.6 to 1.8 at 1,200.</summary>
    [Fact]
    public void Expected_scatter_is_that_of_the_comparisons_that_were_made()
    {
        Assert.InRange(PairedPower.ExpectedDeviation(400), 0.017, 0.025);
        Assert.InRange(PairedPower.ExpectedDeviation(1200), 0.016, 0.018);
    }
}
