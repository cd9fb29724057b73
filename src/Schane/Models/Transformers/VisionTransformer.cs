using Schane.Models.Layers;
using Schane.Tensors;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Schane.Models.Transformers;

/// <summary>The numbers and switches of a plain vision transformer.</summary>
/// <param name="Patch">Side of a patch in pixels.</param>
/// <param name="Width">D.</param>
/// <param name="Depth">Blocks.</param>
/// <param name="Heads">Heads of each attention.</param>
internal sealed record VisionTransformerShape(int Patch, int Width, int Depth, int Heads)
{
    /// <summary>Width of an MLP's middle ÷ <see cref="Width"/>.</summary>
    public double MlpRatio { get; init; } = 4;

    /// <summary>Width of an MLP's middle.</summary>
    public int Hidden => (int)(Width * MlpRatio);

    /// <summary>Whether queries, keys and values have a bias.</summary>
    public bool QkvBias { get; init; } = true;

    /// <summary>Whether there is a class token.</summary>
    public bool ClassToken { get; init; } = true;

    /// <summary>Whether the embedding is the mean of the patch tokens or the class token.</summary>
    public bool AveragePool { get; init; }

    /// <summary>Whether the last norm comes after pooling. Null: after the mean of the patch tokens, before the
    /// class token is chosen.</summary>
    public bool? NormsPooled { get; init; }

    /// <summary>eps of the norms.</summary>
    public double Eps { get; init; } = 1e-6;

    /// <summary>Activation of the MLPs.</summary>
    public Activation Activation { get; init; }

    /// <summary>CLIP: a norm before the first block, and no bias at the patches.</summary>
    public bool PreNorm { get; init; }

    /// <summary>Initial layer scale; null for none.</summary>
    public double? LayerScale { get; init; }

    /// <summary>DeiT: a second token that learns from a teacher, with its own head.</summary>
    public bool Distilled { get; init; }

    /// <summary>Register tokens (Darcet et al. 2023, arXiv:2309.16588).</summary>
    public int Registers { get; init; }

    /// <summary>Whether the tokens before the patches have positions too. Null: only where there are no registers.</summary>
    public bool? PrefixPositions { get; init; }

    /// <summary>Tokens before the patches.</summary>
    public int Prefix => (ClassToken ? 1 : 0) + (Distilled ? 1 : 0) + Registers;

    /// <summary>Tokens before the patches that have positions.</summary>
    public int Positioned => PrefixPositions ?? Registers == 0 ? Prefix : 0;
}

/// <summary>
/// Vision transformers (Dosovitskiy et al. 2020, arXiv:2010.11929) with timm's parameter names; by switches also DeiT (arXiv:2012.12877),
/// the image tower of CLIP (arXiv:2103.00020), MAE (arXiv:2111.06377) and DINOv2 (arXiv:2304.07193). CLIP's own names are understood too.
/// </summary>
internal sealed class VisionTransformer : Backbone, ITwoHeaded
{
    // TorchSharp registers fields by name: a field that is a part has the part's name.
    [ComponentName(Name = "cls_token")] private readonly Parameter? classToken;
    [ComponentName(Name = "pos_embed")] private readonly Parameter positions;
    [ComponentName(Name = "dist_token")] private readonly Parameter? distillationToken;
    [ComponentName(Name = "reg_token")] private readonly Parameter? registers;
    [ComponentName(Name = "patch_embed")] private readonly PatchEmbed patches;
    [ComponentName(Name = "norm_pre")] private readonly LayerNormalization? preNorm;
    private readonly Chain blocks;
    [ComponentName(Name = "norm")] private readonly LayerNormalization? norm;
    [ComponentName(Name = "fc_norm")] private readonly LayerNormalization? pooledNorm;
    private readonly VisionTransformerShape shape;

    public VisionTransformer(BackboneInfo info, VisionTransformerShape shape, double dropPath) : base(info)
    {
        this.shape = shape;
        patches = new PatchEmbed(info, shape.Patch, shape.Width, bias: !shape.PreNorm);
        if (shape is { ClassToken: false, AveragePool: false } or { ClassToken: false, Distilled: true })
            throw new SchaneException($"{info.Name} has no class token, so its embedding must be the mean of the patch tokens (pool=avg).");
        classToken = shape.ClassToken ? new Parameter(empty(1, 1, shape.Width)) : null;
        positions = new Parameter(empty(1, patches.Side * patches.Side + shape.Positioned, shape.Width));
        distillationToken = shape.Distilled ? new Parameter(empty(1, 1, shape.Width)) : null;
        registers = shape.Registers > 0 ? new Parameter(empty(1, shape.Registers, shape.Width)) : null;
        preNorm = shape.PreNorm ? new LayerNormalization(shape.Width, shape.Eps) : null;
        blocks = new Chain(DropPaths.Rising(dropPath, shape.Depth)
            .Select(rate => new TransformerBlock(shape, Drops.Layer(rate), Drops.Layer(rate))));
        norm = shape.NormsPooled ?? shape.AveragePool ? null : new LayerNormalization(shape.Width, shape.Eps);
        pooledNorm = norm is null ? new LayerNormalization(shape.Width, shape.Eps) : null;
        RegisterComponents();
    }

    public bool HasTwoHeads => shape.Distilled;

    /// <summary>Its numbers and switches.</summary>
    internal VisionTransformerShape Shape => shape;

    /// <summary>Embeddings and tokens; then the blocks.</summary>
    public override int LayerCount => shape.Depth + 1;

