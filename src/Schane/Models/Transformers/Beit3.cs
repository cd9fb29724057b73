using Schane.Models.Layers;
using Schane.Tensors;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Schane.Models.Transformers;

/// <summary>The numbers of a BEiT-3 vision trunk.</summary>
/// <param name="Patch">Side of a patch in pixels.</param>
/// <param name="Width">D.</param>
/// <param name="Depth">Blocks.</param>
/// <param name="Heads">Heads of each attention.</param>
/// <param name="NormsOutput">torchscale's <c>normalize_output</c>: a norm after the last block, before pooling. Off
/// for image classification.</param>
internal sealed record Beit3Shape(int Patch, int Width, int Depth, int Heads, bool NormsOutput = false)
{
    /// <summary>Width of an MLP's middle (torchscale's <c>encoder_ffn_embed_dim</c>); 0 stands for 4 × <see cref="Width"/>.</summary>
    public int Hidden { get => field > 0 ? field : 4 * Width; init; }

    /// <summary>eps of the norms.</summary>
    public double Eps { get; init; } = 1e-5;
}

/// <summary>
/// The vision path of BEiT-3 (Wang et al. 2022, arXiv:2208.10442): sub-layer norms, positions from row 2 on, the mean of the patch tokens.
/// Files have timm's names (<see cref="TimmBeit3"/>); torchscale's and unilm's, of the multiway model, are understood: branches <c>A</c>
/// are taken, the text branches <c>B</c>, <c>text_embed</c> and <c>mask_token</c> are left out.
/// </summary>
internal sealed class Beit3 : Backbone
{
    internal const int FirstPosition = 2;                                  // rows 0 and 1 are torchscale's padding

    // TorchSharp registers fields by name: a field that is a part has the part's name.
    [ComponentName(Name = "cls_token")] private readonly Parameter classToken;
    [ComponentName(Name = "patch_embed")] private readonly PatchEmbed patches;
    [ComponentName(Name = "pos_embed")] private readonly PositionTable positions;
    private readonly Chain blocks;
    [ComponentName(Name = "layer_norm")] private readonly LayerNormalization? norm;
    [ComponentName(Name = "fc_norm")] private readonly LayerNormalization pooledNorm;
    private readonly Beit3Shape shape;

    public Beit3(BackboneInfo info, Beit3Shape shape, double dropPath) : base(info)
    {
        this.shape = shape;
        patches = new PatchEmbed(info, shape.Patch, shape.Width);
        classToken = new Parameter(empty(1, 1, shape.Width));
        positions = new PositionTable(patches.Side * patches.Side + 1 + FirstPosition, shape.Width);
        blocks = new Chain(DropPaths.Rising(dropPath, shape.Depth)
            .Select(rate => new Beit3Block(shape, Drops.Layer(rate), Drops.Layer(rate))));
        norm = shape.NormsOutput ? new LayerNormalization(shape.Width, shape.Eps) : null;
        pooledNorm = new LayerNormalization(shape.Width, shape.Eps);
        RegisterComponents();
    }

    /// <summary>Its numbers and switches.</summary>
    internal Beit3Shape Shape => shape;

    /// <summary>Embeddings; then the blocks.</summary>
    public override int LayerCount => shape.Depth + 1;

    /// <summary>unilm's rule, for timm's and torchscale's names: anything with "embed" in its name and the class token are 0, blocks i + 1,
    /// the rest goes with the head.</summary>
    public override int LayerOf(string parameter) =>
        parameter.Contains("embed", StringComparison.Ordinal) || parameter.EndsWith("cls_token", StringComparison.Ordinal)
            || parameter.EndsWith("mask_token", StringComparison.Ordinal) ? 0
        : (LayerNumbers.Number(parameter, "blocks.") ?? LayerNumbers.Number(parameter, "beit3.encoder.layers.")) is { } block ? block + 1
        : LayerCount;

    public override bool Decays(string parameter, Tensor value) =>
        base.Decays(parameter, value) && parameter is not ("cls_token" or "pos_embed.weight" or "beit3.vision_embed.cls_token"
            or "beit3.encoder.embed_positions.A.weight");

    public override Tensor Features(Tensor images)
    {
        RequireInput(images);
        using var scope = NewDisposeScope();
        var x = cat([classToken.expand(images.shape[0], -1, -1), patches.call(images)], 1);   // [n, 1 + patches, D]
        x = x.Plus(positions.Rows(FirstPosition, x.shape[1]));
        foreach (var block in blocks.Parts)
            x = Run(block.call, x);
        return (norm is null ? x : norm.call(x)).MoveToOuterDisposeScope();
    }

    internal override Tensor Places(Tensor map) => patches.Places(map, prefix: 1);

    public override Tensor Pool(Tensor features)
    {
        using var scope = NewDisposeScope();
        return pooledNorm.call(features.narrow(1, 1, features.shape[1] - 1).mean([1])).MoveToOuterDisposeScope();
    }

    protected internal override Checkpoints.ICheckpoint Combined(Checkpoints.ICheckpoint checkpoint) =>
        TimmBeit3.Is(checkpoint) ? new TimmBeit3(checkpoint) : checkpoint;

    internal override IReadOnlyDictionary<string, Tensor> Published(IReadOnlyDictionary<string, Tensor> state) =>
        TimmBeit3.Published(state);

