using Schane.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>A part with weights of its own. Weights are allocated without values: a checkpoint or
/// <see cref="Initialise"/> gives them.</summary>
internal abstract class Layer(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>Gives the own weights (not those of parts) their initial values.</summary>
    public abstract void Initialise(WeightInit init);

    /// <summary>Number type of the products of training passes; null for that of the weights.</summary>
    public ScalarType? Products { get; set; }

    /// <summary>
    /// <paramref name="product"/> of the three in the number type of this pass, through casts that the gradient flows back through. Where
    /// the processor has no bfloat16, factors and result are rounded to it and the product is taken in float32: what such instructions do,
    /// which add up in float32, and at float32's speed, where libtorch's own way without them takes four times as long.
    /// </summary>
    protected Tensor Product(Tensor input, Tensor weight, Tensor? bias, Func<Tensor, Tensor, Tensor?, Tensor> product)
    {
        if (!training || Products is not { } type)
            return product(input, weight, bias);
        var (x, w, b) = (input.to_type(type), weight.to_type(type), bias?.to_type(type));
        return type == ScalarType.BFloat16 && x.device_type == DeviceType.CPU && !Machine.ThisHasBf16
            ? product(Wide(x), Wide(w), b is null ? null : Wide(b)).to_type(type)
            : product(x, w, b);
    }

    /// <summary><paramref name="value"/> in float32 where it is a half type, for what must not be computed in one; else itself.</summary>
    public static Tensor Wide(Tensor value) =>
        value.dtype is ScalarType.BFloat16 or ScalarType.Float16 ? value.to_type(ScalarType.Float32) : value;

    /// <summary>An allocated parameter.</summary>
    protected static Parameter Weight(params long[] shape) => new(empty(shape));
}
