using Schane.Products;
using Schane.Tensors;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>x Wᵀ + b over the last dimension: [..., inputs] → [..., outputs]. With an adapter (Hu et al. 2021, arXiv:2106.09685), x (W +
/// scale · B A)ᵀ + b.</summary>
internal sealed class Dense : Layer
{
    // RegisterComponents makes field names checkpoint keys: renaming one breaks saved files.
    private readonly Parameter weight;
    private readonly Parameter? bias;
    private readonly double? std;

    // loralib's names
    [ComponentName(Name = "lora_A")] private Parameter? down;              // [rank, inputs]
    [ComponentName(Name = "lora_B")] private Parameter? up;                // [outputs, rank]
    private double scale;

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

    /// <summary>Whether products in float32 on the processor are Schane's own; null where that is faster on this machine.</summary>
    public bool? OwnProducts { get; set; }

    /// <summary>Width of the input.</summary>
    public long Inputs => weight.shape[1];

    /// <summary>Width of the output.</summary>
    public long Outputs => weight.shape[0];

    /// <summary>Puts an adapter beside the weight that does nothing yet: A is drawn as loralib's, B is 0.</summary>
    public void Adapt(int rank, double scale, WeightInit init)
    {
        (down, up, this.scale) = (Weight(rank, Inputs), Weight(Outputs, rank), scale);
        init.Uniform(down, Inputs);
        WeightInit.Constant(up, 0);
        register_parameter("lora_A", down);
        register_parameter("lora_B", up);
    }

    /// <summary>The weight with what the adapter adds to it; null where there is no adapter.</summary>
    public Tensor? Merged()
    {
        if (down is null || up is null)
            return null;
        using var _ = no_grad();
        using var product = Change(down, up, scale);
        return weight.Plus(product);
    }

    /// <summary>Takes the adapter into the weight. It does nothing then.</summary>
    public void Merge()
    {
        if (down is null || up is null)
            return;
        Add(down, up, scale);
        WeightInit.Constant(up, 0);
    }

    /// <summary>Adds an adapter of elsewhere to the weight.</summary>
    /// <param name="a">[rank, inputs].</param>
    /// <param name="b">[outputs, rank].</param>
    /// <param name="times">Factor on their product.</param>
    public void Add(Tensor a, Tensor b, double times)
    {
        using var _ = no_grad();
        using var product = Change(a, b, times);
        weight.add_(product);
    }

    public override Tensor forward(Tensor input)
    {
        FlopCount.Add(input.numel() * Outputs);
        using var scope = NewDisposeScope();
        return Product(input, weight.dim() == 2 ? weight : weight.flatten(1), bias, Linear).MoveToOuterDisposeScope();
    }

    private Tensor Linear(Tensor x, Tensor w, Tensor? b)
    {
        var output = LinearProduct.Takes(x, w) && (OwnProducts ?? LinearProduct.Pays) ? LinearProduct.Call(x, w, b)
            : nn.functional.linear(x, w, b);
        if (down is null || up is null)
            return output;
        var narrow = nn.functional.linear(x, down.to_type(x.dtype));                           // [..., rank]
        return output.Plus(nn.functional.linear(narrow, (up * scale).to_type(x.dtype)));
    }

    private Tensor Change(Tensor a, Tensor b, double times)
    {
        using var scope = NewDisposeScope();
        return (b.matmul(a) * times).view(weight.shape).MoveToOuterDisposeScope();
    }
}
