using Schane.Distributed;
using Schane.Losses;
using static TorchSharp.torch;

namespace Schane.Tests.Distributed;

/// <summary>Every collective against what a pencil says, run by every rank.</summary>
internal static class CollectiveChecks
{
    public static void Run(ICollective ranks)
    {
        using var scope = NewDisposeScope();
        var (rank, size) = (ranks.Rank, ranks.Size);
        var all = Enumerable.Range(0, size).ToArray();

        foreach (var type in (ScalarType[])[ScalarType.Float32, ScalarType.Float64, ScalarType.Int64,
            ScalarType.Float16, ScalarType.BFloat16])
            // nothing, small, and several buckets with a short last one
            foreach (var count in (long[])[0, 1, 7, 5000])
            {
                var values = (arange(count, dtype: ScalarType.Float64) % 11 + rank).to(type);
                ranks.Sum(values);
                Assert.True(values.to(ScalarType.Float64).eq(arange(count, dtype: ScalarType.Float64) % 11 * size + all.Sum()).all()
                    .item<bool>(), $"sum of {count} {type}");
            }
        Assert.Throws<ArgumentException>(() => ranks.Sum(zeros(4, 4).t()));
        Assert.Throws<ArgumentException>(() => ranks.Sum(zeros(4, dtype: ScalarType.Int16)));

        foreach (var type in (ScalarType[])[ScalarType.Float32, ScalarType.Int64, ScalarType.Byte, ScalarType.BFloat16])
            foreach (var scale in (int[])[1, 700])
            {
                var counts = all.Select(r => r * scale).ToArray();                          // rank 0 has none
                var (rows, own) = ranks.Gather(full([counts[rank], 3], (double)rank, dtype: type));
                Assert.Equal([counts.Sum(), 3L], rows.shape);
                Assert.Equal(new OwnRows(counts.Take(rank).Sum(), counts[rank]), own);
                var expected = cat([.. all.Select(r => full([counts[r], 3], (double)r, dtype: type))]);
                Assert.Equal(type, rows.dtype);
                Assert.True(rows.to(ScalarType.Float64).eq(expected.to(ScalarType.Float64)).all().item<bool>(), $"gather of {type}");
            }

        foreach (var count in (long[])[1, 5000])
        {
            var values = full([count, 2], (double)(rank + 5), dtype: ScalarType.Float64);
            ranks.Broadcast(values);
            Assert.True(values.eq(5).all().item<bool>(), "broadcast");
        }
        Assert.Equal("über 0", ranks.BroadcastText($"über {rank}"));
        Assert.Equal(all.Select(r => new string('ä', r)), ranks.GatherTexts(new string('ä', rank)));
        Assert.True(ranks.Any(rank == size - 1));
        Assert.False(ranks.Any(false));
        Assert.Equal(all.Sum(r => r + 0.5), ranks.Total(rank + 0.5));
        Assert.Equal(size, ranks.Hosts.Count);
        ranks.Barrier();
    }
}
