using Schane.Losses.Pairs;
using Schane.Products;
using static TorchSharp.torch;

namespace Schane.Losses.Tiled;

/// <summary><see cref="TiledPairLoss"/> on tensors.</summary>
internal static unsafe class TiledPairs
{
    private static readonly Lock turn = new();
    private static TiledPairLoss? shared;

    /// <summary>With the process's one kernel, on as many threads as libtorch has: its threads and buffers are kept.</summary>
    public static PairResult? Compute(Tensor embeddings, PairProblem problem, PairFormula formula, double share, bool bf16 = false)
    {
        lock (turn)
        {
            var threads = Math.Max(1, get_num_threads());
            if (shared is null || shared.Threads != threads || shared.Bf16 != bf16)
            {
                shared?.Dispose();
                shared = new TiledPairLoss(threads, bf16: bf16);
            }
            return Compute(shared, embeddings, problem, formula, share);
        }
    }

    /// <summary>Whether the kernel takes such embeddings: on the CPU, float32, on a machine with vectors.</summary>
    public static bool Takes(Tensor embeddings) =>
        embeddings.device_type == TorchSharp.DeviceType.CPU && embeddings.dtype == ScalarType.Float32 && MatrixKernel.BestLanes > 1;

    /// <returns>Null where single precision does not hold the sums: a temperature too small for fixed shifts, or a row whose
    /// negatives are all far away.</returns>
    public static PairResult? Compute(TiledPairLoss kernel, Tensor embeddings, PairProblem problem, PairFormula formula, double share)
    {
        if (!TileScale.Serves(formula))
            return null;
        using var scope = NewDisposeScope();
        using var free = no_grad();
        var rows = RowStatistics.Empty(problem.First, problem.Count);
        var gradient = empty(embeddings.shape, ScalarType.Float32);
        var sizes = new TiledSizes((int)embeddings.shape[0], (int)embeddings.shape[1], (int)(problem.Mixture?.shape[1] ?? 0),
            (int)problem.First, (int)problem.Count);
        fixed (byte* source = Start(embeddings), labels = Start(problem.Labels),
            mixture = Start(problem.Mixture?.to_type(ScalarType.Float32)), target = Start(gradient))
        {
            var loss = kernel.Compute((float*)source, (long*)labels, (float*)mixture, sizes, formula, share, (float*)target, rows);
            return loss is { } value ? new(value, gradient.MoveToOuterDisposeScope(), rows) : null;
        }
    }

    // The first element alone: a span reaches over 2 GiB at most.
    private static Span<byte> Start(Tensor? tensor) => tensor is null ? default : tensor.contiguous().view(-1).narrow(0, 0, 1).bytes;
}
