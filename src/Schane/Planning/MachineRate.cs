using Schane.Checkpoints;
using Schane.Checkpoints.Hub;
using Schane.Losses;
using Schane.Models;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Planning;

/// <summary>
/// How fast this machine trains, measured once by a few steps of a ResNet-18 and kept in the cache: what models would take is estimated
/// from it. Nets of other kinds use a processor better or worse, by up to a factor of two.
/// </summary>
/// <param name="Processor">The processor it was measured on.</param>
/// <param name="Threads">Threads it was measured with.</param>
/// <param name="MultiplyAdds">Forward multiply-adds a second of images that pass forward and backward.</param>
internal sealed record MachineRate(string Processor, int Threads, double MultiplyAdds)
{
    private const string Measured = "resnet18";
    private const int Side = 96, Rows = 8;

    /// <summary>Training images a second of a net with so many multiply-adds.</summary>
    public double ImagesPerSecond(long multiplyAdds) => MultiplyAdds / multiplyAdds;

    /// <summary>The rate, from the cache where this processor and number of threads were measured before.</summary>
    /// <param name="hub">Names the cache; null for the default.</param>
    /// <param name="again">Whether it is measured in any case: the machine was busy before, perhaps.</param>
    public static MachineRate Of(HubOptions? hub, bool again = false)
    {
        var note = Path.Combine((hub ?? new()).CacheFolder, "rate.json");
        var (processor, threads) = (Machine.Examine().Processor, get_num_threads());
        if (!again && CacheNotes.Read<MachineRate>(note) is { MultiplyAdds: > 0 } known
            && (known.Processor, known.Threads) == (processor, threads))
            return known;
        var seconds = RunPlan.Measure(side => new(ModelRegistry.Create(Measured, 0, inputSize: side), classes: 10), Side,
            Rows, new JointOptions(), CPU);
        var (_, multiplyAdds) = ModelRegistry.CostOf(Measured);
        var share = (double)Side * Side / (ModelRegistry.InfoOf(Measured).InputSize * ModelRegistry.InfoOf(Measured).InputSize);
        var rate = new MachineRate(processor, threads, multiplyAdds * share * Rows / seconds);
        try
        {
            CacheNotes.Write(note, rate);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A cache that can't be written is measured again next time.
        }
        return rate;
    }
}
