using Schane.Models.Layers;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Models.Transformers;

/// <summary>One block: norm, attention, norm, MLP, each pair a residual branch.</summary>
internal sealed class TransformerBlock : nn.Module<Tensor, Tensor>
{
    // TorchSharp registers module fields by name: a field that is a part has the part's name.
    private readonly LayerNormalization norm1, norm2;
    private readonly Attention attn;
    private readonly LayerScale? ls1, ls2;
    private readonly Mlp mlp;
    private readonly DropPath first, second;

    public TransformerBlock(VisionTransformerShape shape, DropPath first, DropPath second) : base("TransformerBlock")
    {
        norm1 = new LayerNormalization(shape.Width, shape.Eps);
        attn = new Attention(shape.Width, shape.Heads, shape.QkvBias);
        ls1 = shape.LayerScale is { } one ? new LayerScale(shape.Width, one) : null;
        norm2 = new LayerNormalization(shape.Width, shape.Eps);
        mlp = new Mlp(shape.Width, shape.Hidden, shape.Activation);
        ls2 = shape.LayerScale is { } two ? new LayerScale(shape.Width, two) : null;
        (this.first, this.second) = (first, second);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return FromNormed(x, Normed(x)).MoveToOuterDisposeScope();
    }

    /// <summary>What attention is given.</summary>
    public Tensor Normed(Tensor x) => norm1.call(x);

    /// <summary>The block with what attention is given.</summary>
    public Tensor FromNormed(Tensor x, Tensor normed)
    {
        using var scope = NewDisposeScope();
        var mixed = attn.call(normed);
        x = x.Plus(first.Apply(ls1 is null ? mixed : ls1.call(mixed), training));
        var fed = mlp.call(norm2.call(x));
        return x.Plus(second.Apply(ls2 is null ? fed : ls2.call(fed), training)).MoveToOuterDisposeScope();
    }
}
