using System.Diagnostics;
using Schane.Distributed.Mpi;
using Schane.Distributed.Nccl;
using static TorchSharp.torch;

namespace Schane.Distributed;

/// <summary>How well the ranks of a job reach each other.</summary>
/// <param name="Ranks">How many there are.</param>
/// <param name="Hosts">Machine of each.</param>
/// <param name="Engine">What carries their messages.</param>
/// <param name="Microseconds">Time of a sum of one number, median.</param>
/// <param name="GigabytesPerSecond">Bytes of a tensor of 16 MB over the time of its sum, median.</param>
internal sealed record RankTalk(int Ranks, IReadOnlyList<string> Hosts, string Engine, double Microseconds, double GigabytesPerSecond)
{
    private const int LargeElements = 4 << 20;

    /// <summary>The libraries of MPI and NCCL that load here, as they name themselves with their files. Loads them.</summary>
    public static IReadOnlyList<string> Engines() => [.. MpiLibrary.All().Select(mpi => $"{mpi.Version} ({mpi.Name})"),
        .. NcclLibrary.Load() is { } nccl ? (string[])[nccl.Version] : []];

    /// <summary>Lets the ranks add numbers up, checks what they get and takes the time. Called by every rank.</summary>
    /// <exception cref="RankLostException">A sum is wrong, or a rank is silent.</exception>
    public static RankTalk Measure(ICollective ranks)
    {
        ArgumentNullException.ThrowIfNull(ranks);
        using var scope = NewDisposeScope();
        var (one, many) = (zeros(1, dtype: ScalarType.Float64), zeros(LargeElements));
        var expected = ranks.Size * (ranks.Size + 1) / 2.0;
        double Median(int times, Tensor values)
        {
            var seconds = new List<double>();
            for (var i = 0; i < times; i++)
            {
                values.fill_(ranks.Rank + 1);
                ranks.Barrier();
                var watch = Stopwatch.StartNew();
                ranks.Sum(values);
                seconds.Add(watch.Elapsed.TotalSeconds);
                if (!values.eq(expected).all().item<bool>())
                    throw new RankLostException($"A sum over ranks is wrong on rank {ranks.Rank} on {ranks.Hosts[ranks.Rank]}: " +
                        $"{ranks.Engine} must not be used as it is installed.");
            }
            return seconds.Order().ElementAt(times / 2);
        }
        Median(5, one);                                                   // connections are made at first use
        var small = Median(50, one);
        var large = Median(5, many);
        return new(ranks.Size, ranks.Hosts, ranks.Engine, small * 1e6, LargeElements * 4 / large / 1e9);
    }
}
