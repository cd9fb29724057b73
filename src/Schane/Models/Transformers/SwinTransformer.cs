using System.Text.RegularExpressions;
using Schane.Models.Layers;
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
/// <remarks>A window larger than the map is cut down to it and not shifted; a map that windows do not divide is padded with zeros, which
/// take part in attention, as in timm.</remarks>
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
                blocks.Add(new SwinBlock(shape, width, shape.Heads[s], side, shifted: b % 2 == 1,
                    Drops.Layer(rate), Drops.Layer(rate)), $"{b}");
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

    internal override Tensor Places(Tensor map) => map;

    public override Tensor Pool(Tensor features) => features.mean([1, 2]);

    protected internal override Func<string, string?> Naming(IReadOnlyCollection<string> names)
    {
        var old = !names.Contains("head.fc.weight")
            && (names.Contains("head.weight") || names.Contains("layers.0.downsample.reduction.weight"));
        return name =>
            name.EndsWith("relative_position_index", StringComparison.Ordinal)
                || name.EndsWith("attn_mask", StringComparison.Ordinal) ? null
            : !old ? name
            : name.StartsWith("head.", StringComparison.Ordinal) ? $"head.fc.{name[5..]}"
            : Downsample().Replace(name, m => $"layers.{int.Parse(m.Groups[1].Value) + 1}.downsample");
    }

    protected internal override Tensor? Fit(string name, Tensor value, long[] wanted) =>
        name.EndsWith("relative_position_bias_table", StringComparison.Ordinal)
            ? Positions.FitRelative(value, wanted, extra: 0) : base.Fit(name, value, wanted);

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
