using Schane.Data.Feeding;

namespace Schane.Tests.Data.Feeding;

public class SamplerTests
{
    private static int[] Labels(params int[] sizes) => [.. sizes.SelectMany((size, label) => Enumerable.Repeat(label, size))];

    [Fact]
    public void Balanced_batches_hold_P_classes_with_K_images_each()
    {
        var labels = Labels([.. Enumerable.Repeat(20, 30)]);
        var sampler = new BalancedSampler(labels, 8, 4, seed: 1);
        Assert.Equal(19, sampler.BatchesPerEpoch);                        // 30 · 5 groups in batches of 8: 18.75
        var batches = sampler.Batches(0);
        Assert.Equal(19, batches.Count);
        Assert.All(batches, b => Assert.Equal(32, b.Length));
        Assert.All(batches, b => Assert.All(b.GroupBy(i => labels[i]), g => Assert.Equal(4, g.Distinct().Count())));
        Assert.All(batches, b => Assert.Equal(8, b.Select(i => labels[i]).Distinct().Count()));
    }

    [Theory]
    [InlineData(new[] { 20, 20, 20, 20, 20 }, 2, 4)]
    [InlineData(new[] { 7, 3, 12, 5, 1, 9 }, 3, 4)]
    [InlineData(new[] { 28, 2, 2, 2, 2, 2, 2, 2 }, 2, 4)]
    [InlineData(new[] { 2, 2 }, 5, 2)]
    public void Balanced_epochs_show_every_image(int[] sizes, int classes, int images)
    {
        var labels = Labels(sizes);
        var sampler = new BalancedSampler(labels, classes, images, seed: 3);
        Assert.Equal(0, sampler.ImagesLeftOut);
        for (var epoch = 0; epoch < 20; epoch++)
        {
            var batches = sampler.Batches(epoch);
            Assert.Equal(sampler.BatchesPerEpoch, batches.Count);
            Assert.Equal(labels.Length, batches.SelectMany(b => b).Distinct().Count());
            Assert.All(batches, b => Assert.Equal(Math.Min(classes, sizes.Length), b.Select(i => labels[i]).Distinct().Count()));
        }
    }

    [Fact]
    public void A_class_with_more_images_than_the_batches_hold_shows_others_each_epoch()
    {
        var sampler = new BalancedSampler(Labels(100, 4, 4, 4), 4, 2, seed: 1);
        Assert.Equal(14, sampler.BatchesPerEpoch);                        // 50 + 2 + 2 + 2 groups, 4 a batch
        Assert.Equal(100 - 28, sampler.ImagesLeftOut);
        Assert.Equal(100, Enumerable.Range(0, 60).SelectMany(sampler.Batches).SelectMany(b => b).Where(i => i < 100).Distinct().Count());
    }

    [Fact]
    public void A_class_with_one_image_is_counted_and_repeats_it()
    {
        var sampler = new BalancedSampler(Labels(1, 4), 2, 2, seed: 1);
        Assert.Equal(1, sampler.ClassesWithOneImage);
        Assert.All(sampler.Batches(0), b => Assert.Equal(2, b.Count(i => i == 0)));
    }

    [Fact]
    public void Classes_meet_in_other_combinations_within_an_epoch()
    {
        var labels = Labels([.. Enumerable.Repeat(20, 40)]);
        var batches = new BalancedSampler(labels, 8, 4, seed: 1).Batches(0);
        var partners = batches.Where(b => b.Any(i => labels[i] == 0)).SelectMany(b => b.Select(i => labels[i])).Distinct().Count();
        Assert.InRange(partners, 20, 40);                                 // five batches of eight: at most 36
    }

