using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>A part with weights of its own. Weights are allocated without values: a checkpoint or <see cref="Initialise"/> gives them.</summary>
internal abstract class Layer(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>Gives the own weights (not those of parts) their initial values.</summary>
    public abstract void Initialise(WeightInit init);

    /// <summary>Number type of the products of training passes; null for that of the weights.</summary>
    public ScalarType? Products { get; set; }

    /// <summary><paramref name="value"/> in the number type of this pass's products, which is a cast that the gradient flows back through; itself where it has that type.</summary>
    protected Tensor ForProduct(Tensor value) => training && Products is { } type && value.dtype != type ? value.to_type(type) : value;

    /// <summary><paramref name="value"/> in float32 where it is a half type, for what must not be computed in one; else itself.</summary>
    public static Tensor Wide(Tensor value) => value.dtype is ScalarType.BFloat16 or ScalarType.Float16 ? value.to_type(ScalarType.Float32) : value;

    /// <summary>An allocated parameter.</summary>
    protected static Parameter Weight(params long[] shape) => new(empty(shape));
}
