using System.Diagnostics;
using Schane.Distributed.Nccl;
using Schane.Losses;
using Schane.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Distributed;

/// <summary>
/// Ranks with a GPU each: tensors on it go over NCCL, from memory to memory of the GPUs; the rest, and the beginning, over MPI. All ranks
/// meet in MPI before each transfer, so a missing one is named within the deadline; a transfer that fails or does not end is given up.
/// </summary>
/// <remarks>Everything is on stream 0, which libtorch's default stream is.</remarks>
internal sealed unsafe class NcclCollective(MpiCollective mpi, NcclLibrary nccl) : ICollective
{
    private const int Bytes = 0, Sums = 0;                                // ncclInt8, ncclSum
    private static readonly TimeSpan Quick = TimeSpan.FromMilliseconds(50);

    private nint communicator;

    public int Rank => mpi.Rank;

    public int Size => mpi.Size;

    public IReadOnlyList<string> Hosts => mpi.Hosts;

    public string Engine => $"{nccl.Version} and {mpi.Engine}";

    public void Sum(Tensor values)
    {
        if (!OnGpu(values))
        {
            mpi.Sum(values);
            return;
        }
        CollectiveInput.Summable(values);
        using var scope = NewDisposeScope();
        using var free = no_grad();
        var all = values.view(-1);
        var bucket = mpi.Options.BucketBytes / values.ElementSize;
        for (var at = 0L; at < all.numel(); at += bucket)
        {
            using var inner = NewDisposeScope();
            var part = all.narrow(0, at, Math.Min(bucket, all.numel() - at));
            var carried = mpi.Options.BFloat16OnTheWire && part.dtype == ScalarType.Float32 ? part.to_type(ScalarType.BFloat16) : part;
            var (address, count, type) = (DataPointer.Of(carried), (nuint)carried.numel(), NcclLibrary.TypeOf(carried.dtype)!.Value);
            Transfer("sum", () => nccl.AllReduce(address, address, count, type, Sums, communicator, 0));
            if (!ReferenceEquals(carried, part))
                part.copy_(carried);
            GC.KeepAlive(carried);
        }
    }

    public (Tensor Rows, OwnRows Own) Gather(Tensor rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (!OnGpu(rows))
            return mpi.Gather(rows);
        using var scope = NewDisposeScope();
        using var free = no_grad();
        var here = rows.detach().contiguous();
        var counts = Copy.Longs(mpi.Gather(tensor((long[])[here.shape[0]])).Rows);
        var width = here.shape.Skip(1).Aggregate(here.ElementSize, (product, size) => product * size);
        var all = empty([counts.Sum(), .. here.shape.Skip(1)], dtype: here.dtype, device: here.device);
        var starts = counts.Select((_, rank) => counts.Take(rank).Sum()).ToArray();
        var (from, to) = (DataPointer.Of(here), DataPointer.Of(all));
        // NCCL gathers equal parts only: each rank broadcasts its own, all at once.
        Transfer("gather", () =>
        {
            nccl.GroupStart();
            for (var rank = 0; rank < Size; rank++)
            {
                var place = to + (nint)(starts[rank] * width);
                if (counts[rank] > 0)
                    nccl.Broadcast(rank == Rank ? from : place, place, (nuint)(counts[rank] * width), Bytes, rank, communicator, 0);
            }
            return nccl.GroupEnd();                                       // tells of any of them
        });
        GC.KeepAlive(here);
        return (all.MoveToOuterDisposeScope(), new(starts[Rank], counts[Rank]));
    }

    public void Broadcast(Tensor values)
    {
        if (!OnGpu(values))
        {
            mpi.Broadcast(values);
            return;
        }
        CollectiveInput.Contiguous(values);
        var (address, bytes) = (DataPointer.Of(values), (nuint)(values.numel() * values.ElementSize));
        Transfer("broadcast", () => nccl.Broadcast(address, address, bytes, Bytes, 0, communicator, 0));
        GC.KeepAlive(values);
    }

    public void Barrier() => mpi.Barrier();

    public IDisposable Busy() => mpi.Busy();

    public void Leave()
    {
        mpi.Barrier();
        if (communicator != 0)
            nccl.Destroy(communicator);
        communicator = 0;
        mpi.Leave();
    }

    public void Abort(int exitCode) => mpi.Abort(exitCode);

    /// <summary>Nothing, as over MPI.</summary>
    public void Dispose() => mpi.Dispose();

    // The device is current once a tensor lies on it, so the communicator is made with the first one.
    private void Connect()
    {
        using var scope = NewDisposeScope();
        var bytes = new byte[NcclLibrary.IdBytes];
        if (Rank == 0)
            fixed (byte* start = bytes)
                Check("begin", nccl.GetUniqueId(start));
        var shared = tensor(bytes, ScalarType.Byte);
        mpi.Broadcast(shared);
        bytes = shared.bytes.ToArray();
        mpi.Barrier();
        nint made;
        fixed (byte* start = bytes)
            Check("begin", nccl.InitRank(&made, Size, *(NcclId*)start, Rank));
        communicator = made;
    }

    private void Transfer(string what, Func<int> start)
    {
        if (communicator == 0)
            Connect();
        mpi.Barrier();
        Check(what, start());
        for (var began = Stopwatch.GetTimestamp(); ;)
        {
            int error;
            Check(what, nccl.AsyncError(communicator, &error));
            Check(what, error);
            var stream = nccl.QueryStream(0);
            if (stream == 0)
                return;
            var waited = Stopwatch.GetElapsedTime(began);
            if (stream != NcclLibrary.NotReady)
                GiveUp(what, $"the GPU reports error {stream}");
            if (waited > mpi.Options.Deadline)
                GiveUp(what, $"nothing has come through for {waited.TotalSeconds:0} s");
            if (waited < Quick)
                Thread.Yield();
            else
                Thread.Sleep(1);
        }
    }

    private void Check(string what, int result)
    {
        if (result is not (0 or NcclLibrary.InProgress))
            GiveUp(what, nccl.Say(result));
    }

    private void GiveUp(string what, string why)
    {
        if (communicator != 0)
            nccl.Abort(communicator);
        communicator = 0;
        throw new RankLostException($"NCCL failed on rank {Rank} on {Hosts[Rank]} ({what}): {why}; NCCL_DEBUG=INFO tells more, and " +
            "`schane train --resume` goes on from the last checkpoint.");
    }

    private static bool OnGpu(Tensor values) => values.device_type == DeviceType.CUDA;
}
