using System.Diagnostics;
using Schane.Models;
using Schane.Models.Layers;
using Schane.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Planning;

/// <summary>What <see cref="Precision.Auto"/> means for a model on a device: decided once a run, recorded in its recipe, and taken
/// from there afterwards.</summary>
internal static class PrecisionChoice
{
    /// <summary>How much faster bf16 must be to be chosen: more than a measurement on a busy machine can be wrong by.</summary>
    private const double WorthIt = 1.2;

    private const double ProbeOperations = 20e9;                          // multiply-adds of a forward pass: some tenths of a second
    // of all forward passes of a run: less is over before a measurement has paid
    private const double RunOperations = 5e11;
    // no further passes are timed after so much of them
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan RunTime = TimeSpan.FromMinutes(1);

    /// <summary>Refuses what a device can't do.</summary>
    /// <exception cref="SchaneException">fp16 on a CPU.</exception>
    public static void Check(Precision wanted, Device device)
    {
        if (wanted == Precision.Fp16 && device.type == DeviceType.CPU)
            throw new SchaneException("Precision fp16 is for GPUs but the device is the CPU; use --precision bf16, float32 or auto.");
    }

    /// <summary>The precision to train with, and why. A short run is not worth a measurement and stays float32.</summary>
    /// <param name="create">Makes the model to measure; called only where a measurement decides.</param>
    /// <param name="rows">Images in a pass through the model.</param>
    /// <param name="images">Images of the whole run, counted as often as they are used; null where
    /// <paramref name="budget"/> decides.</param>
    /// <param name="budget">Time of the run.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="features">Instructions of the processor, as <see cref="Machine.Features"/> names them.</param>
    public static (Precision Precision, string Why) Decide(Func<ImageClassifier> create, int rows, double? images, TimeSpan budget,
        Device device, IReadOnlyList<string> features)
    {
        if (device.type == DeviceType.CPU && !Machine.HasBf16(features))
            return (Precision.Float32, "this processor has no bf16 instructions");
        using var scope = NewDisposeScope();
        using var model = create();
        if (model.Backbone.IsOwn)
            return (Precision.Float32, "the net is the program's own");
        model.to(device);
        if (images is { } count ? count * Cost(model, device) < RunOperations : budget < RunTime)
            return (Precision.Float32, "the run is too short for a measurement to pay");
        var gain = Gain(model, rows, device);
        return gain >= WorthIt
            ? (Precision.Bf16, $"a pass takes {1 / gain:P0} of float32's time here")
            : (Precision.Float32, $"a pass in bf16 takes {1 / gain:0.00} times as long here, which is no gain worth its rounding");
    }

    /// <summary>Time of a forward and backward pass in float32, in parts of that in bf16: the least of two each, in turn,
    /// or of one where that takes long, after one to warm up.</summary>
    internal static double Gain(ImageClassifier model, int rows, Device device)
    {
        using var scope = NewDisposeScope();
        rows = Math.Clamp((int)(ProbeOperations / Cost(model, device)), Math.Min(rows, 2), rows);
        model.train();
        var draws = SampleDraws.Of(rows);
        var images = Images(model, rows, device);
        double Pass(Precision precision)
        {
            using var pass = NewDisposeScope();
            model.Precision = precision;
            var watch = Stopwatch.StartNew();
            var (embeddings, logits) = model.Forward(images, draws);
            (embeddings.sum() + logits.sum()).backward();
            model.Backbone.parameters().First().grad!.sum().cpu();         // waits for the device
            return watch.Elapsed.TotalSeconds;
        }
        var (exact, mixed) = (double.PositiveInfinity, double.PositiveInfinity);
        var clock = Stopwatch.StartNew();
        for (var round = 0; round < 2 || (round < 3 && clock.Elapsed < Enough); round++)
        {
            var (one, two) = (Pass(Precision.Float32), Pass(Precision.Bf16));
            if (round > 0)
                (exact, mixed) = (Math.Min(exact, one), Math.Min(mixed, two));
        }
        return exact / mixed;
    }

    /// <summary>Multiply-adds of a forward pass of one image.</summary>
    private static double Cost(ImageClassifier model, Device device)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        model.eval();
        return FlopCount.Of(() => model.Forward(Images(model, 1, device)));
    }

    private static Tensor Images(ImageClassifier model, int count, Device device)
    {
        var info = model.Backbone.Info;
        return zeros([count, info.Channels, info.InputSize, info.InputSize], device: device);
    }
}
