using Schane.Data;
using Schane.Data.Dividing;
using Schane.Data.Feeding;

namespace Schane.Tests.Data.Feeding;

public class BatchLoaderTests
{
    private static readonly int[] Labels = [.. Enumerable.Range(0, 60).Select(i => i / 6)];

    private static BatchLoader Loader(LoaderOptions options, params int[] broken) =>
        new(new FakeDataset(Labels, broken), new BalancedSampler(Labels, 4, 3, 1), new PixelAndChance(), options);

    private static List<(long Step, int Epoch, float[] Values)> Take(BatchLoader loader, int count)
    {
        var taken = new List<(long, int, float[])>();
        for (var i = 0; i < count; i++)
        {
            using var batch = loader.Next(TestContext.Current.CancellationToken);
            taken.Add((batch.Step, batch.Epoch, batch.Images.data<float>().ToArray()));
        }
        return taken;
    }

    [Fact]
    public void Rows_are_view_major_and_carry_label_and_index()
    {
        using var loader = Loader(new() { Views = 2, Seed = 7 });
        using var batch = loader.Next(TestContext.Current.CancellationToken);
        Assert.Equal([24, 1, 1, 2], batch.Images.shape);
        var (pixels, labels, ids) = (batch.Images.data<float>().ToArray().Chunk(2).ToArray(), batch.Labels.data<long>().ToArray(),
            batch.ImageIds.data<long>().ToArray());
        for (var i = 0; i < 12; i++)
        {
            Assert.Equal((batch.Indices[i], batch.Indices[i]), ((int)pixels[i][0], (int)pixels[12 + i][0]));
            Assert.Equal((batch.Indices[i], batch.Indices[i]), (ids[i], ids[12 + i]));
            Assert.Equal((Labels[batch.Indices[i]], Labels[batch.Indices[i]]), (labels[i], labels[12 + i]));
            Assert.NotEqual(pixels[i][1], pixels[12 + i][1]);             // another augmentation
        }
    }

    [Fact]
    public void The_number_of_workers_changes_no_value()
    {
        using var one = Loader(new() { Workers = 1, Seed = 3 });
        using var many = Loader(new() { Workers = 5, Prefetch = 7, Seed = 3 });
        Assert.Equivalent(Take(one, 40), Take(many, 40), strict: true);
    }

    [Fact]
    public void Seeking_gives_the_batches_that_counting_gives()
    {
        using var counted = Loader(new() { Seed = 3 });
        using var sought = Loader(new() { Seed = 3, Workers = 3 });
        var all = Take(counted, 30);
        Take(sought, 4);
        sought.SeekTo(17);
        Assert.Equivalent(all[17..25], Take(sought, 8), strict: true);
        sought.SeekTo(2);
        Assert.Equivalent(all[2..5], Take(sought, 3), strict: true);
    }

    [Fact]
    public void A_seek_goes_on_with_another_sampler_and_drops_what_was_made_ahead()
    {
        var sampler = new BalancedSampler(Labels, 2, 3, 1);
        using var loader = new BatchLoader(new FakeDataset(Labels), sampler, new PixelAndChance(), new() { Workers = 2, Prefetch = 5 });
        Take(loader, sampler.BatchesPerEpoch - 1);                        // the next epoch is being made
        var counts = new long[100];
        for (var c = 0; c < 10; c++)
            counts[c * 10 + (c ^ 1)] = 3;
        var other = sampler.By(new(10, counts));
        loader.SeekTo(sampler.BatchesPerEpoch, other);
        foreach (var expected in other.Batches(1))
        {
            using var batch = loader.Next(TestContext.Current.CancellationToken);
            Assert.Equal(expected, batch.Indices);
            Assert.Single(batch.Indices.Select(i => Labels[i] / 2).Distinct());
        }
    }

    [Fact]
    public void Steps_and_epochs_count_on()
    {
        using var loader = Loader(new());
        var taken = Take(loader, 12);
        Assert.Equal([.. Enumerable.Range(0, 12).Select(s => (long)s)], taken.Select(t => t.Step));
        Assert.Equal([.. Enumerable.Range(0, 12).Select(s => s / loader.BatchesPerEpoch)], taken.Select(t => t.Epoch));
    }

    [Fact]
    public void A_repeated_image_is_augmented_anew()
    {
        int[] labels = [0, 1];                                            // two classes with one image, two of each in a batch
        using var loader = new BatchLoader(new FakeDataset(labels), new BalancedSampler(labels, 2, 2, 1), new PixelAndChance(), new());
        var values = Take(loader, 1)[0].Values.Chunk(2).ToList();
        Assert.Equal(4, values.Select(v => v[1]).Distinct().Count());
    }

