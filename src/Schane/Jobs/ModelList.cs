using Schane.Checkpoints.Hub;
using Schane.Models;
using Schane.Planning;

namespace Schane.Jobs;

/// <summary>An architecture with what it costs and what it can start from.</summary>
/// <param name="Info">What it takes and gives.</param>
/// <param name="Parameters">Without the head.</param>
/// <param name="MultiplyAdds">Of one image at its input size, forward.</param>
/// <param name="ImagesPerSecond">Training images a second on this machine: an estimate, its multiply-adds at the rate of
/// <see cref="MachineRate"/>.</param>
/// <param name="WeightsFrom">Where its weights are published: <c>nuget</c>, <c>hf</c>, or <c>embedded</c> for those that come with the
/// program; null where there are none.</param>
/// <param name="WeightsHere">Whether they are on this machine.</param>
internal sealed record ListedModel(BackboneInfo Info, long Parameters, long MultiplyAdds, double ImagesPerSecond,
    string? WeightsFrom, bool WeightsHere)
{
    /// <summary>Floating-point operations of one image in 10⁹, two for each multiply-add.</summary>
    public double Gflops => 2 * MultiplyAdds / 1e9;

    /// <summary>Time that so many training passes of one image take.</summary>
    public TimeSpan TimeFor(long passes) => TimeSpan.FromSeconds(passes / ImagesPerSecond);
}

/// <summary>Every architecture with its cost on this machine: what <c>schane models list</c> shows.</summary>
internal static class ModelList
{
    /// <summary>Lists the registry by name.</summary>
    /// <param name="hub">Where downloads are kept; null for the defaults.</param>
    /// <param name="names">Models to list; null for all.</param>
    /// <param name="measureAgain">Whether the rate of this machine is measured although it is known from before. Default: no.</param>
    public static IReadOnlyList<ListedModel> Of(HubOptions? hub = null, IEnumerable<string>? names = null, bool measureAgain = false)
    {
        var rate = MachineRate.Of(hub, measureAgain);
        using var weights = new WeightsHub(hub);
        return [.. (names ?? ModelRegistry.Names).Select(name =>
        {
            var info = ModelRegistry.InfoOf(name);
            var (parameters, multiplyAdds) = ModelRegistry.CostOf(name);
            var embedded = EmbeddedWeights.Exist(info.Name);
            return new ListedModel(info, parameters, multiplyAdds, rate.ImagesPerSecond(multiplyAdds),
                info.Weights?.Split(':')[0] ?? (embedded ? EmbeddedWeights.Name : null),
                embedded || (info.Weights is { } published && weights.AreHere(published)));
        })];
    }
}
