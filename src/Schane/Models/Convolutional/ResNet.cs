using Schane.Models.Layers;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Models.Convolutional;

/// <summary>The numbers of a residual net.</summary>
/// <param name="Blocks">Blocks in each of the four stages.</param>
/// <param name="Bottleneck">Three convolutions 1×1, 3×3, 1×1 with four times the width after them, or two 3×3.</param>
/// <param name="Stem">The first layers.</param>
internal sealed record ResNetShape(int[] Blocks, bool Bottleneck = false, ResNetStem Stem = ResNetStem.Photo)
{
    /// <summary>Width of each stage before expansion.</summary>
    public int[] Widths { get; init; } = [64, 128, 256, 512];

    /// <summary>Width of the stem.</summary>
    public int StemWidth { get; init; } = 64;

    /// <summary>Groups of the middle convolution of a bottleneck (ResNeXt's cardinality).</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Channels of a group in the middle of a first-stage bottleneck of width 64 (wide nets: 128).</summary>
    public int BaseWidth { get; init; } = 64;

    /// <summary>Channels in the middle of a bottleneck of a width.</summary>
    public int Inner(long width) => (int)(width * BaseWidth / 64) * Groups;

    /// <summary>Width after expansion.</summary>
    public int Expansion => Bottleneck ? 4 : 1;
}

/// <summary>First layers of a residual net.</summary>
internal enum ResNetStem
{
    /// <summary>7×7 step 2, then 3×3 max pooling step 2: for photographs of about 224 pixels.</summary>
    Photo,

    /// <summary>3×3 step 1: for images of about 32 pixels.</summary>
    Small,

    /// <summary>3×3 step 2: for images of about 64 pixels.</summary>
    Medium,
}

/// <summary>
/// Deep residual nets (He et al. 2015, arXiv:1512.03385; wide: Zagoruyko &amp; Komodakis 2016, arXiv:1605.07146) with timm's parameter
/// names. The step of a stage is in the 3×3 convolution of its first block, as in torchvision and timm.
/// </summary>
internal sealed class ResNet : Backbone
{
    // TorchSharp registers module fields by name as well: a field that is a part has the part's name.
    private readonly Convolution conv1;
    private readonly BatchNormalization bn1;
    private readonly bool poolsStem;
    private readonly Chain[] stages;

    public ResNet(BackboneInfo info, ResNetShape shape) : base(info)
    {
        Shape = shape;
        poolsStem = shape.Stem == ResNetStem.Photo;
        register_module("conv1", conv1 = shape.Stem switch
        {
            ResNetStem.Photo => new(info.Channels, shape.StemWidth, 7, stride: 2, padding: 3),
            ResNetStem.Medium => new(info.Channels, shape.StemWidth, 3, stride: 2, padding: 1),
            _ => new(info.Channels, shape.StemWidth, 3, padding: 1),
        });
        register_module("bn1", bn1 = new(shape.StemWidth));

        long inputs = shape.StemWidth;
        stages = new Chain[shape.Blocks.Length];
        for (var s = 0; s < stages.Length; s++)
        {
            var blocks = new List<ResidualBlock>();
            for (var b = 0; b < shape.Blocks[s]; b++)
            {
                blocks.Add(new(inputs, shape.Widths[s], b == 0 && s > 0 ? 2 : 1, shape));
                inputs = shape.Widths[s] * shape.Expansion;
            }
            register_module($"layer{s + 1}", stages[s] = new Chain(blocks));
        }
    }

    /// <summary>Its numbers.</summary>
    internal ResNetShape Shape { get; }

    /// <summary>Stem; then the blocks of all stages.</summary>
    public override int LayerCount => stages.Sum(s => s.Parts.Count) + 1;

    public override int LayerOf(string parameter)
    {
        if (LayerNumbers.Number(parameter, "layer") is not { } stage)
            return 0;
        return stages.Take(stage - 1).Sum(s => s.Parts.Count) + 1 + LayerNumbers.Number(parameter, $"layer{stage}.")!.Value;
    }

    public override Tensor Features(Tensor images)
    {
        using var scope = NewDisposeScope();
        var x = bn1.call(conv1.call(ChannelsLast.Of(images))).relu_();
        if (poolsStem)
            x = nn.functional.max_pool2d(x, 3, 2, 1);
        foreach (var stage in stages)
            x = stage.call(x);                                            // [n, width, h, w]
        return x.MoveToOuterDisposeScope();
    }

    public override Tensor Pool(Tensor features) => features.mean([2, 3]);
}

/// <summary>One residual block: convolutions with batch norm, the shortcut added before the last ReLU.</summary>
internal sealed class ResidualBlock : nn.Module<Tensor, Tensor>
{
    private readonly Convolution[] convs;
    private readonly BatchNormalization[] norms;
    private readonly Chain? downsample;

    public ResidualBlock(long inputs, long width, long stride, ResNetShape shape) : base("ResidualBlock")
    {
        var outputs = width * shape.Expansion;
        var inner = shape.Inner(width);
        convs = shape.Bottleneck
            ? [new(inputs, inner, 1), new(inner, inner, 3, stride, padding: 1, shape.Groups), new(inner, outputs, 1)]
            : [new(inputs, width, 3, stride, padding: 1), new(width, outputs, 3, padding: 1)];
        norms = shape.Bottleneck
            // zero last scale: the block starts as its shortcut (Goyal et al. 2017)
            ? [new(inner), new(inner), new(outputs, initialScale: 0)]
            : [new(width), new(outputs, initialScale: 0)];
        for (var i = 0; i < convs.Length; i++)
        {
            register_module($"conv{i + 1}", convs[i]);
            register_module($"bn{i + 1}", norms[i]);
        }
        if (stride != 1 || inputs != outputs)
            register_module("downsample",
                downsample = new Chain(new Convolution(inputs, outputs, 1, stride), new BatchNormalization(outputs)));
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var x = input;
        for (var i = 0; i < convs.Length; i++)
        {
            x = norms[i].call(convs[i].call(x));
            if (i < convs.Length - 1)
                x = x.relu_();
        }
        return x.Plus(downsample is null ? input : downsample.call(input)).relu_().MoveToOuterDisposeScope();
    }
}