    [Fact]
    public void A_bad_image_fails_its_step_by_name()
    {
        using var loader = Loader(new() { Workers = 2 }, broken: [.. Enumerable.Range(0, 60)]);
        Assert.Contains("is broken", Assert.Throws<SchaneException>(() => loader.Next(TestContext.Current.CancellationToken)).Message);
    }

    [Fact]
    public void A_bad_image_is_skipped_and_listed_where_that_is_asked_for()
    {
        using var loader = Loader(new() { OnBadImage = OnBadImage.Skip }, broken: 8);
        var seen = Enumerable.Range(0, loader.BatchesPerEpoch * 2).Select(_ =>
        {
            using var batch = loader.Next(TestContext.Current.CancellationToken);
            Assert.Equal(batch.Indices.Length, batch.Images.shape[0]);
            return batch.Indices;
        }).SelectMany(i => i).ToHashSet();
        Assert.Equal([.. Enumerable.Range(0, 60).Where(i => i != 8)], seen.Order());
        Assert.Equal([new(8, "image8", "'image8' is broken.")], loader.BadImages);
    }

    [Fact]
    public void A_batch_without_a_readable_image_is_an_error_even_when_skipping()
    {
        using var loader = Loader(new() { OnBadImage = OnBadImage.Skip }, broken: [.. Enumerable.Range(0, 60)]);
        Assert.Contains("None of the 12", Assert.Throws<SchaneException>(() => loader.Next(TestContext.Current.CancellationToken)).Message);
    }

    [Fact]
    public void Ranks_share_each_batch_and_together_are_the_whole()
    {
        using var whole = Loader(new() { Seed = 2 });
        var ranks = Enumerable.Range(0, 3).Select(r => Loader(new() { Seed = 2, Rank = r, Ranks = 3, Workers = r + 1 })).ToList();
        var expected = Take(whole, 10);
        var shares = ranks.Select(r => Take(r, 10)).ToList();
        for (var step = 0; step < 10; step++)
            Assert.Equal(expected[step].Values, shares.SelectMany(s => s[step].Values));
        ranks.ForEach(r => r.Dispose());
    }

    [Fact]
    public void Workers_stop_when_enough_is_ready()
    {
        var dataset = new FakeDataset(Labels);
        using var loader = new BatchLoader(dataset, new SequentialSampler(60, 1), new PixelAndChance(),
            new() { Prefetch = 3, Workers = 2 });
        using (loader.Next(TestContext.Current.CancellationToken)) { }
        SpinWait.SpinUntil(() => Volatile.Read(ref dataset.Reads) >= 4, TimeSpan.FromSeconds(10));
        Assert.False(SpinWait.SpinUntil(() => Volatile.Read(ref dataset.Reads) > 4, 50));   // one taken, three ahead
    }

    [Fact]
    public void Waiting_can_be_cancelled()
    {
        using var cancel = new CancellationTokenSource();
        cancel.Cancel();
        using var loader = new BatchLoader(new Blocking(), new SequentialSampler(1, 1), new PixelAndChance(), new());
        Assert.ThrowsAny<OperationCanceledException>(() => loader.Next(cancel.Token));
        Blocking.Gate.Set();
    }

    [Fact]
    public void A_pass_shows_every_image_once_in_order()
    {
        var batches = BatchLoader.Pass(new FakeDataset(Labels), new PixelAndChance(), 25, new() { Workers = 3 },
            cancel: TestContext.Current.CancellationToken)
            .Select(b => (b.Indices, Rows: b.Images.shape[0])).ToList();
        Assert.Equal([.. Enumerable.Range(0, 60)], batches.SelectMany(b => b.Indices));
        Assert.Equal([25, 25, 10], batches.Select(b => b.Rows));
    }

    [Fact]
    public void A_pass_over_nothing_is_empty() =>
        Assert.Empty(BatchLoader.Pass(new Subset(new FakeDataset(Labels), []), new PixelAndChance(), 25,
            cancel: TestContext.Current.CancellationToken));

    [Fact]
    public void A_cached_set_reads_each_image_once_until_its_limit()
    {
        var inner = new FakeDataset(Labels);
        var cached = new CachedDataset(inner);
        for (var round = 0; round < 3; round++)
            for (var i = 0; i < 60; i++)
                Assert.Equal(i, cached.Read(i).Pixels[0]);
        Assert.Equal(60, inner.Reads);
        var none = new CachedDataset(inner, maxMegabytes: 0);
        none.Read(0);
        none.Read(0);
        Assert.Equal(62, inner.Reads);
    }

    private sealed class Blocking : IImageDataset
    {
        public static readonly ManualResetEventSlim Gate = new();

        public string Name => "blocking";

        public IReadOnlyList<string> Classes => ["one"];

        public int Count => 1;

        public int LabelOf(int index) => 0;

        public string NameOf(int index) => "one";

        public Image8 Read(int index)
        {
            Gate.Wait(TimeSpan.FromSeconds(30));
            return new(1, 1, 1, [0]);
        }
    }
}