    [Fact]
    public void The_same_seed_and_epoch_give_the_same_batches_and_another_epoch_others()
    {
        var labels = Labels(9, 9, 9);
        ISampler[] first = [new BalancedSampler(labels, 2, 3, 5), new ShuffledSampler(27, 5, 5)];
        ISampler[] again = [new BalancedSampler(labels, 2, 3, 5), new ShuffledSampler(27, 5, 5)];
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(first[i].Batches(3).SelectMany(b => b), again[i].Batches(3).SelectMany(b => b));
            Assert.NotEqual(first[i].Batches(3).SelectMany(b => b), again[i].Batches(4).SelectMany(b => b));
        }
    }

    [Theory]
    [InlineData(100, 32, 3)]                                              // 4 are left: dropped
    [InlineData(112, 32, 4)]                                              // 16 are left: half a batch is kept
    [InlineData(10, 32, 1)]                                               // one small batch rather than none
    public void Shuffled_drops_a_last_batch_smaller_than_half(int count, int batchSize, int batches)
    {
        var sampler = new ShuffledSampler(count, batchSize, 1);
        Assert.Equal(batches, sampler.BatchesPerEpoch);
        var all = sampler.Batches(0).SelectMany(b => b).ToList();
        Assert.Equal(batches, sampler.Batches(0).Count);
        Assert.Equal(all.Count, all.Distinct().Count());
    }

    [Fact]
    public void Sequential_keeps_the_order_and_every_image()
    {
        var sampler = new SequentialSampler(7, 3);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6], sampler.Batches(9).SelectMany(b => b));
        Assert.Equal(3, sampler.BatchesPerEpoch);
    }

    [Fact]
    public void One_image_a_class_in_a_batch_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new BalancedSampler(Labels(3, 3), 2, 1, 1));

    [Theory]
    [InlineData(7, 3)]
    [InlineData(64, 4)]
    [InlineData(2, 5)]
    public void The_shares_of_all_ranks_are_the_batch_in_its_order(int rows, int ranks)
    {
        var shares = Enumerable.Range(0, ranks).Select(rank => RankShare.Of(rows, rank, ranks)).ToList();
        Assert.Equal(Enumerable.Range(0, rows), shares.SelectMany(s => Enumerable.Range(s.Start, s.Count)));
        Assert.InRange(shares.Max(s => s.Count) - shares.Min(s => s.Count), 0, 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => RankShare.Of(rows, ranks, ranks));
    }

    private static ClassConfusion Confused(int classes, params (int True, int Taken, long Times)[] pairs)
    {
        var counts = new long[classes * classes];
        foreach (var (one, other, times) in pairs)
            counts[one * classes + other] = times;
        return new(classes, counts);
    }

    [Fact]
    public void Classes_that_were_confused_meet_in_one_batch()
    {
        var labels = Labels([.. Enumerable.Repeat(8, 12)]);
        // 0–1, 2–3, …: each is taken for its twin, now this way round, now that.
        var sampler = new BalancedSampler(labels, 2, 4, seed: 1);
        var hard = sampler.By(Confused(12, [.. Enumerable.Range(0, 6)
            .Select(i => i % 2 == 0 ? (2 * i, 2 * i + 1, 5L) : (2 * i + 1, 2 * i, 5L))]));
        Assert.All(hard.Batches(3), batch => Assert.Single(batch.Select(i => labels[i] / 2).Distinct()));
        Assert.Contains(sampler.Batches(3), batch => batch.Select(i => labels[i] / 2).Distinct().Count() == 2);
    }

    [Fact]
    public void Rivals_gather_around_all_classes_that_are_in_already()
    {
        // 0 is confused with 1, 1 with 2, 2 with 3, 3 with 0, and 4 to 7 likewise: a batch of four is 0–3 or 4–7.
        var labels = Labels([.. Enumerable.Repeat(4, 8)]);
        var sampler = new BalancedSampler(labels, 4, 2, seed: 1)
            .By(Confused(8, [.. Enumerable.Range(0, 8).Select(c => (c, c / 4 * 4 + (c + 1) % 4, 1L))]));
        Assert.All(sampler.Batches(0), batch => Assert.Single(batch.Select(i => labels[i] / 4).Distinct()));
    }

    [Theory]
    [InlineData(new[] { 20, 20, 20, 20, 20 }, 2, 4)]
    [InlineData(new[] { 7, 3, 12, 5, 1, 9 }, 3, 4)]
    [InlineData(new[] { 28, 2, 2, 2, 2, 2, 2, 2 }, 2, 4)]
    [InlineData(new[] { 30, 28, 26, 2, 2, 2, 1 }, 4, 3)]
    public void Hard_epochs_show_every_image_too(int[] sizes, int classes, int images)
    {
        var labels = Labels(sizes);
        var random = new Random(7);
        for (var epoch = 0; epoch < 20; epoch++)
        {
            var sampler = new BalancedSampler(labels, classes, images, seed: 3)
                .By(new(sizes.Length, [.. Enumerable.Range(0, sizes.Length * sizes.Length).Select(_ => (long)random.Next(50))]));
            var batches = sampler.Batches(epoch);
            Assert.Equal(sampler.BatchesPerEpoch, batches.Count);
            Assert.Equal(labels.Length - sampler.ImagesLeftOut, batches.SelectMany(b => b).Distinct().Count());
            Assert.All(batches, b => Assert.Equal(Math.Min(classes, sizes.Length), b.Select(i => labels[i]).Distinct().Count()));
            Assert.Equal(batches.SelectMany(b => b), sampler.Batches(epoch).SelectMany(b => b));
        }
    }

    [Fact]
    public void Confusion_of_another_number_of_classes_is_refused() =>
        Assert.Throws<ArgumentException>(() => new ClassConfusion(3, [0, 1]));

    [Theory]
    [InlineData(0, 0.5)]                                                  // 900 and 100 images: alike
    [InlineData(0.5, 0.25)]                                               // √100 ÷ (√900 + √100)
    [InlineData(1, 0.1)]
    public void Weighted_classes_are_drawn_by_a_power_of_their_size(double power, double share)
    {
        var labels = Labels(900, 100);
        var sampler = WeightedSampler.ByClass(labels, power, 50, seed: 2);
        Assert.Equal(20, sampler.BatchesPerEpoch);
        var drawn = Enumerable.Range(0, 10).SelectMany(sampler.Batches).SelectMany(b => b).ToList();
        Assert.Equal(10_000, drawn.Count);
        Assert.InRange(drawn.Count(i => labels[i] == 1) / 10_000.0, share - 0.02, share + 0.02);   // four deviations
        Assert.InRange(drawn.Distinct().Count(), power == 1 ? 990 : 900, 1000);
        Assert.Equal(sampler.Batches(4).SelectMany(b => b),
            WeightedSampler.ByClass(labels, power, 50, seed: 2).Batches(4).SelectMany(b => b));
    }

    [Fact]
    public void An_image_of_weight_0_is_never_drawn_and_weights_that_are_none_are_refused()
    {
        Assert.DoesNotContain(Enumerable.Range(0, 200).SelectMany(new WeightedSampler([0, 1, 0, 1e-300, 3, 0], 6, 1).Batches)
            .SelectMany(b => b), i => i is 0 or 2 or 5);
        Assert.Contains("image 1 is NaN", Assert.Throws<ArgumentException>(() => new WeightedSampler([1, double.NaN], 2, 1)).Message);
        Assert.Throws<ArgumentException>(() => new WeightedSampler([0, 0], 2, 1));
        Assert.Throws<ArgumentException>(() => new WeightedSampler([], 2, 1));
    }

    [Fact]
    public void Shares_cut_no_group_of_images_that_are_mixed_with_each_other()
    {
        var shares = Enumerable.Range(0, 3).Select(rank => RankShare.Of(56, rank, 3, unit: 16));
        Assert.Equal([new(0, 16), new(16, 32), new(32, 56)], shares);                     // 16, 16, 16, 8
        Assert.Equal(0, RankShare.Of(16, 0, 2, unit: 16).Count);
    }
}