    public override int LayerOf(string parameter) => LayerNumbers.OfTransformer(parameter, LayerCount);

    public override bool Decays(string parameter, Tensor value) =>
        base.Decays(parameter, value) && parameter is not ("cls_token" or "dist_token" or "reg_token" or "pos_embed");

    public override Tensor Features(Tensor images)
    {
        using var scope = NewDisposeScope();
        return Normed(Run(blocks.Parts[^1].call, BeforeLast(images))).MoveToOuterDisposeScope();
    }

    /// <remarks>Behind the last attention the class token asks the patches no more, and before the norm in front of it their lengths mean
    /// nothing.</remarks>
    internal override (Tensor Map, Func<Tensor, Tensor> Tail) Split(Tensor images)
    {
        if (shape.AveragePool)
            return base.Split(images);
        var (before, last) = (BeforeLast(images), (TransformerBlock)blocks.Parts[^1]);
        return (last.Normed(before), map => Normed(last.FromNormed(before, map)));
    }

    internal override Tensor Places(Tensor map) => patches.Places(map, shape.Prefix);

    /// <summary>What the last block is given.</summary>
    private Tensor BeforeLast(Tensor images)
    {
        RequireInput(images);
        using var scope = NewDisposeScope();
        var n = images.shape[0];
        var x = patches.call(images);                                     // [n, patches, D]
        if (shape.Positioned == 0)
            x = x.Plus(positions);
        var tokens = new List<Tensor>();
        if (classToken is not null)
            tokens.Add(classToken.expand(n, -1, -1));
        if (distillationToken is not null)
            tokens.Add(distillationToken.expand(n, -1, -1));
        if (registers is not null)
            tokens.Add(registers.expand(n, -1, -1));
        x = tokens.Count == 0 ? x : cat([.. tokens, x], 1);                                       // [n, prefix + patches, D]
        if (shape.Positioned > 0)
            x = x.Plus(positions);
        if (preNorm is not null)
            x = preNorm.call(x);
        foreach (var block in blocks.Parts.SkipLast(1))
            x = Run(block.call, x);
        return x.MoveToOuterDisposeScope();
    }

    private Tensor Normed(Tensor x) => norm is null ? x : norm.call(x);

    public override Tensor Pool(Tensor features)
    {
        using var scope = NewDisposeScope();
        var pooled = shape.AveragePool ? features.narrow(1, shape.Prefix, features.shape[1] - shape.Prefix).mean([1])
            : shape.Distilled ? features.narrow(1, 0, 2).mean([1])
            : features.select(1, 0);
        return (pooledNorm is null ? pooled : pooledNorm.call(pooled)).MoveToOuterDisposeScope();
    }

    public (Tensor Class, Tensor Distillation) HeadInputs(Tensor features) => (features.select(1, 0), features.select(1, 1));

    protected internal override Checkpoints.ICheckpoint Combined(Checkpoints.ICheckpoint checkpoint) =>
        shape.Registers > 0 && checkpoint.Names.Contains(MetaRegisters.Token) ? new MetaRegisters(checkpoint) : checkpoint;

    protected internal override Func<string, string?> Naming(IReadOnlyCollection<string> names)
    {
        if (names.Any(n => n.StartsWith("visual.", StringComparison.Ordinal)))
            return FromClip;
        // a checkpoint made for the class token, MAE's for instance
        var normsPooled = pooledNorm is not null && !names.Contains("fc_norm.weight");
        return name =>
            name.StartsWith("decoder_", StringComparison.Ordinal) || name == "mask_token" ? null       // MAE's decoder, DINOv2's mask
            : normsPooled && name is "norm.weight" or "norm.bias" ? $"fc_{name}"
            : name;
    }

    protected internal override Tensor? Fit(string name, Tensor value, long[] wanted) =>
        name == "pos_embed" ? Positions.Fit(value.dim() == 2 ? value.unsqueeze(0) : value, wanted, shape.Positioned)
        : name is "cls_token" && value.dim() == 1 && value.shape[0] == shape.Width ? value.view(1, 1, -1)
        : base.Fit(name, value, wanted);

    private protected override void InitialiseOwn(WeightInit init)
    {
        if (classToken is not null)
            init.Normal(classToken);
        init.Normal(positions);
        if (distillationToken is not null)
            init.Normal(distillationToken);
        if (registers is not null)
            init.Normal(registers);
    }

    /// <summary>OpenAI's and open_clip's names; the text tower and the projection into the common space have no place here.</summary>
    private static string? FromClip(string name)
    {
        if (!name.StartsWith("visual.", StringComparison.Ordinal) || name == "visual.proj")
            return null;
        return name["visual.".Length..]
            .Replace("conv1", "patch_embed.proj", StringComparison.Ordinal)
            .Replace("positional_embedding", "pos_embed", StringComparison.Ordinal)
            .Replace("class_embedding", "cls_token", StringComparison.Ordinal)
            .Replace("transformer.resblocks.", "blocks.", StringComparison.Ordinal)
            .Replace("ln_pre", "norm_pre", StringComparison.Ordinal)
            .Replace("ln_post", "norm", StringComparison.Ordinal)
            .Replace("ln_", "norm", StringComparison.Ordinal)
            .Replace("in_proj_", "qkv.", StringComparison.Ordinal)
            .Replace("out_proj", "proj", StringComparison.Ordinal)
            .Replace("mlp.c_fc", "mlp.fc1", StringComparison.Ordinal)
            .Replace("mlp.c_proj", "mlp.fc2", StringComparison.Ordinal);
    }
}