    protected internal override Func<string, string?> Naming(IReadOnlyCollection<string> names) =>
        names.Any(n => n.StartsWith("beit3.", StringComparison.Ordinal)) ? FromTorchscale : name => name;

    /// <summary>unilm's resizing: bicubic without antialiasing, the two rows of padding and the class token kept.</summary>
    protected internal override Tensor? Fit(string name, Tensor value, long[] wanted)
    {
        if (name != "pos_embed.weight")
            return base.Fit(name, value, wanted);
        using var scope = NewDisposeScope();
        using var batched = value.unsqueeze(0);
        return Positions.Fit(batched, [1, .. wanted], FirstPosition + 1, antialias: false)?.squeeze(0).MoveToOuterDisposeScope();
    }

    private protected override void InitialiseOwn(WeightInit init)
    {
        init.Normal(classToken);
        // Sub-LN's scale of the branches (Wang et al. 2022, arXiv:2210.06423): √ log 2L for an encoder.
        using var _ = no_grad();
        var gain = Math.Sqrt(Math.Log(2 * shape.Depth));
        foreach (var (name, parameter) in named_parameters())
            if (name.Contains("fc1", StringComparison.Ordinal) || name.Contains("fc2", StringComparison.Ordinal)
                || name.Contains("out_proj", StringComparison.Ordinal) || name.Contains("v_proj", StringComparison.Ordinal))
                parameter.mul_(gain);
    }

    private static string? FromTorchscale(string name)
    {
        if (!name.StartsWith("beit3.", StringComparison.Ordinal))
            return name;                                                  // fc_norm, head
        if (name.Contains(".B.", StringComparison.Ordinal) || name is "beit3.text_embed.weight" or "beit3.vision_embed.mask_token")
            return null;
        return name["beit3.".Length..]
            .Replace("vision_embed.cls_token", "cls_token", StringComparison.Ordinal)
            .Replace("vision_embed.", "patch_embed.", StringComparison.Ordinal)
            .Replace("encoder.", "", StringComparison.Ordinal)
            .Replace("embed_positions.", "pos_embed.", StringComparison.Ordinal)
            .Replace("layers.", "blocks.", StringComparison.Ordinal)
            .Replace("self_attn_layer_norm.", "norm1.", StringComparison.Ordinal)
            .Replace("final_layer_norm.", "norm2.", StringComparison.Ordinal)
            .Replace("self_attn.", "attn.", StringComparison.Ordinal)
            .Replace("ffn.", "mlp.", StringComparison.Ordinal)
            .Replace("ffn_layernorm.", "norm.", StringComparison.Ordinal)
            .Replace("A.", "", StringComparison.Ordinal);
    }
}

/// <summary>A table of positions, of which the rows from one on are used.</summary>
internal sealed class PositionTable : Layer
{
    private readonly Parameter weight;

    public PositionTable(long rows, long width) : base("PositionTable")
    {
        weight = Weight(rows, width);
        RegisterComponents();
    }

    public override void Initialise(WeightInit init) => init.Normal(weight);

    public Tensor Rows(long first, long count) => weight.narrow(0, first, count);

    public override Tensor forward(Tensor input) => weight.index_select(0, input);
}

/// <summary>One block of BEiT-3: pre-norm, with a norm inside attention and MLP too.</summary>
internal sealed class Beit3Block : nn.Module<Tensor, Tensor>
{
    // TorchSharp registers module fields by name: a field that is a part has the part's name.
    private readonly LayerNormalization norm1, norm2;
    private readonly Beit3Attention attn;
    private readonly Mlp mlp;
    private readonly DropPath first, second;

    public Beit3Block(Beit3Shape shape, DropPath first, DropPath second) : base("Beit3Block")
    {
        norm1 = new LayerNormalization(shape.Width, shape.Eps);
        attn = new Beit3Attention(shape);
        norm2 = new LayerNormalization(shape.Width, shape.Eps);
        mlp = new Mlp(shape.Width, shape.Hidden, normEps: shape.Eps);
        (this.first, this.second) = (first, second);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = x.Plus(first.Apply(attn.call(norm1.call(x)), training));
        return x.Plus(second.Apply(mlp.call(norm2.call(x)), training)).MoveToOuterDisposeScope();
    }
}

/// <summary>Attention with separate projections and a norm before the last.</summary>
internal sealed class Beit3Attention : nn.Module<Tensor, Tensor>
{
    // TorchSharp registers fields by name: a field that is a part has the part's name.
    [ComponentName(Name = "k_proj")] private readonly Dense key;
    [ComponentName(Name = "v_proj")] private readonly Dense value;
    [ComponentName(Name = "q_proj")] private readonly Dense query;
    [ComponentName(Name = "out_proj")] private readonly Dense output;
    [ComponentName(Name = "inner_attn_ln")] private readonly LayerNormalization norm;
    private readonly int heads;

    public Beit3Attention(Beit3Shape shape) : base("Beit3Attention")
    {
        (key, value, query, output) = (new(shape.Width, shape.Width), new(shape.Width, shape.Width), new(shape.Width, shape.Width),
            new(shape.Width, shape.Width));
        norm = new LayerNormalization(shape.Width, shape.Eps);
        heads = shape.Heads;
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var qkv = cat([query.call(x), key.call(x), value.call(x)], -1);   // [n, tokens, 3 D]
        return output.call(norm.call(Attention.OfHeads(qkv, heads))).MoveToOuterDisposeScope();
    }
}
