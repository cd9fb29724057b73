using Schane.Models.Layers;
using Schane.Tensors;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Schane.Models.Transformers;

/// <summary>The numbers and switches of a BEiT trunk.</summary>
/// <param name="Patch">Side of a patch in pixels.</param>
/// <param name="Width">D.</param>
/// <param name="Depth">Blocks.</param>
/// <param name="Heads">Heads of each attention.</param>
/// <param name="LayerScale">Initial layer scale; null for none.</param>
internal sealed record BeitShape(int Patch, int Width, int Depth, int Heads, double? LayerScale)
{
    /// <summary>Width of an MLP's middle ÷ <see cref="Width"/>.</summary>
    public double MlpRatio { get; init; } = 4;

    /// <summary>Width of an MLP's middle.</summary>
    public int Hidden => (int)(Width * MlpRatio);

    /// <summary>Whether queries and values have a bias; keys have none.</summary>
    public bool QkvBias { get; init; } = true;

    /// <summary>eps of the norms.</summary>
    public double Eps { get; init; } = 1e-6;

    /// <summary>Absolute positions as well.</summary>
    public bool AbsolutePositions { get; init; }

    /// <summary>A relative position table in each block.</summary>
    public bool RelativePositions { get; init; } = true;

    /// <summary>One relative position table for all blocks, as in BEiT's pre-training.</summary>
    public bool SharedRelativePositions { get; init; }

    /// <summary>Mean of the patch tokens, or class token.</summary>
    public bool AveragePool { get; init; } = true;
}

/// <summary>
/// BEiT (Bao et al. 2021, arXiv:2106.08254) and BEiT v2 (Peng et al. 2022, arXiv:2208.06366) with timm's parameter names: a vision
/// transformer with relative position biases, layer scale, and no bias at the keys.
/// </summary>
internal sealed class Beit : Backbone
{
    // TorchSharp registers fields by name: a field that is a part has the part's name.
    [ComponentName(Name = "cls_token")] private readonly Parameter classToken;
    [ComponentName(Name = "pos_embed")] private readonly Parameter? positions;
    [ComponentName(Name = "patch_embed")] private readonly PatchEmbed patches;
    [ComponentName(Name = "rel_pos_bias")] private readonly RelativeBias? sharedBias;
    private readonly Chain blocks;
    [ComponentName(Name = "norm")] private readonly LayerNormalization? norm;
    [ComponentName(Name = "fc_norm")] private readonly LayerNormalization? pooledNorm;
    private readonly BeitShape shape;

    public Beit(BackboneInfo info, BeitShape shape, double dropPath) : base(info)
    {
        this.shape = shape;
        patches = new PatchEmbed(info, shape.Patch, shape.Width);
        classToken = new Parameter(empty(1, 1, shape.Width));
        positions = shape.AbsolutePositions ? new Parameter(empty(1, patches.Side * patches.Side + 1, shape.Width)) : null;
        sharedBias = shape.SharedRelativePositions ? new RelativeBias(patches.Side, shape.Heads) : null;
        blocks = new Chain(DropPaths.Rising(dropPath, shape.Depth)
            .Select((rate, i) => new BeitBlock(shape, patches.Side, i, sharedBias, Drops.Layer(rate), Drops.Layer(rate))));
        norm = shape.AveragePool ? null : new LayerNormalization(shape.Width, shape.Eps);
        pooledNorm = shape.AveragePool ? new LayerNormalization(shape.Width, shape.Eps) : null;
        RegisterComponents();
    }

    /// <summary>Its numbers and switches.</summary>
    internal BeitShape Shape => shape;

    /// <summary>Embeddings, tokens and the shared table; then the blocks.</summary>
    public override int LayerCount => shape.Depth + 1;

    public override int LayerOf(string parameter) => LayerNumbers.OfTransformer(parameter, LayerCount);

    public override bool Decays(string parameter, Tensor value) =>
        base.Decays(parameter, value) && parameter is not ("cls_token" or "pos_embed")
            && !parameter.EndsWith("relative_position_bias_table", StringComparison.Ordinal);

    public override Tensor Features(Tensor images)
    {
        using var scope = NewDisposeScope();
        return Normed(Run(blocks.Parts[^1].call, BeforeLast(images))).MoveToOuterDisposeScope();
    }

    /// <remarks>As in <see cref="VisionTransformer"/>.</remarks>
    internal override (Tensor Map, Func<Tensor, Tensor> Tail) Split(Tensor images)
    {
        if (shape.AveragePool)
            return base.Split(images);
        var (before, last) = (BeforeLast(images), (BeitBlock)blocks.Parts[^1]);
        return (last.Normed(before), map => Normed(last.FromNormed(before, map)));
    }

    internal override Tensor Places(Tensor map) => patches.Places(map, prefix: 1);

    /// <summary>What the last block is given.</summary>
    private Tensor BeforeLast(Tensor images)
    {
        RequireInput(images);
        using var scope = NewDisposeScope();
        var x = cat([classToken.expand(images.shape[0], -1, -1), patches.call(images)], 1);   // [n, 1 + patches, D]
        if (positions is not null)
            x = x.Plus(positions);
        foreach (var block in blocks.Parts.SkipLast(1))
            x = Run(block.call, x);
        return x.MoveToOuterDisposeScope();
    }

