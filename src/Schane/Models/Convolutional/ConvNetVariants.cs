using Schane.Models.Transformers;
using static Schane.Models.Normalization;

namespace Schane.Models.Convolutional;

/// <summary>The convolutional nets of the registry: names, numbers and default weights as in timm.</summary>
internal static class ConvNetVariants
{
    public static IEnumerable<Variant> All { get; } =
    [
        FewShot("convnet4", 128, [32, 64, 64, 64]),
        FewShot("convnet4_w96", 128, [48, 96, 96, 96]),
        Residual("schane_tiny", 64, new([1, 1, 1, 1], Stem: ResNetStem.Medium) { StemWidth = 24, Widths = [24, 48, 80, 128] }),
        Residual("resnet18_small", 32, new([2, 2, 2, 2], Stem: ResNetStem.Small)),
        Residual("resnet50_small", 32, new([3, 4, 6, 3], Bottleneck: true, Stem: ResNetStem.Small)),
        Cntk("resnet20_cntk"),
        Residual("resnet18", 224, new([2, 2, 2, 2]), "a1_in1k"),
        Residual("resnet34", 224, new([3, 4, 6, 3]), "a1_in1k"),
        Residual("resnet50", 224, new([3, 4, 6, 3], Bottleneck: true), "a1_in1k"),
        Residual("resnet101", 224, new([3, 4, 23, 3], Bottleneck: true), "a1h_in1k"),
        Residual("resnet152", 224, new([3, 8, 36, 3], Bottleneck: true), "a1h_in1k"),
        Residual("wide_resnet50_2", 224, new([3, 4, 6, 3], Bottleneck: true) { BaseWidth = 128 }, "racm_in1k"),
        Residual("wide_resnet101_2", 224, new([3, 4, 23, 3], Bottleneck: true) { BaseWidth = 128 }, "tv2_in1k"),
        Next("convnext_atto", new([2, 2, 6, 2], [40, 80, 160, 320], ConvolutionalMlp: true), "d2_in1k"),
        Next("convnext_femto", new([2, 2, 6, 2], [48, 96, 192, 384], ConvolutionalMlp: true), "d1_in1k"),
        Next("convnext_pico", new([2, 2, 6, 2], [64, 128, 256, 512], ConvolutionalMlp: true), "d1_in1k"),
        Next("convnext_nano", new([2, 2, 8, 2], [80, 160, 320, 640], ConvolutionalMlp: true), "in12k_ft_in1k"),
        Next("convnext_tiny", new([3, 3, 9, 3], [96, 192, 384, 768]), "in12k_ft_in1k"),
        Next("convnext_small", new([3, 3, 27, 3], [96, 192, 384, 768]), "in12k_ft_in1k"),
        Next("convnext_base", new([3, 3, 27, 3], [128, 256, 512, 1024]), "fb_in22k_ft_in1k"),
        Next("convnext_large", new([3, 3, 27, 3], [192, 384, 768, 1536]), "fb_in22k_ft_in1k"),
    ];

    /// <summary>
    /// The net of ML.NET's package of image features, trained with CNTK on ImageNet: 20 layers as He et al. count, since its last stage has
    /// three blocks. CNTK pads a step of 2 by what the input needs, which gives the same as 1 (stem: 3) on every side at any size.
    /// </summary>
    private static Variant Cntk(string name)
    {
        var net = InBytes(Residual(name, 224, new([2, 2, 2, 3])));
        return net with
        {
            Info = net.Info with
            {
                Weights = "nuget:Microsoft.ML.DnnImageFeaturizer.ResNet18@0.23.1/tools/DnnImageModels/ResNet18Onnx/ResNet18.onnx"
                    + "#sha256=e2552f19db2dfdb01b3669537b6a0f1b44da38d18279535492ed5dfc2ef1ff8f",
                WeightsLicense = "MIT",
            },
        };
    }

    private static Variant InBytes(Variant net) =>
        net with { Info = net.Info with { Mean = MlNetMean, Std = Bytes }, Changed = to => InBytes(net.Changed(to)) };

    private static Variant FewShot(string name, int embedding, int[] widths) => new(
        new(name, Channels: 1, InputSize: 48, embedding, [0.5f], [0.5f], HeadName: "head")
        { Source = "Vinyals et al. 2016, arXiv:1606.04080" },
        (info, _) => new ConvNet4(info, widths), widths)
    {
        Changed = to =>
            FewShot(name, to.Whole("embedding", embedding), TransformerVariants.OneForEach(to, "widths", widths, stages: widths.Length)),
    };

    private static Variant Residual(string name, int inputSize, ResNetShape shape, string? tag = null) => new(
        new(name, Channels: 3, inputSize, shape.Widths[^1] * shape.Expansion, ImageNetMean, ImageNetStd, HeadName: "fc")
        {
            Source = name.StartsWith("wide", StringComparison.Ordinal)
                ? "Zagoruyko & Komodakis 2016, arXiv:1605.07146" : "He et al. 2015, arXiv:1512.03385",
            Weights = tag is null ? null : $"hf:timm/{name}.{tag}",
            WeightsLicense = tag is null ? null : tag.StartsWith("tv", StringComparison.Ordinal) ? "BSD-3-Clause" : "Apache-2.0",
        },
        (info, _) => new ResNet(info, shape), shape)
    {
        Changed = to =>
        {
            var depths = to.List("depths", shape.Blocks);
            return Residual(name, inputSize, shape with
            {
                Blocks = depths,
                Widths = TransformerVariants.OneForEach(to, "widths", shape.Widths, depths.Length),
                StemWidth = to.Whole("stem", shape.StemWidth),
                Groups = shape.Bottleneck ? to.Whole("groups", shape.Groups) : shape.Groups,
                BaseWidth = shape.Bottleneck ? to.Whole("base-width", shape.BaseWidth) : shape.BaseWidth,
            }, tag);
        },
    };

    private static Variant Next(string name, ConvNeXtShape shape, string tag) => new(
        new(name, Channels: 3, InputSize: 224, shape.Widths[^1], ImageNetMean, ImageNetStd, HeadName: "head.fc")
        {
            Source = "Liu et al. 2022, arXiv:2201.03545",
            Weights = $"hf:timm/{name}.{tag}",
            WeightsLicense = "Apache-2.0",
            HasDropPath = true,
        },
        (info, dropPath) => new ConvNeXt(info, shape, dropPath), shape)
    {
        Changed = to =>
        {
            var depths = to.List("depths", shape.Depths);
            return Next(name, shape with
            {
                Depths = depths,
                Widths = TransformerVariants.OneForEach(to, "widths", shape.Widths, depths.Length),
                Patch = to.Whole("patch", shape.Patch),
                Kernels = OddKernels(to.Whole("kernel", shape.Kernels[0]), depths),
                LayerScale = to.NumberOrOff("scale", shape.LayerScale),
                ConvolutionalMlp = to.Switch("conv-mlp", shape.ConvolutionalMlp),
                Eps = to.Number("eps", shape.Eps),
            }, tag);
        },
    };

    private static int[] OddKernels(int side, int[] depths) => side % 2 == 1 ? [.. depths.Select(_ => side)]
        : throw new SchaneException($"kernel must be odd, so that a map keeps its size, but is {side}.");
}
