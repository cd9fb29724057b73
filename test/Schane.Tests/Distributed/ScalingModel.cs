using System.Globalization;

namespace Schane.Tests.Distributed;

/// <summary>
/// How long a training step should take on N GPUs: compute, then the gradient's sum, the embeddings' gather and their gradient's sum, and
/// the loss, one after the other (TorchSharp has no hooks to overlap them). A prediction from data sheets, not a measurement;
/// docs/distributed.md has its table.
/// </summary>
internal sealed record ScalingModel
{
    /// <summary>Parameters that are trained.</summary>
    public double Parameters { get; init; } = 86e6;

    /// <summary>Floating-point operations of an image, forward; backward takes twice as many.</summary>
    public double FlopsPerImage { get; init; } = 35e9;

    /// <summary>Images a GPU takes in a step.</summary>
    public int Batch { get; init; } = 128;

    /// <summary>Numbers of an embedding.</summary>
    public int Width { get; init; } = 768;

    /// <summary>Operations per second that the model's products reach on a GPU in bfloat16.</summary>
    public double Compute { get; init; } = 4e14;

    /// <summary>Operations per second that the loss's products reach in float32.</summary>
    public double LossCompute { get; init; } = 4e13;

    /// <summary>Bytes per second of a GPU's memory.</summary>
    public double Memory { get; init; } = 2.5e12;

    /// <summary>Bytes of a similarity that the loss moves: about 40 reads and writes of 4 bytes.</summary>
    public double LossBytesPerPair { get; init; } = 160;

    /// <summary>GPUs of a machine.</summary>
    public int PerMachine { get; init; } = 8;

    /// <summary>Bytes per second between the GPUs of a machine, each way.</summary>
    public double Inside { get; init; } = 3e11;

    /// <summary>Bytes per second of each GPU to other machines, each way: one network card of 400 Gb/s at 80 %.</summary>
    public double Outside { get; init; } = 4e10;

    /// <summary>Seconds that a collective waits at each of its log₂ N hops.</summary>
    public double Latency { get; init; } = 1e-5;

    /// <summary>Seconds of a step's parts on some GPUs.</summary>
    public (double Compute, double Gradients, double Embeddings, double Loss) Step(int gpus)
    {
        var bandwidth = gpus <= PerMachine ? Inside : Outside;
        var share = (gpus - 1.0) / gpus;
        double Gather(double bytes) => share * bytes / bandwidth + Math.Log2(gpus) * Latency;
        double Sum(double bytes) => 2 * Gather(bytes);
        var rows = (double)gpus * Batch;
        var embeddings = rows * Width * 4;
        return (3 * FlopsPerImage * Batch / Compute, Sum(Parameters * 4), Gather(embeddings) + Sum(embeddings),
            8 * Batch * rows * Width / LossCompute + Batch * rows * LossBytesPerPair / Memory);
    }

    /// <summary>The table of docs/distributed.md.</summary>
    public IEnumerable<string> Table()
    {
        yield return "| GPUs | compute ms | gradients ms | embeddings ms | loss ms | step ms | images/s | of N times one | embeddings " +
            "and loss |";
        yield return "|---|---|---|---|---|---|---|---|---|";
        var one = Total(Step(1));
        for (var gpus = 1; gpus <= 1024; gpus *= 2)
        {
            var step = Step(gpus);
            var total = Total(step);
            yield return string.Create(CultureInfo.InvariantCulture,
                $"| {gpus} | {1e3 * step.Compute:0.0} | {1e3 * step.Gradients:0.0} | {1e3 * step.Embeddings:0.0} | {1e3 * step.Loss:0.0} " +
                $"| {1e3 * total:0.0} | {gpus * Batch / total:0} | {100 * one / total:0} % | " +
                $"{100 * (step.Embeddings + step.Loss) / total:0.0} % |");
        }
    }

    private static double Total((double Compute, double Gradients, double Embeddings, double Loss) step) =>
        step.Compute + step.Gradients + step.Embeddings + step.Loss;
}
