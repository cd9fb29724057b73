using System.Text;
using Schane.Distributed.Mpi;
using Schane.Distributed.Nccl;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Distributed;

/// <summary>Joining the other ranks, and what can be said with the few operations of <see cref="ICollective"/>.</summary>
public static class Ranks
{
    /// <summary>Whether a launcher (mpirun, srun) started this process with others. Loads nothing.</summary>
    /// <exception cref="SchaneException">Started side by side without MPI.</exception>
    public static bool Launched => Launch.Find(Environment.GetEnvironmentVariable) is not null;

    /// <summary>
    /// The ranks of this job: those that mpirun or srun started; this process alone, which loads nothing, where no launcher did. On a
    /// machine with several GPUs each rank is left the one of its number, so join before anything is done on a GPU; NCCL carries what
    /// lies on it, where it is installed.
    /// </summary>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="SchaneException">The launcher's library of MPI is not installed, or another's was loaded.</exception>
    public static ICollective Join(RankOptions? options = null)
    {
        if (Launch.Find(Environment.GetEnvironmentVariable) is not { } launch)
            return new SingleProcess();
        var mpi = MpiLibrary.Load(launch.Family)
            ?? throw new SchaneException($"A launcher started {launch.Size} ranks ({launch.Variable}) but no MPI library loads; install " +
                $"one (apt-get install libopenmpi3 or libmpich12) or name its file in {MpiLibrary.Override}.");
        LocalGpu.Take();
        var ranks = new MpiCollective(mpi, launch, options ?? new());
        return NcclLibrary.Load() is { } nccl ? new NcclCollective(ranks, nccl) : ranks;
    }

    /// <summary>Whether any rank says so.</summary>
    public static bool Any(this ICollective ranks, bool here) => ranks.Total(here ? 1 : 0) > 0;

    /// <summary>The sum of a number over the ranks.</summary>
    public static double Total(this ICollective ranks, double here) => ranks.Totals(here)[0];

    /// <summary>The sums of some numbers over the ranks, in one call.</summary>
    public static double[] Totals(this ICollective ranks, params double[] here)
    {
        using var values = tensor(here, ScalarType.Float64).DetachFromDisposeScope();
        ranks.Sum(values);
        return values.data<double>().ToArray();
    }

    /// <summary>How many ranks share this one's machine, itself counted.</summary>
    public static int Beside(this ICollective ranks) => ranks.Hosts.Count(host => host == ranks.Hosts[ranks.Rank]);

    /// <summary>How many ranks may use the processors that this one may use, itself counted: its machine's, or those that the launcher
    /// bound it to. All ranks ask.</summary>
    internal static int OnTheSameProcessors(this ICollective ranks)
    {
        var own = $"{ranks.Hosts[ranks.Rank]} {ComputeThreads.Affinity}";
        return ranks.GatherTexts(own).Count(other => other == own);
    }

    /// <summary>Rank 0's values of many tensors of any layout, written over the other ranks'.</summary>
    public static void BroadcastAll(this ICollective ranks, IEnumerable<Tensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        using var free = no_grad();
        foreach (var values in tensors)
        {
            using var scope = NewDisposeScope();
            var whole = values.contiguous();
            ranks.Broadcast(whole);
            if (!values.is_contiguous())
                values.copy_(whole);
        }
    }

    /// <summary>Rank 0's text; what the others give is not looked at.</summary>
    public static string BroadcastText(this ICollective ranks, string text)
    {
        using var scope = NewDisposeScope();
        var bytes = Encoding.UTF8.GetBytes(text);
        var length = tensor((long)bytes.Length);
        ranks.Broadcast(length);
        var letters = ranks.Rank == 0 ? tensor(bytes, ScalarType.Byte) : empty(length.item<long>(), dtype: ScalarType.Byte);
        ranks.Broadcast(letters);
        return Encoding.UTF8.GetString(letters.bytes);
    }

    /// <summary>The text of each rank.</summary>
    public static IReadOnlyList<string> GatherTexts(this ICollective ranks, string text)
    {
        using var scope = NewDisposeScope();
        var bytes = Encoding.UTF8.GetBytes(text);
        var lengths = Copy.Longs(ranks.Gather(tensor((long[])[bytes.Length])).Rows);
        var letters = ranks.Gather(bytes.Length == 0 ? empty(0, dtype: ScalarType.Byte) : tensor(bytes, ScalarType.Byte)).Rows.bytes;
        var texts = new List<string>();
        var at = 0;
        foreach (var length in lengths)
        {
            texts.Add(Encoding.UTF8.GetString(letters.Slice(at, (int)length)));
            at += (int)length;
        }
        return texts;
    }

    /// <summary>Work of rank 0 alone, which gives signs of life meanwhile; the others go on to the next
    /// collective and wait there.</summary>
    public static void OnFirst(this ICollective ranks, Action work)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (ranks.Rank != 0)
            return;
        using var _ = ranks.Busy();
        work();
    }
}
