using Schane.Jobs;

namespace Schane.Tests.Jobs;

public class ComparisonTests
{
    [Fact]
    public void A_constant_gain_on_every_seed_is_told_from_chance_and_noise_is_not()
    {
        var found = Comparison.Of("top1", "some", [0, 1, 2, 3, 4],
            [("ce", [0.50, 0.52, 0.48, 0.51, 0.49]), ("schane", [0.551, 0.569, 0.530, 0.561, 0.539]), ("noise", [0.52, 0.48, 0.49, 0.53, 0.48])]);
        Assert.Equal("helped", Pair(found, "schane", "ce").Verdict);
        Assert.Equal(0.05, Pair(found, "schane", "ce").Difference, 1e-12);
        Assert.Equal("no evidence", Pair(found, "noise", "ce").Verdict);
    }

    [Fact]
    public void A_smaller_error_is_a_gain() =>
        Assert.Equal("helped", Pair(Comparison.Of("error", "some", [0, 1, 2], [("ce", [0.20, 0.21, 0.22]), ("schane", [0.10, 0.111, 0.12])]), "schane", "ce").Verdict);

    private static PairResult Pair(Comparison found, string arm, string against) => found.Pairs.Single(p => p.Arm == arm && p.Against == against);
}
