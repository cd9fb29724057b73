using Schane.Evaluation.Statistics;
using Schane.Tensors;

namespace Schane.Tests.Evaluation.Statistics;

public class PairedBootstrapTests
{
    [Fact]
    public void A_difference_that_every_item_of_every_seed_shows_has_no_width()
    {
        var (low, high) = PairedBootstrap.Of([[1, 1, 1], [1, 1, 1]], [[0, 0, 0], [0, 0, 0]], [0, 1, 2], draws: 200);
        Assert.Equal((1, 1), (low, high));
    }

    [Fact]
    public void One_seed_gives_the_binomial_interval_of_its_items()
    {
        // 30 of 100 items differ by 1: the bootstrap mean is Binomial(100, 0.3)/100, whose 2.5 % and 97.5 % quantiles are 0.21
        // and 0.39 (scipy.stats.binom.ppf).
        double[] first = [.. Enumerable.Range(0, 100).Select(i => i < 30 ? 1.0 : 0)];
        var (low, high) = PairedBootstrap.Of([first], [new double[100]], [.. Enumerable.Range(0, 100)], draws: 40_000);
        Assert.Equal(0.21, low, 0.0101);
        Assert.Equal(0.39, high, 0.0101);
    }

    [Fact]
    public void Items_of_one_group_are_drawn_together_so_the_interval_is_as_wide_as_few_groups_make_it()
    {
        // Two groups of 50, one all 1, one all 0: the mean is 0, ½ or 1 with chances ¼, ½, ¼; by single items it would be near ½.
        double[] first = [.. Enumerable.Range(0, 100).Select(i => i < 50 ? 1.0 : 0)];
        Assert.Equal((0, 1),
            PairedBootstrap.Of([first], [new double[100]], [.. Enumerable.Range(0, 100).Select(i => i / 50)], draws: 2000));
        var alone = PairedBootstrap.Of([first], [new double[100]], [.. Enumerable.Range(0, 100)], draws: 2000);
        Assert.InRange(alone.High - alone.Low, 0.15, 0.25);
    }

    [Fact]
    public void Seeds_are_drawn_too()
    {
        // Four seeds whose items all differ by 0 or 1: only the draw of seeds moves the mean, Binomial(4, ½)/4.
        double[] ones = [1, 1], zeros = [0, 0];
        Assert.Equal((0, 1), PairedBootstrap.Of([ones, zeros, ones, zeros], [zeros, zeros, zeros, zeros], [0, 1], draws: 5000));
    }

    [Fact]
    public void Items_of_their_own_are_drawn_within_each_seed()
    {
        // One seed with all differences 1, one with 0: only the draw of seeds moves the mean.
        Assert.Equal((0, 1), PairedBootstrap.WithinSeeds([[1, 1, 1], [0]], [[0, 0, 0], [0]], draws: 2000));
        double[] some = [.. Enumerable.Range(0, 100).Select(i => i < 30 ? 1.0 : 0)];
        var (low, high) = PairedBootstrap.WithinSeeds([some], [new double[100]], draws: 40_000);
        Assert.Equal(0.21, low, 0.0101);
        Assert.Equal(0.39, high, 0.0101);
        Assert.Throws<ArgumentException>(() => PairedBootstrap.WithinSeeds([[1, 2]], [[1]]));
    }

    [Fact]
    public void Ninety_five_in_a_hundred_intervals_hold_the_true_difference_where_seeds_and_items_both_scatter()
    {
        var random = new SampleRandom(1);
        var held = 0;
        const int Trials = 200, Seeds = 12, Items = 60;
        for (var trial = 0; trial < Trials; trial++)
        {
            double[] ofItem = [.. Enumerable.Range(0, Items).Select(_ => random.Normal())];
            double[][] first = [.. Enumerable.Range(0, Seeds)
                .Select(_ => { var ofSeed = 0.5 * random.Normal(); return ofItem.Select(i => 0.3 + i + ofSeed).ToArray(); })];
            var (low, high) = PairedBootstrap.Of(first, [.. first.Select(f => new double[Items])],
                [.. Enumerable.Range(0, Items)], draws: 400, seed: trial);
            held += low <= 0.3 && 0.3 <= high ? 1 : 0;
        }
        Assert.InRange(held, 0.88 * Trials, 0.99 * Trials);
    }

    [Fact]
    public void Other_items_or_seeds_on_one_side_are_refused()
    {
        Assert.Throws<ArgumentException>(() => PairedBootstrap.Of([[1, 2]], [[1]], [0, 1]));
        Assert.Throws<ArgumentException>(() => PairedBootstrap.Of([[1, 2]], [], [0, 1]));
        Assert.Throws<ArgumentException>(() => PairedBootstrap.Of([], [], []));
    }
}
