using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>A learned factor per channel on a residual branch (Touvron et al. 2021, arXiv:2103.17239).</summary>
internal sealed class LayerScale : Layer
{
    // RegisterComponents makes field names checkpoint keys: renaming one breaks saved files.
    private readonly Parameter gamma;
    private readonly double initial;

    public LayerScale(long width, double initial) : base("LayerScale")
    {
        (gamma, this.initial) = (Weight(width), initial);
        RegisterComponents();
    }

    public override void Initialise(WeightInit init) => WeightInit.Constant(gamma, initial);

    public override Tensor forward(Tensor input) => input * gamma;
}