    private Tensor Normed(Tensor x) => norm is null ? x : norm.call(x);

    public override Tensor Pool(Tensor features)
    {
        using var scope = NewDisposeScope();
        var pooled = shape.AveragePool ? features.narrow(1, 1, features.shape[1] - 1).mean([1]) : features.select(1, 0);
        return (pooledNorm is null ? pooled : pooledNorm.call(pooled)).MoveToOuterDisposeScope();
    }

    protected internal override Func<string, string?> Naming(IReadOnlyCollection<string> names) =>
        name => name == "mask_token" || name.EndsWith("relative_position_index", StringComparison.Ordinal) ? null : name;

    protected internal override Tensor? Fit(string name, Tensor value, long[] wanted) =>
        name == "pos_embed" ? Positions.Fit(value, wanted, prefix: 1)
        : name.EndsWith("relative_position_bias_table", StringComparison.Ordinal) ? Positions.FitRelative(value, wanted, extra: 3)
        : base.Fit(name, value, wanted);

    private protected override void InitialiseOwn(WeightInit init)
    {
        init.Normal(classToken);
        if (positions is not null)
            init.Normal(positions);
    }
}

/// <summary>A relative position table of a square of patches with class token, read for every pair of tokens.</summary>
internal sealed class RelativeBias : nn.Module
{
    [ComponentName(Name = "relative_position_bias_table")] private readonly Parameter table;
    private readonly Lazy<Tensor> index;

    public RelativeBias(int side, int heads) : base("RelativeBias")
    {
        table = new Parameter(zeros((2 * side - 1) * (2 * side - 1) + 3, heads));
        index = new(() => RelativeIndex.Of(side, classToken: true).DetachFromDisposeScope());
        RegisterComponents();
    }

    /// <returns>[1, heads, tokens, tokens].</returns>
    public Tensor Bias() => RelativeIndex.Bias(table, index.Value);
}

/// <summary>One block of BEiT.</summary>
internal sealed class BeitBlock : nn.Module<Tensor, Tensor>
{
    // TorchSharp registers fields by name: a field that is a part has the part's name.
    [ComponentName(Name = "gamma_1")] private readonly Parameter? firstScale;
    [ComponentName(Name = "gamma_2")] private readonly Parameter? secondScale;
    private readonly LayerNormalization norm1, norm2;
    private readonly BeitAttention attn;
    private readonly Mlp mlp;
    private readonly DropPath first, second;

    public BeitBlock(BeitShape shape, int side, int depth, RelativeBias? sharedBias, DropPath first, DropPath second) : base("BeitBlock")
    {
        firstScale = shape.LayerScale is { } one ? new Parameter(full(shape.Width, one)) : null;
        secondScale = shape.LayerScale is { } two ? new Parameter(full(shape.Width, two)) : null;
        norm1 = new LayerNormalization(shape.Width, shape.Eps);
        attn = new BeitAttention(shape, side, sharedBias);
        norm2 = new LayerNormalization(shape.Width, shape.Eps);
        mlp = new Mlp(shape.Width, shape.Hidden);
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
        x = x.Plus(first.Apply(firstScale is null ? mixed : firstScale * mixed, training));
        var fed = mlp.call(norm2.call(x));
        return x.Plus(second.Apply(secondScale is null ? fed : secondScale * fed, training)).MoveToOuterDisposeScope();
    }
}

/// <summary>Attention with biases at queries and values only, and relative position biases.</summary>
internal sealed class BeitAttention : nn.Module<Tensor, Tensor>
{
    // TorchSharp registers fields by name: a field that is a part has the part's name.
    [ComponentName(Name = "q_bias")] private readonly Parameter? queryBias;
    [ComponentName(Name = "v_bias")] private readonly Parameter? valueBias;
    [ComponentName(Name = "relative_position_bias_table")] private readonly Parameter? table;
    private readonly Dense qkv, proj;
    private readonly Lazy<Tensor> index;
    private readonly Func<Tensor>? shared;
    private readonly int heads;

    public BeitAttention(BeitShape shape, int side, RelativeBias? sharedBias) : base("BeitAttention")
    {
        queryBias = shape.QkvBias ? new Parameter(zeros(shape.Width)) : null;
        valueBias = shape.QkvBias ? new Parameter(zeros(shape.Width)) : null;
        table = shape.RelativePositions ? new Parameter(zeros((2 * side - 1) * (2 * side - 1) + 3, shape.Heads)) : null;
        qkv = new Dense(shape.Width, 3 * shape.Width, hasBias: false);
        proj = new Dense(shape.Width, shape.Width);
        index = new(() => RelativeIndex.Of(side, classToken: true).DetachFromDisposeScope());
        // a function, so that the shared part is not registered here
        (heads, shared) = (shape.Heads, sharedBias is null ? null : sharedBias.Bias);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var mixed = qkv.call(x);
        if (queryBias is not null && valueBias is not null)
            mixed = mixed + cat([queryBias, zeros_like(queryBias), valueBias]).to_type(mixed.dtype);
        var bias = table is null ? null : RelativeIndex.Bias(table, index.Value);
        if (shared is not null)
            bias = bias is null ? shared() : bias + shared();
        return proj.call(Attention.OfHeads(mixed, heads, bias)).MoveToOuterDisposeScope();
    }
}
