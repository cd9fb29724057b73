using MathNet.Numerics.Distributions;

namespace Schane.Evaluation.Statistics;

/// <summary>What a two-sided paired t test over seeds can see, and how many seeds it takes to see more.</summary>
internal static class PairedPower
{
    /// <summary>Chance with which a difference is to be found before it counts as one that can be seen.</summary>
    public const double Wanted = 0.8;

    /// <summary>Share of items on which two runs typically differ, and the scatter that more items don't take away: chosen so that
    /// <see cref="ExpectedDeviation"/> gives what the comparisons in docs/results scattered by.</summary>
    private const double Disagreement = 0.2, BetweenSeeds = 0.01;

    /// <summary>Points at which the distribution of the measured deviation is looked at.</summary>
    private const int Points = 400;

    /// <summary>Standard deviation from seed to seed to expect of a paired difference of shares, before anything is measured.</summary>
    /// <param name="items">Test items, 1 or more.</param>
    public static double ExpectedDeviation(int items) => Math.Sqrt(Disagreement / items + BetweenSeeds * BetweenSeeds);

    /// <summary>Probability that the test finds a true mean difference: the tails of the noncentral t distribution.</summary>
    /// <param name="difference">True mean difference in standard errors of the mean, 0 or more.</param>
    /// <param name="seeds">2 or more.</param>
    /// <param name="level">The p below which a difference counts.</param>
    public static double Of(double difference, int seeds, double level)
    {
        var critical = StudentT.InvCDF(0, 1, seeds - 1, 1 - level / 2);
        return Enumerable.Range(0, Points).Average(i =>
        {
            var measured = Math.Sqrt(ChiSquared.InvCDF(seeds - 1, (i + 0.5) / Points) / (seeds - 1));
            return Normal.CDF(0, 1, difference - critical * measured) + Normal.CDF(0, 1, -difference - critical * measured);
        });
    }

    /// <summary>The least true difference that is found with the chance <see cref="Wanted"/>.</summary>
    /// <param name="deviation">Standard deviation of the paired differences.</param>
    /// <param name="seeds">2 or more.</param>
    /// <param name="comparisons">Differences that are judged together: each must pass the first step of Holm's adjustment.</param>
    /// <param name="testPerTrain">As in <see cref="PairedComparison.Of"/>.</param>
    public static double LeastDifference(double deviation, int seeds, int comparisons = 1, double testPerTrain = 0)
    {
        var (low, high) = (0.0, 1.0);
        bool seen(double errors) => Of(errors, seeds, 0.05 / comparisons) >= Wanted;
        while (!seen(high))
            (low, high) = (high, 2 * high);
        for (var i = 0; i < 30; i++)
        {
            var middle = (low + high) / 2;
            (low, high) = seen(middle) ? (low, middle) : (middle, high);
        }
        return high * deviation * Math.Sqrt(1.0 / seeds + testPerTrain);
    }

    /// <summary>How many seeds see a difference; null if it takes more than <paramref name="most"/>.</summary>
    /// <inheritdoc cref="LeastDifference" path="/param"/>
    public static int? SeedsFor(double difference, double deviation, int comparisons = 1, double testPerTrain = 0, int most = 100)
    {
        if (LeastDifference(deviation, most, comparisons, testPerTrain) > Math.Abs(difference))
            return null;
        var (few, enough) = (1, most);
        while (enough - few > 1)
        {
            var middle = (few + enough) / 2;
            if (LeastDifference(deviation, middle, comparisons, testPerTrain) <= Math.Abs(difference))
                enough = middle;
            else
                few = middle;
        }
        return enough;
    }
}
