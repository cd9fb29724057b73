using Schane.Losses;
using static TorchSharp.torch;

namespace Schane.Distributed;

/// <summary>
/// The processes that train one model together, as one of them sees them. Every rank calls the same collectives in the same order; each
/// returns when all ranks have come, and throws <see cref="RankLostException"/> when one gives no sign of life within the deadline.
/// </summary>
/// <remarks>Made by <see cref="Ranks.Join"/>. One thread calls. What is disposed of without <see cref="Leave"/> has failed: then nothing
/// waits for the others.</remarks>
public interface ICollective : IDisposable
{
    /// <summary>Number of this process, 0 to <see cref="Size"/> − 1.</summary>
    int Rank { get; }

    /// <summary>Number of processes, at least 1.</summary>
    int Size { get; }

    /// <summary>Machine of each rank.</summary>
    IReadOnlyList<string> Hosts { get; }

    /// <summary>The engine and its version, for people.</summary>
    string Engine { get; }

    /// <summary>Adds the ranks' tensors up, in place, so that each holds the sum, bit for bit the same.</summary>
    /// <param name="values">Contiguous, of the same shape on every rank, any device: float32, float64, int64, or float16 and bfloat16,
    /// which MPI adds in float32.</param>
    /// <exception cref="ArgumentException">Another type, or not contiguous.</exception>
    void Sum(Tensor values);

    /// <summary>The rows of all ranks, one rank after the other.</summary>
    /// <param name="rows">[n, …], n at least 0 and different from rank to rank as it comes, the rest alike; any type, any device.</param>
    /// <returns>[N, …] in the dispose scope around the call, and which of them are this rank's.</returns>
    internal (Tensor Rows, OwnRows Own) Gather(Tensor rows);

    /// <summary>Rank 0's values, written over the other ranks'.</summary>
    /// <param name="values">Contiguous, of the same shape and type on every rank, any device.</param>
    void Broadcast(Tensor values);

    /// <summary>Waits for all ranks.</summary>
    void Barrier();

    /// <summary>Signs of life until disposed, a few within each deadline, for work that the others wait for: a
    /// checkpoint, a report.</summary>
    IDisposable Busy();

    /// <summary>The orderly end: waits for all ranks and lets the engine go. Only after success; a failed rank calls
    /// <see cref="Abort"/>.</summary>
    void Leave();

    /// <summary>Ends the processes of all ranks, this one too, without waiting for any, a second later: what was printed is read by
    /// then. Does nothing where there is one rank.</summary>
    /// <param name="exitCode">Exit code of the job where the launcher passes it on; not 0.</param>
    void Abort(int exitCode);
}
