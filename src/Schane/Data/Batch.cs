using static TorchSharp.torch;

namespace Schane.Data;

// n images of this process, V views of each, rows view-major: row v·n + i is view v of image i.

/// <summary>What a training step is fed. Whoever takes it disposes it; no dispose scope knows its tensors.</summary>
/// <param name="Step">0, 1, … over all epochs.</param>
/// <param name="Epoch">Epoch of the step.</param>
/// <param name="Images">[n·V, C, H, W], float32, on the CPU.</param>
/// <param name="Labels">[n·V], int64.</param>
/// <param name="ImageIds">[n·V], int64: index into the data set, so that rows of the same picture can be told.</param>
/// <param name="Indices">The n indices into the data set, once each.</param>
/// <param name="Positions">Where each of the n images stands in the batch of all ranks, for random numbers that no rank boundary changes.</param>
public sealed record Batch(long Step, int Epoch, Tensor Images, Tensor Labels, Tensor ImageIds, int[] Indices, int[] Positions) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Images.Dispose();
        Labels.Dispose();
        ImageIds.Dispose();
    }
}
