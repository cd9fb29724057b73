using Schane.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Verification;

/// <summary>The values and gradients of a pass, place by place.</summary>
internal sealed class PassRecord : IPassObserver, IDisposable
{
    private readonly List<(Place Place, Tensor Value)> values = [];
    private readonly Dictionary<int, Tensor> gradients = [];

    public Tensor Value(Place place, Tensor value)
    {
        values.Add((place, value.detach().clone().DetachFromDisposeScope()));
        return value.clone();                                             // what follows may work in place
    }

    public Tensor Gradient(Place place, Tensor gradient)
    {
        gradients[place.Number] = gradient.detach().clone().DetachFromDisposeScope();
        return gradient.clone();
    }

    public Tensor ValueAt(Place place) =>
        place.Number < values.Count && values[place.Number] is var (same, value) && same == place ? value
        : throw new InvalidOperationException($"The order of the layers changes: {place.Layer} comes as number {place.Number}.");

    public Tensor? GradientAt(Place place) => gradients.GetValueOrDefault(place.Number);

    /// <summary>Layers that take or give numbers of a half type.</summary>
    public HashSet<string> HalfLayers() =>
        [.. values.Where(v => v.Value.dtype is ScalarType.BFloat16 or ScalarType.Float16).Select(v => v.Place.Layer)];

    /// <summary>All layers that were passed.</summary>
    public HashSet<string> Layers() => [.. values.Select(v => v.Place.Layer)];

    public void Dispose()
    {
        foreach (var tensor in values.Select(v => v.Value).Concat(gradients.Values))
            tensor.Dispose();
    }
}

/// <summary>Watches the exact pass: compares its values and gradients with the recorded ones, and lets it go on with those.</summary>
/// <param name="seen">The pass that is looked at.</param>
/// <param name="precision">Number type of its products.</param>
/// <param name="device">Where it ran.</param>
/// <param name="images">How many images it had.</param>
internal sealed class PassComparison(PassRecord seen, Precision precision, DeviceType device, int images) : IPassObserver
{
    private readonly HashSet<string> halves = seen.HalfLayers(), known = seen.Layers();
    private ProofFault? fault;
    private (double Error, string Place) largest = (0, "");

    /// <summary>What was found so far.</summary>
    public ProofResult Result => new(largest.Error, largest.Place, precision, images, fault);

    public Tensor Value(Place place, Tensor value)
    {
        var found = seen.ValueAt(place);
        Note(found, value, place.Layer, place.Enters ? "what is done before it" : "its output", Allowed(place));
        return found.cpu().to_type(ScalarType.Float64);
    }

    public Tensor Gradient(Place place, Tensor gradient)
    {
        if (seen.GradientAt(place) is not { } found)
            return gradient.clone();
        if (place.Enters)
            Note(found, gradient, place.Layer, "the gradient of its input", Allowed(place.Layer));
        else
            Note(found, gradient, place.Layer, "the gradient of what is done after it", Between);
        return found.cpu().to_type(ScalarType.Float64);
    }

    /// <summary>Compares what comes out at the end, and the gradients of the parameters.</summary>
    public void Finish(PassResult found, PassResult exact)
    {
        Note(found.Embeddings, exact.Embeddings, "the embeddings", "what is done before them", Between);
        Note(found.Logits, exact.Logits, "the logits", "what is done before them", Between);
        // The gradient of a bias may be exactly 0 where that of the weights beside it is not, so those of a layer have one scale.
        var scales = exact.Gradients.GroupBy(g => Owner(g.Name)).ToDictionary(g => g.Key, g => g.Max(named => Largest(named.Gradient)));
        foreach (var ((name, gradient), (_, truth)) in found.Gradients.Zip(exact.Gradients).Reverse())
            Note(gradient, truth, Owner(name), $"the gradient of {name}", Allowed(Owner(name)), scales[Owner(name)]);
    }

    private double Between => Tolerance.Of(precision, device);

    private double Allowed(Place place) => place.Enters ? Between : Allowed(place.Layer);

    /// <summary>Of a layer: norms and heads stay float32 whatever the precision is.</summary>
    private double Allowed(string layer) =>
        halves.Contains(layer) || !known.Contains(layer) ? Between : Tolerance.Of(Precision.Float32, device);

    private static string Owner(string parameter) => parameter.LastIndexOf('.') is > 0 and var dot ? parameter[..dot] : parameter;

    private static double Largest(Tensor values)
    {
        using var scope = NewDisposeScope();
        return values.abs().max().ToDouble();
    }

    private void Note(Tensor found, Tensor exact, string layer, string what, double allowed, double scale = 0)
    {
        var error = RelativeError.Of(found, exact, Math.Max(scale, Tolerance.Smallest(precision) / allowed));
        if (error > largest.Error)
            largest = (error, $"{layer}, {what}");
        if (error > allowed && fault is null)
            fault = new(layer, what, error, allowed);
    }
}
