using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>The activation between the two layers of an <see cref="Mlp"/>.</summary>
internal enum Activation
{
    /// <summary>x Φ(x), exact.</summary>
    Gelu,

    /// <summary>x σ(1.702 x), as OpenAI's CLIP was trained.</summary>
    QuickGelu,
}

/// <summary>fc1, activation, perhaps a norm, fc2, with timm's names: [..., width] → [..., width].</summary>
internal sealed class Mlp : nn.Module<Tensor, Tensor>
{
    // TorchSharp registers module fields by name: a field that is a part has the part's name.
    private readonly Dense fc1, fc2;
    private readonly LayerNormalization? norm;
    private readonly Activation activation;

    /// <param name="width">Width of input and output.</param>
    /// <param name="hidden">Width between.</param>
    /// <param name="activation">Activation.</param>
    /// <param name="normEps">eps of the norm before fc2; null for none.</param>
    /// <param name="pointwise">Whether the weights have the shape of 1×1 convolutions.</param>
    public Mlp(long width, long hidden, Activation activation = Activation.Gelu, double? normEps = null,
        bool pointwise = false) : base("Mlp")
    {
        this.activation = activation;
        fc1 = new Dense(width, hidden, pointwise: pointwise);
        norm = normEps is { } eps ? new LayerNormalization(hidden, eps) : null;
        fc2 = new Dense(hidden, width, pointwise: pointwise);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var x = fc1.call(input);
        x = activation == Activation.Gelu ? nn.functional.gelu(x) : x * (x * 1.702).sigmoid();
        if (norm is not null)
            x = norm.call(x);
        return fc2.call(x).MoveToOuterDisposeScope();
    }
}
