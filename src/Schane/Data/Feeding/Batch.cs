using Schane.Data.Transforms;
using static TorchSharp.torch;

namespace Schane.Data.Feeding;

// n images of this process, V views of each, rows view-major: row v·n + i is view v of image i.

/// <summary>The input of one training step. Whoever takes it disposes of it; its tensors belong to no dispose scope.</summary>
/// <param name="Step">0, 1, … over all epochs.</param>
/// <param name="Epoch">Epoch of the step.</param>
/// <param name="Images">[n·V, C, H, W], on the CPU: float32, normalised; or the pixels as bytes, a quarter of that, where
/// <see cref="LoaderOptions.KeepBytes"/> asks for it.</param>
/// <param name="Labels">[n·V], int64.</param>
/// <param name="ImageIds">[n·V], int64: index into the data set, so that rows of the same image can be recognised.</param>
/// <param name="Indices">The n indices into the data set, once each.</param>
/// <param name="Positions">Where each of the n images stands in the batch of all ranks, for random numbers that no
/// rank boundary changes.</param>
internal sealed record Batch(long Step, int Epoch, Tensor Images, Tensor Labels, Tensor ImageIds, int[] Indices,
    int[] Positions) : IDisposable
{
    /// <summary>[n·V, C], float32: 1 for each class of the image, else 0; null where images have one class each.</summary>
    public Tensor? Targets { get; init; }

    /// <summary>How bytes are normalised; null where <see cref="Images"/> are normalised already.</summary>
    public InputShape? Scale { get; init; }

    /// <summary>Some rows as a model takes them.</summary>
    /// <param name="at">First row.</param>
    /// <param name="count">How many.</param>
    /// <param name="device">The device; null for the CPU. Bytes are normalised there.</param>
    /// <returns>[count, C, H, W], floating point, (value / 255 − mean) / deviation; a view of <see cref="Images"/> where nothing
    /// has to be converted.</returns>
    public Tensor Normalised(long at, long count, Device? device = null)
    {
        using var scope = NewDisposeScope();
        var rows = Images.narrow(0, at, count).to(device ?? CPU);
        if (Scale is { } scale)
        {
            Tensor Channel(float[] values) => tensor(values, device: rows.device).view(1, -1, 1, 1);
            var (factors, shifts) = scale.Scaling();
            rows = rows.to_type(ScalarType.Float32).mul_(Channel(factors)).add_(Channel(shifts));
        }
        return rows.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Images.Dispose();
        Labels.Dispose();
        ImageIds.Dispose();
        Targets?.Dispose();
    }
}
