using Schane.Data;

namespace Schane.Tests.Data;

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
}
