using static Schane.Models.Normalization;

namespace Schane.Models;

/// <summary>The convolutional nets of the registry.</summary>
internal static class ConvNetVariants
{
    public static IEnumerable<Variant> All { get; } =
    [
        FewShot("convnet4", 32, 64, 64, 64),
        FewShot("convnet4_w96", 48, 96, 96, 96),
        Residual("resnet18", 224, new([2, 2, 2, 2])),
        Residual("resnet34", 224, new([3, 4, 6, 3])),
        Residual("resnet50", 224, new([3, 4, 6, 3], Bottleneck: true)),
        Residual("resnet101", 224, new([3, 4, 23, 3], Bottleneck: true)),
        Residual("resnet152", 224, new([3, 8, 36, 3], Bottleneck: true)),
        Residual("wide_resnet50_2", 224, new([3, 4, 6, 3], Bottleneck: true) { InnerFactor = 2 }),
        Residual("wide_resnet101_2", 224, new([3, 4, 23, 3], Bottleneck: true) { InnerFactor = 2 }),
        Residual("resnet18_small", 32, new([2, 2, 2, 2], Stem: ResNetStem.Small)),
        Residual("resnet50_small", 32, new([3, 4, 6, 3], Bottleneck: true, Stem: ResNetStem.Small)),
        Residual("schane_tiny", 64, new([1, 1, 1, 1], Stem: ResNetStem.Medium) { StemWidth = 24, Widths = [24, 48, 80, 128] }),
    ];

    private static Variant FewShot(string name, params int[] widths) =>
        new(new(name, Channels: 1, InputSize: 48, EmbeddingWidth: 128, [0.5f], [0.5f], HeadName: "head"), info => new ConvNet4(info, widths));

    private static Variant Residual(string name, int inputSize, ResNetShape shape) =>
        new(new(name, Channels: 3, inputSize, shape.Widths[^1] * shape.Expansion, ImageNetMean, ImageNetStd, HeadName: "fc"), info => new ResNet(info, shape));
}
