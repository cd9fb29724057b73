using Schane.Distributed.Mpi;
using Schane.Losses;
using Schane.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Distributed;

/// <summary>
/// Ranks over MPI (Open MPI, MPICH, the standard binary interface of MPI 5). Tensors of a GPU pass through memory of the host, a bucket at
/// a time; float16 and bfloat16, which MPI can't add, are added in float32.
/// </summary>
internal sealed unsafe class MpiCollective : ICollective
{
    private const int SmallBytes = 4096;                                  // below, waiting for all ranks first costs more than it saves
    private const long Most = 1 << 30;                                    // elements of one call, whose counts are 32-bit

    private readonly MpiLibrary mpi;
    private readonly MpiWorld world;
    private readonly RankOptions options;

    /// <summary>Joins the job of a launcher.</summary>
    /// <exception cref="SchaneException">Launcher and library belong to different MPIs.</exception>
    public MpiCollective(MpiLibrary mpi, Launch launch, RankOptions options)
    {
        (this.mpi, this.options) = (mpi, options);
        world = new MpiWorld(mpi, launch, options.Deadline);
        world.Hosts = this.GatherTexts(Environment.MachineName);
    }

    public int Rank => world.Rank;

    public int Size => world.Size;

    public IReadOnlyList<string> Hosts => world.Hosts;

    public string Engine => mpi.Version;

    /// <summary>What it was joined with.</summary>
    public RankOptions Options => options;

    public void Sum(Tensor values)
    {
        CollectiveInput.Summable(values);
        using var scope = NewDisposeScope();
        using var free = no_grad();
        var carried = values.dtype is ScalarType.Float16 or ScalarType.BFloat16 ? ScalarType.Float32 : values.dtype;
        var all = values.view(-1);
        var bucket = options.BucketBytes / values.ElementSize;
        for (var at = 0L; at < all.numel(); at += bucket)
        {
            using var inner = NewDisposeScope();
            var part = all.narrow(0, at, Math.Min(bucket, all.numel() - at));
            var here = carried == part.dtype && OnHost(part) ? part : part.to(CPU).to_type(carried);
            SumHere(here);
            if (!ReferenceEquals(here, part))
                part.copy_(here);
        }
    }

    public (Tensor Rows, OwnRows Own) Gather(Tensor rows)
    {
        using var scope = NewDisposeScope();
        using var free = no_grad();
        var here = rows.detach().to(CPU).contiguous();
        var width = here.shape.Skip(1).Aggregate(here.ElementSize, (product, size) => product * size);
        var counts = Counts(here.shape[0]);
        var (type, unit) = TypeOf(here.dtype);
        var all = empty([counts.Sum(), .. here.shape.Skip(1)], dtype: here.dtype);
        var own = new OwnRows(counts.Take(Rank).Sum(), counts[Rank]);
        if (counts.Sum() * (width / unit) > options.GatheredAtOnce)
        {
            all.narrow(0, own.First, own.Count).copy_(here);
            var place = DataPointer.Of(all);
            for (var r = 0; r < Size; r++)
            {
                Spread("gather", place, counts[r] * width, r);
                place += (nint)(counts[r] * width);
            }
            return (all.to(rows.device).MoveToOuterDisposeScope(), own);
        }
        var sizes = GC.AllocateArray<int>(2 * Size, pinned: true);        // counts, then displacements; MPI reads them until the end
        for (var r = 0; r < Size; r++)
        {
            sizes[r] = (int)(counts[r] * (width / unit));
            sizes[Size + r] = r == 0 ? 0 : sizes[Size + r - 1] + sizes[r - 1];
        }
        fixed (int* lengths = sizes)
        {
            var (from, to, count, displacements) = (DataPointer.Of(here), DataPointer.Of(all), (nint)lengths, (nint)(lengths + Size));
            world.Complete("gather", request => mpi.AllGatherUneven(from, sizes[Rank], type, to, count, displacements, type,
                mpi.Handles.World, (nint*)request), all.numel() * here.ElementSize > SmallBytes);
        }
        GC.KeepAlive(here);
        return (all.to(rows.device).MoveToOuterDisposeScope(), own);
    }

    public void Broadcast(Tensor values)
    {
        CollectiveInput.Contiguous(values);
        using var scope = NewDisposeScope();
        using var free = no_grad();
        var here = values.detach().to(CPU).view(-1);
        Spread("broadcast", DataPointer.Of(here), here.numel() * here.ElementSize, from: 0);
        GC.KeepAlive(here);
        if (!OnHost(values))
            values.view(-1).copy_(here);
    }

    public void Barrier() => world.Complete("barrier", request => mpi.Barrier(mpi.Handles.World, (nint*)request), large: false);

    public IDisposable Busy() => new Pulse(world, options.Deadline / 4);

    public void Leave() => world.Leave();

    public void Abort(int exitCode) => world.Abort(exitCode);

    /// <summary>Nothing: after <see cref="Leave"/> there is nothing left, and after a failure nothing may wait for the others.</summary>
    public void Dispose() { }

    /// <summary>Bytes of one rank, written over the other ranks' at their addresses; counts are 32-bit, so as many at
    /// a time as these hold.</summary>
    private void Spread(string what, nint address, long bytes, int from)
    {
        for (var at = 0L; at < bytes; at += Most)
        {
            var (start, count) = ((nint)(address + at), (int)Math.Min(Most, bytes - at));
            world.Complete(what,
                request => mpi.Broadcast(start, count, mpi.Handles.Byte, from, mpi.Handles.World, (nint*)request), count > SmallBytes);
        }
    }

    private void SumHere(Tensor part)
    {
        var (type, address) = (TypeOf(part.dtype).Type, DataPointer.Of(part));
        var count = (int)part.numel();
        world.Complete("sum", request => mpi.AllReduce(mpi.Handles.InPlace, address, count, type, mpi.Handles.Sum, mpi.Handles.World,
            (nint*)request), count * part.ElementSize > SmallBytes);
    }

    private long[] Counts(long rows)
    {
        var counts = GC.AllocateArray<long>(Size + 1, pinned: true);
        counts[Size] = rows;
        fixed (long* first = counts)
        {
            var (own, all) = ((nint)(first + Size), (nint)first);
            world.Complete("gather", request =>
                mpi.AllGather(own, 1, mpi.Handles.Int64, all, 1, mpi.Handles.Int64, mpi.Handles.World, (nint*)request), large: false);
        }
        return counts[..Size];
    }

    // A type of MPI and the bytes of one element; types that it does not know travel as bytes.
    private (nint Type, long Bytes) TypeOf(ScalarType type) => type switch
    {
        ScalarType.Float32 => (mpi.Handles.Float, 4),
        ScalarType.Float64 => (mpi.Handles.Double, 8),
        ScalarType.Int64 => (mpi.Handles.Int64, 8),
        _ => (mpi.Handles.Byte, 1),
    };

    private static bool OnHost(Tensor tensor) => tensor.device_type == DeviceType.CPU;

    private sealed class Pulse : IDisposable
    {
        private readonly Timer timer;

        public Pulse(MpiWorld world, TimeSpan period) => timer = new(_ => world.GiveLife(), null, TimeSpan.Zero, period);

        public void Dispose()
        {
            using var ended = new ManualResetEvent(false);
            if (timer.Dispose(ended))
                ended.WaitOne();
        }
    }
}
