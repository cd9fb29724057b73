using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>A part with weights of its own. Weights are allocated without values: a checkpoint or <see cref="Initialise"/> gives them.</summary>
internal abstract class Layer(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>Gives the own weights (not those of parts) their initial values.</summary>
    public abstract void Initialise(WeightInit init);

    /// <summary>An allocated parameter.</summary>
    protected static Parameter Weight(params long[] shape) => new(empty(shape));
}
