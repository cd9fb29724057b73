using System.Text.RegularExpressions;
using Schane.Models.Layers;
using Schane.Tensors;
using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Schane.Models.Convolutional;

/// <summary>The numbers of a ConvNeXt.</summary>
/// <param name="Depths">Blocks in each stage.</param>
/// <param name="Widths">Width of each stage.</param>
/// <param name="ConvolutionalMlp">Whether MLP weights have the shape of 1×1 convolutions, as in the published small
/// variants (atto to nano).</param>
internal sealed record ConvNeXtShape(int[] Depths, int[] Widths, bool ConvolutionalMlp = false)
{
    /// <summary>Side of a patch of the stem, in pixels.</summary>
    public int Patch { get; init; } = 4;

    /// <summary>Side of the depthwise kernels, an odd number for each stage.</summary>
    public int[] Kernels { get => field ?? [.. Depths.Select(_ => 7)]; init; }

    /// <summary>Initial layer scale; null for none.</summary>
    public double? LayerScale { get; init; } = 1e-6;

    /// <summary>eps of the norms.</summary>
    public double Eps { get; init; } = 1e-6;
}

/// <summary>
/// ConvNeXt (Liu et al. 2022, arXiv:2201.03545) with timm's parameter names; the original ones are understood. Inside it runs
/// channels-last, so norms and MLPs are plain layers over the last dimension.
/// </summary>
internal sealed partial class ConvNeXt : Backbone
{
    // TorchSharp registers fields by name: a field that is a part has the part's name.
    private readonly Chain stem, stages;
    private readonly ConvNeXtHead head;
    private readonly ConvNeXtShape shape;

    public ConvNeXt(BackboneInfo info, ConvNeXtShape shape, double dropPath) : base(info)
    {
        this.shape = shape;
        stem = new Chain(new Convolution(info.Channels, shape.Widths[0], shape.Patch, stride: shape.Patch, hasBias: true, std: 0.02),
            new LayerNormalization(shape.Widths[0], shape.Eps));
        stages = new Chain();
        var rates = new Queue<double>(DropPaths.Rising(dropPath, shape.Depths.Sum()));
        for (var s = 0; s < shape.Depths.Length; s++)
        {
            var stage = new Chain();
            if (s > 0)
                stage.Add(new Chain(new LayerNormalization(shape.Widths[s - 1], shape.Eps),
                    new Convolution(shape.Widths[s - 1], shape.Widths[s], 2, stride: 2, hasBias: true, std: 0.02)), "downsample");
            var blocks = new Chain();
            for (var b = 0; b < shape.Depths[s]; b++)
                blocks.Add(new ConvNeXtBlock(shape, s, Drops.Layer(rates.Dequeue())), $"{b}");
            stages.Add(stage.Add(blocks, "blocks"), $"{s}");
        }
        head = new ConvNeXtHead(shape.Widths[^1], shape.Eps);
        RegisterComponents();
    }

    /// <summary>Its numbers and switches.</summary>
    internal ConvNeXtShape Shape => shape;

    /// <summary>Stem; then the blocks of all stages.</summary>
    public override int LayerCount => shape.Depths.Sum() + 1;

    /// <summary>Blocks count through the stages; a downsampling goes with the first block of its stage; the norm after
    /// pooling goes with the head.</summary>
    public override int LayerOf(string parameter)
    {
        if (parameter.StartsWith("head.", StringComparison.Ordinal))
            return LayerCount;
        if (LayerNumbers.Number(parameter, "stages.") is not { } stage)
            return 0;
        return shape.Depths.Take(stage).Sum() + 1 + (LayerNumbers.Number(parameter, $"stages.{stage}.blocks.") ?? 0);
    }

