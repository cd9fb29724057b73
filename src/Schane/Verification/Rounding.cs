using Schane.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Verification;

/// <summary>
/// How far rounding may move each value and gradient of a pass, where large terms cancel and the tolerance as a share of what is left says
/// nothing. The pass is run again with every layer entered and left with values and gradients that are off by a share of the tolerance, at
/// random. A wrong kernel is wrong in the same way each time and moves no further than a right one; where terms cancel, everything moves.
/// What does not come out the same twice from the same values is no rounding.
/// </summary>
internal sealed class Rounding
{
    /// <summary>Share of the tolerance by which values are off, and how many times what that moves is allowed: together no more than the
    /// tolerance where all values are of one size.</summary>
    private const int Parts = 8;

    private const int Times = 2;

    private const double Half = 1.0 / (1 << 24);                          // rounding of a float32 addition, as a share of the sum

    private readonly Dictionary<Spot, double> fine = [], coarse = [], unsteady = [];
    private readonly bool steady;

    /// <param name="seen">The pass.</param>
    /// <param name="found">What came out of it.</param>
    /// <param name="precision">Number type of its products.</param>
    /// <param name="device">Where it ran.</param>
    /// <param name="run">Runs it once more.</param>
    public Rounding(PassRecord seen, PassResult found, Precision precision, DeviceType device, Func<IPassObserver, PassResult> run)
    {
        steady = device == DeviceType.CPU;                                // elsewhere sums may be taken in any order
        using var random = new Generator(1, new Device(device));
        for (var i = 0; i < Times; i++)
        {
            Repeat(fine, Fine);
            Repeat(coarse, (place, value) => Math.Max(Fine(place, value), Coarse(value)));
        }
        if (steady)
            Repeat(unsteady, (_, _) => 0);

        double Fine(Place place, Tensor value) => Tolerance.Of(place.Enters && seen.HalfLayers.Contains(place.Layer)
            ? precision : Tolerance.PrecisionOf(value.dtype), device) / Parts;    // a layer of a half type rounds float32 itself

        void Repeat(Dictionary<Spot, double> moved, Func<Place, Tensor, double> off)
        {
            using var scope = NewDisposeScope();
            var again = new Again(seen, random, off, moved);
            again.Finish(found, run(again));
        }
    }

    /// <summary>The largest difference that it explains; 0 where the same pass gives something else.</summary>
    public double Of(Spot spot)
    {
        var most = spot.SumsAll ? Math.Max(fine[spot], coarse[spot]) : fine[spot];
        return double.IsFinite(most) && !(steady && unsteady[spot] > most / Parts) ? Parts * most : 0;
    }

    /// <summary>What adding up one by one may make of a sum over all images and pixels, where all that is added is alike.</summary>
    private static double Coarse(Tensor value) => Half * value.numel() / value.shape[value.dim() == 4 ? 1 : ^1] / Parts;

    private sealed class Again(PassRecord seen, Generator random, Func<Place, Tensor, double> off, Dictionary<Spot, double> moved)
        : ReplayedPass(seen)
    {
        protected override void Look(Spot spot, Tensor found, Tensor made) =>
            moved[spot] = Math.Max(moved.GetValueOrDefault(spot), RelativeError.Between(made, found.to_type(ScalarType.Float64)).Largest);

        protected override Tensor HandOn(Place place, Tensor found)
        {
            var share = off(place, found);
            if (share == 0)
                return found.clone();
            // Alike in an image, in a row and in nothing: what cancels may do so within each or among them.
            var wide = found.to_type(ScalarType.Float32);
            long[] image = [found.shape[0], .. Enumerable.Repeat(1L, (int)found.dim() - 1)];
            var signs = Signs(found.shape).add_(Signs(image));
            if (found.dim() == 4)
                signs.add_(Signs([found.shape[0], 1, found.shape[2], 1]));
            return wide.addcmul(wide, signs, share).to_type(found.dtype);

            Tensor Signs(long[] shape) => rand(shape, ScalarType.Float32, found.device, generator: random).sub_(0.5).sign_();
        }
    }
}
