using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>Multi-head self-attention with timm's names (<c>qkv</c>, <c>proj</c>): [n, tokens, width] → the same.</summary>
internal sealed class Attention : nn.Module<Tensor, Tensor>
{
    // TorchSharp registers module fields by name: a field that is a part has the part's name.
    private readonly Dense qkv, proj;
    private readonly int heads;

    /// <param name="width">Width of input and output.</param>
    /// <param name="heads">Number of heads; they divide the width.</param>
    /// <param name="qkvBias">Whether queries, keys and values have a bias.</param>
    public Attention(long width, int heads, bool qkvBias = true) : base("Attention")
    {
        this.heads = heads;
        qkv = new Dense(width, 3 * width, hasBias: qkvBias);
        proj = new Dense(width, width);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return proj.call(OfHeads(qkv.call(input), heads)).MoveToOuterDisposeScope();
    }

    /// <summary>softmax(q kᵀ / √d + bias) v for each head.</summary>
    /// <param name="qkv">[n, tokens, 3 × width]: queries, keys, values, each head after head.</param>
    /// <param name="heads">Number of heads.</param>
    /// <param name="bias">Added to the scores, broadcast to [n, heads, tokens, tokens]; null for none.</param>
    /// <returns>[n, tokens, width].</returns>
    public static Tensor OfHeads(Tensor qkv, int heads, Tensor? bias = null)
    {
        using var scope = NewDisposeScope();
        var (n, tokens, width) = (qkv.shape[0], qkv.shape[1], qkv.shape[2] / 3);
        var parts = qkv.view(n, tokens, 3, heads, width / heads).permute(2, 0, 3, 1, 4).unbind(0);   // 3 × [n, heads, tokens, d]
        FlopCount.Add(2 * n * tokens * tokens * width);
        var mixed = nn.functional.scaled_dot_product_attention(parts[0], parts[1], parts[2], bias);
        return mixed.transpose(1, 2).reshape(n, tokens, width).MoveToOuterDisposeScope();
    }
}
