using Schane.Models;
using static TorchSharp.torch;

namespace Schane.Tests.Models;

/// <summary>Sizes of every published variant, as its documentation states them.</summary>
public sealed class ParameterCountTests
{
    /// <summary>Parameters with 1000 classes, as torchvision's or timm's model tables give them; DINOv2 and MAE without head.</summary>
    private static readonly Dictionary<string, (long Exact, double Millions)> Published = new()
    {
        ["resnet18"] = (11_689_512, 11.69),
        ["resnet20_cntk"] = (16_410_152, 16.41),                          // summed by hand from its shapes; published without a classifier
        ["resnet34"] = (21_797_672, 21.80),
        ["resnet50"] = (25_557_032, 25.56),
        ["resnet101"] = (44_549_160, 44.55),
        ["resnet152"] = (60_192_808, 60.19),
        ["wide_resnet50_2"] = (68_883_240, 68.88),
        ["wide_resnet101_2"] = (126_886_696, 126.89),
        ["convnext_atto"] = (0, 3.70),
        ["convnext_femto"] = (0, 5.22),
        ["convnext_pico"] = (0, 9.05),
        ["convnext_nano"] = (0, 15.59),
        ["convnext_tiny"] = (28_589_128, 28.59),
        ["convnext_small"] = (50_223_688, 50.22),
        ["convnext_base"] = (88_591_464, 88.59),
        ["convnext_large"] = (197_767_336, 197.77),
        ["vit_tiny_patch16_224"] = (5_717_416, 5.72),
        ["vit_small_patch16_224"] = (22_050_664, 22.05),
        ["vit_small_patch32_224"] = (0, 22.88),
        ["vit_base_patch16_224"] = (86_567_656, 86.57),
        ["vit_base_patch32_224"] = (88_224_232, 88.22),
        ["vit_large_patch16_224"] = (304_326_632, 304.33),
        ["vit_large_patch14_224"] = (0, 304.20),
        ["vit_base_patch16_224_mae"] = (0, 85.80),
        ["vit_large_patch16_224_mae"] = (0, 303.30),
        ["deit_tiny_patch16_224"] = (5_717_416, 5.72),
        ["deit_small_patch16_224"] = (22_050_664, 22.05),
        ["deit_base_patch16_224"] = (86_567_656, 86.57),
        ["deit_tiny_distilled_patch16_224"] = (5_910_800, 5.91),
        ["deit_small_distilled_patch16_224"] = (22_436_432, 22.44),
        ["deit_base_distilled_patch16_224"] = (87_338_192, 87.34),
        ["vit_base_patch32_clip_224"] = (0, 88.22),
        ["vit_base_patch16_clip_224"] = (0, 86.57),
        ["vit_large_patch14_clip_224"] = (0, 304.20),
        ["vit_base_patch32_clip_quickgelu_224"] = (0, 88.22),
        ["vit_base_patch16_clip_quickgelu_224"] = (0, 86.57),
        ["vit_large_patch14_clip_quickgelu_224"] = (0, 304.20),
        ["vit_small_patch14_dinov2"] = (0, 22.06),
        ["vit_base_patch14_dinov2"] = (0, 86.58),
        ["vit_large_patch14_dinov2"] = (0, 304.37),
        ["vit_small_patch14_reg4_dinov2"] = (0, 22.06),
        ["vit_base_patch14_reg4_dinov2"] = (0, 86.58),
        ["vit_large_patch14_reg4_dinov2"] = (0, 304.37),
        ["beit_base_patch16_224"] = (86_530_984, 86.53),
        ["beit_large_patch16_224"] = (304_430_568, 304.43),
        ["beitv2_base_patch16_224"] = (86_530_984, 86.53),
        ["beitv2_large_patch16_224"] = (304_430_568, 304.43),
        ["beit3_base_patch16_224"] = (0, 86.66),
        ["beit3_large_patch16_224"] = (0, 304.57),
        ["swin_tiny_patch4_window7_224"] = (28_288_354, 28.29),
        ["swin_small_patch4_window7_224"] = (49_606_258, 49.61),
        ["swin_base_patch4_window7_224"] = (87_768_224, 87.77),
    };

    private static readonly string[] Ours = ["convnet4", "convnet4_w96", "schane_tiny", "resnet18_small", "resnet50_small"];

    [Fact]
    public void Equal_the_published_counts_for_every_variant()
    {
        Assert.Equal(ModelRegistry.Names.Order(), Published.Keys.Concat(Ours).Order());
        Assert.Multiple([.. Published.Select(p => (Action)(() => Compare(p.Key, p.Value.Exact, p.Value.Millions)))]);
    }

    // multiply-adds in units of 10^9, from the papers' and timm's tables
    [Theory]
    [InlineData("resnet18", 1.82)]
    [InlineData("resnet50", 4.11)]
    [InlineData("vit_small_patch16_224", 4.6)]
    [InlineData("convnext_tiny", 4.47)]
    [InlineData("swin_tiny_patch4_window7_224", 4.5)]
    public void Cost_is_near_the_published_one(string name, double giga) =>
        Assert.InRange(ModelRegistry.CountCost(name).MultiplyAdds / 1e9, giga * 0.97, giga * 1.03);

    [Fact]
    public void The_table_of_costs_has_every_model() =>
        Assert.Equal(ModelRegistry.Names, ModelCosts.Known.Keys.Order(StringComparer.Ordinal));

    private const long Largest = 6_000_000_000;

    /// <summary>SCHANE_APPROVE=1 writes the table again.</summary>
    [Fact]
    [Trait("Slow", "1")]
    public void The_table_of_costs_is_what_the_nets_count()
    {
        var approves = Environment.GetEnvironmentVariable("SCHANE_APPROVE") == "1";
        // the largest are more of the same layers, and would take two minutes
        var counted = ModelRegistry.Names.Where(name => approves || ModelCosts.Known[name].MultiplyAdds < Largest)
            .ToDictionary(name => name, ModelRegistry.CountCost);
        if (approves)
            File.WriteAllText(Path.Combine(Samples.ReadmeTests.Root(), "src", "Schane", "Models", "costs.tsv"),
                string.Concat(counted.Select(c => $"{c.Key}\t{c.Value.Parameters}\t{c.Value.MultiplyAdds}\n")));
        else
            Assert.Equal(ModelCosts.Known.Where(one => one.Value.MultiplyAdds < Largest).ToDictionary(), counted);
    }

    private static void Compare(string name, long exact, double millions)
    {
        using var scope = NewDisposeScope();
        using var backbone = ModelRegistry.Uninitialised(name);
        var headless = name.Contains("dinov2") || name.EndsWith("_mae", StringComparison.Ordinal);
        using var model = headless ? null : new ImageClassifier(backbone, 1000);
        var count = (model ?? (nn.Module)backbone).parameters().Sum(p => p.numel());
        Assert.True(exact == 0 || exact == count, $"{name} has {count} parameters, {exact} are published");
        Assert.True(Math.Abs(count / 1e6 - millions) <= 0.0051, $"{name} has {count / 1e6:F3} M parameters, {millions} M are published");
    }
}
