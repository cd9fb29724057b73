using Schane.Evaluation.Drift;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Tests.Evaluation.Drift;

public class DriftTests
{
    private const int Width = 16, Classes = 4;

    // Four rows on two axes: cosines 1 and 0, squared distances 0 and 2, of which the median of the six pairs (0 0 2 2 2 2) is 2.
    [Fact]
    public void The_discrepancy_of_two_pairs_is_that_of_a_pencil()
    {
        using var scope = NewDisposeScope();
        var rows = tensor(new double[] { 1, 0, 5, 0, 0, 2, 0, 1 }, [4, 2]);
        var (value, _) = TwoSampleTests.MaximumMeanDiscrepancy(rows, 2, seed: 0);
        Assert.Equal(1 + 1 - 2 * Math.Exp(-1), value, 1e-12);
    }

    [Fact]
    public void How_often_values_lie_above_counts_equal_ones_half()
    {
        Assert.Equal([1.5, 3, 1.5, 4], Permutations.Ranks([2, 3, 2, 7]));
        Assert.Equal(4.5 / 6, TwoSampleTests.Above([1, 3], [2, 3, 4], seed: 0).Value, 1e-12);               // 1<2 1<3 1<4 3=3 3<4
    }

    // Of the 20 choices of three among six, one has all the large ones.
    [Fact]
    public void The_p_value_is_the_share_of_choices_that_differ_as_much()
    {
        var (value, p) = TwoSampleTests.Above([1, 2, 3], [4, 5, 6], seed: 0);
        Assert.Equal(1, value);
        Assert.InRange(p, 0.035, 0.065);
        Assert.Equal(1, TwoSampleTests.Above([4, 5, 6], [1, 2, 3], seed: 0).P);
    }

    // Classes 4:0 beside 2:2, where 3:1 is expected of each: 1²/3 + 1²/1 of either side.
    [Fact]
    public void Shares_of_classes_are_compared_by_chi_square()
    {
        var (value, _) = TwoSampleTests.Shares([0, 0, 0, 0], [0, 0, 2, 2], seed: 0);
        Assert.Equal(2 * (1.0 / 3 + 1), value, 1e-9);
        Assert.True(TwoSampleTests.Shares([.. Enumerable.Repeat(0, 30)], [.. Enumerable.Repeat(1, 30)], seed: 0).P < 0.001);
    }

    // Fisher's lady: of 8 cups with 4 of a kind, 3 or more right by chance in 17 of 70 cases.
    [Fact]
    public void More_unknown_images_are_judged_by_fishers_exact_test() =>
        Assert.Equal(17.0 / 70, DriftReport.MoreP(before: 1, reference: 4, now: 3, incoming: 4), 1e-9);

    // A fit without the row by hand, beside what its leverage says.
    [Fact]
    public void The_classifier_judges_each_row_without_it()
    {
        using var scope = NewDisposeScope();
        var random = new SampleRandom(3);
        var (n, reference) = (12, 7);
        var rows = tensor([.. Enumerable.Range(0, n * 3).Select(i => random.Normal())], [n, 3]);
        var centred = rows - rows.mean([0], keepdim: true);
        var penalty = (centred * centred).sum().item<double>() / 3;
        var side = tensor([.. Enumerable.Range(0, n).Select(i => (i >= reference ? 1.0 : 0) - (double)(n - reference) / n)], [n, 1]);
        double[] judged = [.. Enumerable.Range(0, n).Select(left =>
        {
            var others = tensor([.. Enumerable.Range(0, n).Where(i => i != left).Select(i => (long)i)]);
            var (x, y) = (centred.index_select(0, others), side.index_select(0, others));
            var weights = linalg.solve(x.T.matmul(x) + penalty * eye(3, dtype: ScalarType.Float64), x.T.matmul(y));
            return centred[left].matmul(weights).item<double>();
        })];
        var above = (from cameIn in judged[reference..] from other in judged[..reference] select cameIn > other ? 1.0 : 0).Average();
        Assert.Equal(above, TwoSampleTests.Classifier(rows, reference, seed: 0).Value, 1e-9);
    }

    [Fact]
    [Trait("Slow", "1")]
    [Trait("Long", "1")]
    public void Images_of_the_same_kind_are_seldom_said_to_have_drifted()
    {
        var alarms = Enumerable.Range(0, 100).Count(draw => Report(draw, shift: 0).Drifted);
        Assert.InRange(alarms, 0, 10);                                    // 5 expected at most; 11 or more in one of 100 such tests
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(2.0)]
    public void What_looks_different_is_found_by_its_embeddings(double shift)
    {
        var report = Report(0, shift);
        Assert.True(report.Drifted);
        Assert.True(report.Found(report.Tests.Single(test => test.Name == "mmd")));
        Assert.True(report.Found(report.Tests.Single(test => test.Name == "classifier")));
    }

    [Fact]
    public void A_report_says_the_least_share_of_unknown_images_that_would_be_found()
    {
        Observed Sample(int images, int unknown) => new(null, 0, [.. Enumerable.Range(0, images).Select(i => i < unknown ? 0.9 : 0.1)],
            [.. Enumerable.Range(0, images).Select(i => i % 2)]);
        var report = DriftReport.Of(Sample(100, 5), Sample(50, 3), threshold: 0.5, alpha: 0.05);
        Assert.Equal((0.05, 0.06), (report.UnknownBefore, report.Unknown));
        Assert.False(report.Drifted);
        var least = (int)Math.Round(report.LeastUnknown!.Value * 50);
        Assert.True(DriftReport.Of(Sample(100, 5), Sample(50, least), 0.5, 0.05) is { } found && found.Found(found.Tests.Single(
            test => test.Name == "unknown")));
        Assert.True(DriftReport.MoreP(5, 100, least - 1, 50) > 0.05 / 3);
    }

    [Fact]
    public void Of_too_few_images_nothing_is_said()
    {
        Observed Sample(int images) => new(null, 0, [.. Enumerable.Repeat(0.9, images)], new int[images]);
        var report = DriftReport.Of(Sample(100), Sample(3), threshold: 0.5, alpha: 0.05);
        Assert.Empty(report.Tests);
        Assert.False(report.Drifted);
        Assert.Equal(1, report.Unknown);
    }

    private static DriftReport Report(int draw, double shift)
    {
        Observed Sample(int images, long key, double off)
        {
            var random = new SampleRandom(draw, key);
            int[] answers = [.. Enumerable.Range(0, images).Select(_ => random.Below(Classes))];
            float[] rows = [.. answers.SelectMany(answer => Enumerable.Range(0, Width)
                .Select(i => (float)(random.Normal() + (i == answer ? 3 : 0) + (i == Classes ? off : 0))))];
            return new(rows, Width, [.. rows.Chunk(Width).Select(row => (double)row.Sum(v => v * v))], answers);
        }
        return DriftReport.Of(Sample(80, 1, 0), Sample(60, 2, shift), threshold: 50, alpha: 0.05, seed: draw);
    }
}