    /// <returns>[n, D, h, w].</returns>
    public override Tensor Features(Tensor images)
    {
        using var scope = NewDisposeScope();
        var x = ChannelsLast.Of(images);
        x = stem.Parts[1].call(stem.Parts[0].call(x).permute(0, 2, 3, 1));                     // [n, h, w, C] from here on
        foreach (var stage in stages.Parts.Cast<Chain>())
        {
            if (stage.Parts.Count > 1)
            {
                var down = (Chain)stage.Parts[0];
                x = down.Parts[1].call(down.Parts[0].call(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1);
            }
            foreach (var block in ((Chain)stage.Parts[^1]).Parts)
                x = Run(block.call, x);
        }
        return x.permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    public override Tensor Pool(Tensor features)
    {
        using var scope = NewDisposeScope();
        return head.call(features.mean([2, 3])).MoveToOuterDisposeScope();
    }

    protected internal override Func<string, string?> Naming(IReadOnlyCollection<string> names) =>
        names.Any(n => n.StartsWith("downsample_layers.", StringComparison.Ordinal)) ? FromOriginal : name => name;

    /// <summary>Weights of 1×1 convolutions and of linear layers stand for each other.</summary>
    protected internal override Tensor? Fit(string name, Tensor value, long[] wanted)
    {
        long[] given = value.shape;
        return name.Contains(".mlp.fc", StringComparison.Ordinal) && given.Length + wanted.Length == 6
            && given.Concat([1, 1]).Take(4).SequenceEqual(wanted.Concat([1, 1]).Take(4))
                ? value.view(wanted)
                : base.Fit(name, value, wanted);
    }

    /// <summary>facebookresearch/ConvNeXt's names.</summary>
    private static string? FromOriginal(string name)
    {
        name = Downsample().Replace(name,
            m => m.Groups[1].Value == "0" ? $"stem.{m.Groups[2].Value}" : $"stages.{m.Groups[1].Value}.downsample.{m.Groups[2].Value}");
        name = Block().Replace(name, m => $"stages.{m.Groups[1].Value}.blocks.{m.Groups[2].Value}");
        name = name.Replace("dwconv", "conv_dw", StringComparison.Ordinal).Replace("pwconv", "mlp.fc", StringComparison.Ordinal);
        return name.StartsWith("head.", StringComparison.Ordinal) ? $"head.fc.{name[5..]}"
            : name.StartsWith("norm.", StringComparison.Ordinal) ? $"head.norm.{name[5..]}"
            : name;
    }

    [GeneratedRegex(@"^downsample_layers\.(\d)\.(\d)")]
    private static partial Regex Downsample();

    [GeneratedRegex(@"^stages\.(\d)\.(\d{1,3})")]
    private static partial Regex Block();
}

/// <summary>The norm between pooling and classifier, under the name it has in checkpoints.</summary>
internal sealed class ConvNeXtHead : nn.Module<Tensor, Tensor>
{
    private readonly LayerNormalization norm;

    public ConvNeXtHead(long width, double eps) : base("ConvNeXtHead")
    {
        norm = new LayerNormalization(width, eps);
        RegisterComponents();
    }

    public override Tensor forward(Tensor pooled) => norm.call(pooled);
}

/// <summary>A convolution of each channel, norm, MLP, layer scale: [n, h, w, C] → the same.</summary>
internal sealed class ConvNeXtBlock : nn.Module<Tensor, Tensor>
{
    // TorchSharp registers fields by name: a field that is a part has the part's name.
    private readonly Parameter? gamma;
    [ComponentName(Name = "conv_dw")] private readonly Convolution conv;
    private readonly LayerNormalization norm;
    private readonly Mlp mlp;
    private readonly DropPath drop;

    public ConvNeXtBlock(ConvNeXtShape shape, int stage, DropPath drop) : base("ConvNeXtBlock")
    {
        var (width, kernel) = (shape.Widths[stage], shape.Kernels[stage]);
        gamma = shape.LayerScale is { } scale ? new Parameter(full(width, scale)) : null;
        conv = new Convolution(width, width, kernel, padding: kernel / 2, groups: width, hasBias: true, std: 0.02);
        norm = new LayerNormalization(width, shape.Eps);
        mlp = new Mlp(width, 4 * width, pointwise: shape.ConvolutionalMlp);
        this.drop = drop;
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var fed = mlp.call(norm.call(conv.call(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)));
        return x.Plus(drop.Apply(gamma is null ? fed : gamma * fed, training)).MoveToOuterDisposeScope();
    }
}
