using static TorchSharp.torch;

namespace Schane.Models;

/// <summary>Takes the place of a trunk whose embeddings are computed already: returns its input, [n, D].
/// Nothing in it is trained.</summary>
/// <param name="trunk">The trunk they are of; a head on these features is treated as one on it.</param>
internal sealed class GivenFeatures(Backbone trunk) : Backbone(trunk.Info)
{
    private readonly int layers = trunk.LayerCount;

    public override int LayerCount => layers;

    public override int LayerOf(string parameter) =>
        throw new ArgumentException($"Given features have no parameter '{parameter}'.", nameof(parameter));

    public override Tensor Features(Tensor images) => images.alias();

    public override Tensor Pool(Tensor features) => features.alias();
}
