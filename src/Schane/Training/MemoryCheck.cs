using Schane.Data.Feeding;
using Schane.Models;
using Schane.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>Refuses a pass that would not fit in memory, before it is tried: the need is estimated from two small measured passes. Linux on
/// the CPU alone; elsewhere nothing is refused.</summary>
internal static class MemoryCheck
{
    private const int SmallPart = 8;

    /// <summary>Measures and compares. Leaves weights and running statistics as they were; gradients are overwritten.</summary>
    /// <param name="model">In training mode.</param>
    /// <param name="batch">Whose first images are passed.</param>
    /// <param name="rows">Images in a pass through the model.</param>
    /// <param name="further">Bytes that the first step takes beside the pass: the optimiser's state.</param>
    /// <param name="free">Free bytes; null for what the system reports.</param>
    /// <exception cref="SchaneException">The pass would not fit; the message says which micro-batch would.</exception>
    public static void Require(ImageClassifier model, Batch batch, int rows, long further, long? free = null)
    {
        if (rows < 2 || model.NamedParameters().First().Parameter.device_type != DeviceType.CPU
            || (free ?? MemoryRoom.Free()) is not { } room
            || Measure(model, batch, Math.Max(1, Math.Min(rows, (int)batch.Images.shape[0]) / SmallPart)) is not var (fixedPart, each))
            return;
        var need = fixedPart + each * rows + further;
        if (need <= room)
            return;
        var fits = (long)((room - fixedPart - further) / each);
        var way = fits < 1 ? "not even one image fits: use a smaller --model or --input-size, or --checkpoint-activations"
            : $"use --micro-batch {(fits >= 8 ? fits / 8 * 8 : fits)}, which leaves the batch and its negatives as they are, or " +
                "--checkpoint-activations";
        throw new SchaneException(
            $"A pass of {rows} images needs about {Gigabytes(need)} of memory but {Gigabytes(room)} are free; {way}.");
    }

    /// <summary>Bytes that any pass takes and bytes that each image adds, from passes of <paramref name="part"/> and twice as many; null
    /// where the system doesn't tell.</summary>
    internal static (double Fixed, double Each)? Measure(ImageClassifier model, Batch batch, int part)
    {
        using var scope = NewDisposeScope();
        var statistics = model.buffers().Select(buffer => (buffer, copy: buffer.clone())).ToList();
        NativeMemory.ReturnFreedPages();
        if (!MemoryRoom.StartOver() || MemoryRoom.Peak is not { } before)
            return null;
        Pass(model, batch, part);
        var once = MemoryRoom.Peak!.Value - before;
        Pass(model, batch, 2 * part);
        var twice = MemoryRoom.Peak!.Value - before;
        using (no_grad())
            foreach (var (buffer, copy) in statistics)
                buffer.copy_(copy);
        var each = Math.Clamp((double)(twice - once) / part, 1, (double)Math.Max(once, part) / part);
        return (Math.Max(0, once - each * part), each);
    }

    private static void Pass(ImageClassifier model, Batch batch, int rows)
    {
        using var scope = NewDisposeScope();
        var images = batch.Normalised(0, rows, model.NamedParameters().First().Parameter.device);
        var (embeddings, logits) = model.Forward(images, SampleDraws.Of((int)images.shape[0]));
        (embeddings.sum() + logits.sum()).backward();
    }

    private static string Gigabytes(double bytes) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{bytes / 1e9:0.0} GB");
}
