using Schane.Models.Layers;
using Schane.Tensors;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Schane.Models.Transformers;

/// <summary>One block: attention inside windows, shifted by half a window in every second block, and an MLP.</summary>
internal sealed class SwinBlock : nn.Module<Tensor, Tensor>
{
    // TorchSharp registers module fields by name: a field that is a part has the part's name.
    private readonly LayerNormalization norm1, norm2;
    private readonly WindowAttention attn;
    private readonly Mlp mlp;
    private readonly DropPath first, second;
    private readonly int window, shift, side;

    public SwinBlock(SwinShape shape, long width, int heads, int side, bool shifted, DropPath first, DropPath second) : base("SwinBlock")
    {
        this.side = side;
        window = Math.Min(shape.Window, side);
        shift = shifted && side > shape.Window ? window / 2 : 0;
        norm1 = new LayerNormalization(width, shape.Eps);
        attn = new WindowAttention(width, heads, window, PaddedSide, shift, shape.QkvBias);
        norm2 = new LayerNormalization(width, shape.Eps);
        mlp = new Mlp(width, (int)(width * shape.MlpRatio));
        (this.first, this.second) = (first, second);
        RegisterComponents();
    }

    private int PaddedSide => (side + window - 1) / window * window;

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = x.Plus(first.Apply(OfWindows(norm1.call(x)), training));          // [n, side, side, C]
        return x.Plus(second.Apply(mlp.call(norm2.call(x)), training)).MoveToOuterDisposeScope();
    }

    private Tensor OfWindows(Tensor x)
    {
        var (n, width, count) = (x.shape[0], x.shape[3], PaddedSide / window);
        if (shift > 0)
            x = x.roll([-shift, -shift], [1, 2]);
        if (PaddedSide > side)
            x = nn.functional.pad(x, [0, 0, 0, PaddedSide - side, 0, PaddedSide - side]);
        x = x.reshape(n, count, window, count, window, width).permute(0, 1, 3, 2, 4, 5).reshape(-1, window * window, width);
        x = attn.call(x);                                                 // [n · windows, window², C]
        x = x.view(n, count, count, window, window, width).permute(0, 1, 3, 2, 4, 5).reshape(n, PaddedSide, PaddedSide, width);
        if (PaddedSide > side)
            x = x.narrow(1, 0, side).narrow(2, 0, side);
        return shift > 0 ? x.roll([shift, shift], [1, 2]) : x;
    }
}

/// <summary>Attention inside windows with a relative position table; in shifted blocks tokens that were not neighbours
/// are kept apart by −100.</summary>
internal sealed class WindowAttention : nn.Module<Tensor, Tensor>
{
    // TorchSharp registers fields by name: a field that is a part has the part's name.
    [ComponentName(Name = "relative_position_bias_table")] private readonly Parameter table;
    private readonly Dense qkv, proj;
    private readonly Lazy<Tensor> index;
    private readonly Lazy<Tensor>? apart;
    private readonly int heads;

    public WindowAttention(long width, int heads, int window, int side, int shift, bool qkvBias) : base("WindowAttention")
    {
        this.heads = heads;
        table = new Parameter(zeros((2 * window - 1) * (2 * window - 1), heads));
        qkv = new Dense(width, 3 * width, hasBias: qkvBias);
        proj = new Dense(width, width);
        index = new(() => RelativeIndex.Of(window, classToken: false).DetachFromDisposeScope());
        apart = shift == 0 ? null : new(() => Apart(side, window, shift).DetachFromDisposeScope());
        RegisterComponents();
    }

    /// <param name="x">[n · windows, window², C], the windows of one image together.</param>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var bias = RelativeIndex.Bias(table, index.Value);                // [1, heads, window², window²]
        if (apart is not null)
        {
            var mask = apart.Value.to(x.device).to(x.dtype);              // [windows, 1, window², window²]
            var images = x.shape[0] / mask.shape[0];
            bias = (bias + mask).repeat(images, 1, 1, 1);                 // [n · windows, heads, window², window²]
        }
        return proj.call(Attention.OfHeads(qkv.call(x), heads, bias)).MoveToOuterDisposeScope();
    }

    /// <summary>−100 between tokens of a window that come from different sides of the rolled border, else 0.</summary>
    internal static Tensor Apart(int side, int window, int shift)
    {
        var (count, area) = (side / window, window * window);
        int Region(int at) => at < side - window ? 0 : at < side - shift ? 1 : 2;
        var mask = new float[count * count * area * area];
        for (var w = 0; w < count * count; w++)
            for (var q = 0; q < area; q++)
                for (var k = 0; k < area; k++)
                {
                    int Of(int token) => 3 * Region(w / count * window + token / window) + Region(w % count * window + token % window);
                    mask[(w * area + q) * area + k] = Of(q) == Of(k) ? 0 : -100;
                }
        return tensor(mask, [count * count, 1, area, area]);
    }
}
