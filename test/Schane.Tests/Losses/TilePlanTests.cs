using Schane.Losses.Tiled;

namespace Schane.Tests.Losses;

public class TilePlanTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(5, 5)]
    [InlineData(6, 5)]
    [InlineData(9, 6)]
    [InlineData(16, 8)]
    [InlineData(64, 16)]
    [InlineData(100, 20)]
    public void Threads_share_about_twice_the_root_of_their_number_of_gradients(int threads, int gradients) =>
        Assert.Equal(gradients, new TilePlan(4096, 4096, 192, threads).Gradients);

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(1000, 1000, 2)]
    [InlineData(4096, 4096, 7)]
    [InlineData(4096, 1000, 16)]
    [InlineData(3000, 3000, 61)]
    [InlineData(500, 96, 64)]
    public void Each_tile_has_one_thread_and_no_two_threads_add_in_one_place(int rows, int anchors, int threads)
    {
        var plan = new TilePlan(rows, anchors, 96, threads);
        var tiles = new HashSet<(int, int)>();
        var writers = new Dictionary<(int Gradient, int Block), int>();
        for (var t = 0; t < threads; t++)
        {
            foreach (var i in plan.StripsOf(t))
            {
                foreach (var j in plan.ColumnsOf(t, i))
                {
                    Assert.True(tiles.Add((i, j)), $"tile {i}, {j} is computed twice");
                    foreach (var place in new[] { (plan.RowGradient(t), i), (plan.ColumnGradient(t), j) })
                    {
                        Assert.InRange(place.Item1, 0, plan.Gradients - 1);
                        Assert.Equal(t, writers.TryAdd(place, t) ? t : writers[place]);
                    }
                }
            }
        }
        var blocks = (rows + 95) / 96;
        var expected = from i in Enumerable.Range(0, (anchors + 95) / 96) from j in Enumerable.Range(i, blocks - i) select (i, j);
        Assert.Equal(expected.Order(), tiles.Order());
        Assert.Equal(plan.Tiles, tiles.Count);
    }

    [Theory]
    [InlineData(4096, 2, 1.05)]
    [InlineData(4096, 8, 1.15)]
    [InlineData(8192, 32, 1.3)]
    [InlineData(16384, 64, 1.3)]
    public void No_thread_has_much_more_to_do_than_the_others(int rows, int threads, double most)
    {
        var plan = new TilePlan(rows, rows, 192, threads);
        var tiles = Enumerable.Range(0, threads).Select(t => plan.StripsOf(t).Sum(i => plan.ColumnsOf(t, i).Length)).ToArray();
        Assert.InRange(tiles.Max() / tiles.Average(), 1, most);
    }
}
