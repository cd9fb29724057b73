using System.Text.RegularExpressions;
using Schane.Models.Layers;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Schane.Models.Transformers;

/// <summary>The numbers of a Swin transformer.</summary>
/// <param name="Patch">Side of a patch in pixels.</param>
/// <param name="Window">Side of an attention window in tokens.</param>
/// <param name="Width">Width of the first stage; each later one has twice that of the one before.</param>
/// <param name="Depths">Blocks in each stage.</param>
/// <param name="Heads">Heads in each stage.</param>
internal sealed record SwinShape(int Patch, int Window, int Width, int[] Depths, int[] Heads)
{
    /// <summary>Width of an MLP's middle ÷ the width of its stage.</summary>
    public double MlpRatio { get; init; } = 4;

    /// <summary>Whether queries, keys and values have a bias.</summary>
    public bool QkvBias { get; init; } = true;

    /// <summary>eps of the norms.</summary>
    public double Eps { get; init; } = 1e-5;
}

/// <summary>
/// Swin transformers (Liu et al. 2021, arXiv:2103.14030) with the parameter names of timm 1.0, where stage N begins with its patch merging;
/// the older names (merging at the end of the stage before, <c>head</c>) are understood.
/// </summary>
/// <remarks>A window larger than the map is cut down to it and not shifted; a map that windows do not divide is padded with zeros, which take part in attention, as in timm.</remarks>
internal sealed partial class SwinTransformer : Backbone
{
    // TorchSharp registers fields by name: a field that is a part has the part's name.
    [ComponentName(Name = "patch_embed")] private readonly PatchEmbed patches;
    private readonly Chain layers;
    private readonly LayerNormalization norm;
    private readonly SwinShape shape;

    public SwinTransformer(BackboneInfo info, SwinShape shape, double dropPath) : base(info)
    {
        this.shape = shape;
        patches = new PatchEmbed(info, shape.Patch, shape.Width, normEps: shape.Eps);
        layers = new Chain();
        var rates = new Queue<double>(DropPaths.Rising(dropPath, shape.Depths.Sum()));
        var (side, width) = (patches.Side, (long)shape.Width);
        for (var s = 0; s < shape.Depths.Length; s++)
        {
            var stage = new Chain();
            if (s > 0)
            {
                stage.Add(new PatchMerging(width, shape.Eps), "downsample");
                (side, width) = ((side + 1) / 2, 2 * width);
            }
            var blocks = new Chain();
            for (var b = 0; b < shape.Depths[s]; b++)
            {
                var rate = rates.Dequeue();
                blocks.Add(new SwinBlock(shape, width, shape.Heads[s], side, shifted: b % 2 == 1, Drops.Layer(rate), Drops.Layer(rate)), $"{b}");
            }
            layers.Add(stage.Add(blocks, "blocks"), $"{s}");
        }
        norm = new LayerNormalization(width, shape.Eps);
        RegisterComponents();
    }

    /// <summary>Its numbers.</summary>
    internal SwinShape Shape => shape;

    /// <summary>Patch embedding; then the blocks of all stages.</summary>
    public override int LayerCount => shape.Depths.Sum() + 1;

    /// <summary>Blocks count through the stages; patch merging goes with the first block of its stage.</summary>
    public override int LayerOf(string parameter)
    {
        if (parameter.StartsWith("norm.", StringComparison.Ordinal))
            return LayerCount - 1;
        if (LayerNumbers.Number(parameter, "layers.") is not { } stage)
            return 0;
        var before = shape.Depths.Take(stage).Sum() + 1;
        return before + (LayerNumbers.Number(parameter, $"layers.{stage}.blocks.") ?? 0);
    }

    public override bool Decays(string parameter, Tensor value) =>
        base.Decays(parameter, value) && !parameter.EndsWith("relative_position_bias_table", StringComparison.Ordinal);

    /// <returns>[n, h, w, D], channels last as timm's.</returns>
    public override Tensor Features(Tensor images)
    {
        RequireInput(images);
        using var scope = NewDisposeScope();
        var x = patches.call(images).view(images.shape[0], patches.Side, patches.Side, shape.Width);
        foreach (var stage in layers.Parts.Cast<Chain>())
            foreach (var part in stage.Parts)
            {
                if (part is not Chain blocks)
                    x = part.call(x);                                     // patch merging
                else
                    foreach (var block in blocks.Parts)
                        x = Run(block.call, x);
            }
        return norm.call(x).MoveToOuterDisposeScope();
    }

    public override Tensor Pool(Tensor features) => features.mean([1, 2]);

    protected internal override Func<string, string?> Naming(IReadOnlyCollection<string> names)
    {
        var old = !names.Contains("head.fc.weight") && (names.Contains("head.weight") || names.Contains("layers.0.downsample.reduction.weight"));
        return name =>
            name.EndsWith("relative_position_index", StringComparison.Ordinal) || name.EndsWith("attn_mask", StringComparison.Ordinal) ? null
            : !old ? name
            : name.StartsWith("head.", StringComparison.Ordinal) ? $"head.fc.{name[5..]}"
            : Downsample().Replace(name, m => $"layers.{int.Parse(m.Groups[1].Value) + 1}.downsample");
    }

    protected internal override Tensor? Fit(string name, Tensor value, long[] wanted) =>
        name.EndsWith("relative_position_bias_table", StringComparison.Ordinal) ? Positions.FitRelative(value, wanted, extra: 0) : base.Fit(name, value, wanted);

    [GeneratedRegex(@"^layers\.(\d{1,4})\.downsample")]
    private static partial Regex Downsample();
}

/// <summary>Four neighbours side by side, normed and projected to twice the width: [n, h, w, C] → [n, ⌈h/2⌉, ⌈w/2⌉, 2 C].</summary>
internal sealed class PatchMerging : nn.Module<Tensor, Tensor>
{
    private readonly LayerNormalization norm;
    private readonly Dense reduction;

    public PatchMerging(long width, double eps) : base("PatchMerging")
    {
        norm = new LayerNormalization(4 * width, eps);
        reduction = new Dense(4 * width, 2 * width, hasBias: false);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var (h, w) = (x.shape[1], x.shape[2]);
        if (h % 2 + w % 2 > 0)
            x = nn.functional.pad(x, [0, 0, 0, w % 2, 0, h % 2]);
        // Order of the neighbours: (y, x) = (0,0), (1,0), (0,1), (1,1).
        x = x.reshape(x.shape[0], (h + 1) / 2, 2, (w + 1) / 2, 2, x.shape[3]).permute(0, 1, 3, 4, 2, 5).flatten(3);
        return reduction.call(norm.call(x)).MoveToOuterDisposeScope();
    }
}

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
        x = x + first.Apply(OfWindows(norm1.call(x)), training);          // [n, side, side, C]
        return (x + second.Apply(mlp.call(norm2.call(x)), training)).MoveToOuterDisposeScope();
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

/// <summary>Attention inside windows with a relative position table; in shifted blocks tokens that were not neighbours are kept apart by −100.</summary>
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
