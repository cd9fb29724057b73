using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>x Wᵀ + b over the last dimension: [..., inputs] → [..., outputs].</summary>
internal sealed class Dense : Layer
{
    // RegisterComponents makes field names checkpoint keys: renaming one breaks saved files.
    private readonly Parameter weight;
    private readonly Parameter? bias;
    private readonly double? std;

    /// <param name="inputs">Width of the input.</param>
    /// <param name="outputs">Width of the output.</param>
    /// <param name="hasBias">Whether there is a bias (initially 0 where <paramref name="std"/> is given).</param>
    /// <param name="std">Deviation of the initial weights; null for torch's default.</param>
    /// <param name="pointwise">Whether the weight has the shape [outputs, inputs, 1, 1] of a 1×1 convolution.</param>
    public Dense(long inputs, long outputs, bool hasBias = true, double? std = 0.02, bool pointwise = false) : base("Dense")
    {
        weight = pointwise ? Weight(outputs, inputs, 1, 1) : Weight(outputs, inputs);
        bias = hasBias ? Weight(outputs) : null;
        this.std = std;
        RegisterComponents();
    }

    public override void Initialise(WeightInit init)
    {
        if (std is { } deviation)
        {
            init.Normal(weight, deviation);
            WeightInit.Constant(bias, 0);
            return;
        }
        init.Uniform(weight, weight.shape[1]);
        if (bias is not null)
            init.Uniform(bias, weight.shape[1]);
    }

    public override Tensor forward(Tensor input)
    {
        FlopCount.Add(input.numel() * weight.shape[0]);
        using var scope = NewDisposeScope();
        return Product(input, weight.dim() == 2 ? weight : weight.flatten(1), bias, nn.functional.linear).MoveToOuterDisposeScope();
    }
}
