using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>Layer normalisation over the last dimension (Ba et al. 2016, arXiv:1607.06450).</summary>
internal sealed class LayerNormalization : Layer
{
    // RegisterComponents makes field names checkpoint keys: renaming one breaks saved files.
    private readonly Parameter weight, bias;
    private readonly long[] width;
    private readonly double eps;

    public LayerNormalization(long width, double eps) : base("LayerNormalization")
    {
        (weight, bias, this.width, this.eps) = (Weight(width), Weight(width), [width], eps);
        RegisterComponents();
    }

    public override void Initialise(WeightInit init)
    {
        WeightInit.Constant(weight, 1);
        WeightInit.Constant(bias, 0);
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return nn.functional.layer_norm(Wide(input), width, weight, bias, eps).MoveToOuterDisposeScope();
    }
}
