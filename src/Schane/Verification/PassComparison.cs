using Schane.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Verification;

/// <summary>Watches the exact pass: compares its values and gradients with the recorded ones.</summary>
/// <param name="seen">The pass that is looked at.</param>
/// <param name="precision">Number type of its products.</param>
/// <param name="device">Where it ran.</param>
/// <param name="images">How many images it had.</param>
internal sealed class PassComparison(PassRecord seen, Precision precision, DeviceType device, int images) : ReplayedPass(seen)
{
    private readonly HashSet<string> halves = seen.HalfLayers, known = seen.Layers();
    private readonly List<(Spot Spot, Difference Difference)> looked = [];

    /// <summary>What was found.</summary>
    /// <param name="measure">Measures what rounding does to the pass; asked only where the tolerance of its precision is exceeded.</param>
    public ProofResult Judge(Func<Rounding> measure)
    {
        // The gradient of a bias may be exactly 0 where that of the weights beside it is not, so those of a layer have one scale.
        var scales = looked.Where(one => one.Spot.IsOfParameter).GroupBy(one => one.Spot.Layer)
            .ToDictionary(layer => layer.Key, layer => layer.Max(one => one.Difference.Scale));
        var rounding = new Lazy<Rounding>(measure);
        var (largest, where) = (0.0, "");
        foreach (var (spot, difference) in looked)
        {
            if (!(difference.Scale < Tolerance.Overflow(precision)))
                break;                                                    // of numbers that the type can't hold nothing more can be said
            var allowed = Allowed(spot);
            var scale = Math.Max(spot.IsOfParameter ? scales[spot.Layer] : difference.Scale, Tolerance.Smallest(precision) / allowed);
            var error = difference.Over(scale);
            if (error > allowed)
            {
                var moves = rounding.Value.Of(spot);
                if (difference.Largest <= moves)
                    continue;                                             // rounding alone, which has no share of anything
                allowed = Math.Max(allowed, moves / scale);
                return new(error, Named(spot), precision, images, new(spot.Layer, spot.What, error, allowed));
            }
            if (error > largest)
                (largest, where) = (error, Named(spot));
        }
        return new(largest, where, precision, images, null);
    }

    protected override void Look(Spot spot, Tensor found, Tensor made) => looked.Add((spot, RelativeError.Between(found, made)));

    protected override Tensor HandOn(Place place, Tensor found) => found.cpu().to_type(ScalarType.Float64);

    private static string Named(Spot spot) => $"{spot.Layer}, {spot.What}";

    /// <summary>Norms and heads stay float32 whatever the precision is.</summary>
    private double Allowed(Spot spot) => Tolerance.Of(
        spot.Between || halves.Contains(spot.Layer) || !known.Contains(spot.Layer) ? precision : Precision.Float32, device);
}
