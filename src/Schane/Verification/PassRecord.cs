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
    public HashSet<string> HalfLayers => field ??=
        [.. values.Where(v => v.Value.dtype is ScalarType.BFloat16 or ScalarType.Float16).Select(v => v.Place.Layer)];

    /// <summary>All layers that were passed.</summary>
    public HashSet<string> Layers() => [.. values.Select(v => v.Place.Layer)];

    public void Dispose()
    {
        foreach (var tensor in values.Select(v => v.Value).Concat(gradients.Values))
            tensor.Dispose();
    }
}

/// <summary>What is compared: a value or gradient at a place, or what comes out of the whole pass.</summary>
/// <param name="Number">Of the place; −1 for what comes out.</param>
/// <param name="Layer">Whose it is.</param>
/// <param name="What">What of it, for people.</param>
/// <param name="Between">Whether it is made between two layers.</param>
/// <param name="SumsAll">Whether it is made of sums over all images and pixels.</param>
internal readonly record struct Spot(int Number, string Layer, string What, bool Between, bool SumsAll)
{
    /// <summary>Whether it is the gradient of a parameter, or of the images.</summary>
    public bool IsOfParameter => Number < 0 && !Between;
}

/// <summary>A pass that is given recorded values and gradients wherever a layer is entered or left, and looks at what is
/// made of them.</summary>
internal abstract class ReplayedPass(PassRecord seen) : IPassObserver
{
    public Tensor Value(Place place, Tensor value)
    {
        var found = seen.ValueAt(place);
        Look(new(place.Number, place.Layer, place.Enters ? "what is done before it" : "its output", place.Enters, place.SumsAll), found,
            value);
        return HandOn(place, found);
    }

    public Tensor Gradient(Place place, Tensor gradient)
    {
        if (seen.GradientAt(place) is not { } found)
            return gradient.clone();
        var what = place.Enters ? "the gradient of its input" : "the gradient of what is done after it";
        Look(new(place.Number, place.Layer, what, !place.Enters, place.SumsAll), found, gradient);
        return HandOn(place, found);
    }

    /// <summary>Looks at what comes out at the end, and at the gradients of the parameters, the last first.</summary>
    public void Finish(PassResult found, PassResult made)
    {
        Look(new(-1, "the embeddings", "what is done before them", Between: true, SumsAll: false), found.Embeddings, made.Embeddings);
        Look(new(-1, "the logits", "what is done before them", Between: true, SumsAll: false), found.Logits, made.Logits);
        foreach (var ((name, gradient), (_, its)) in found.Gradients.Zip(made.Gradients).Reverse())
            Look(new(-1, Owner(name), $"the gradient of {name}", Between: false, SumsAll: true), gradient, its);
    }

    /// <param name="spot">What it is.</param>
    /// <param name="found">As recorded.</param>
    /// <param name="made">By this pass.</param>
    protected abstract void Look(Spot spot, Tensor found, Tensor made);

    /// <returns>A new tensor: the recorded one as this pass takes it.</returns>
    protected abstract Tensor HandOn(Place place, Tensor found);

    protected static string Owner(string parameter) => parameter.LastIndexOf('.') is > 0 and var dot ? parameter[..dot] : parameter;
}
