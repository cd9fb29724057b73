using Schane.Models;
using Schane.Tests.Support;

namespace Schane.Tests.Models;

/// <summary>What libtorch's convolutions get wrong (docs/troubleshooting.md) reaches no model, whichever cure holds.</summary>
public sealed class NativeFaultTests
{
    private static readonly CacheCure[] Cured = [CacheCure.Visible, CacheCure.Mended, CacheCure.Products];

    public static TheoryData<string> Cures => [.. Cured.Select(cure => $"{cure}")];

    public static TheoryData<string> Families => [.. ModelRegistry.Names.Select(Family).Distinct()];

    /// <summary>One of each kind of layers; the others differ from them in width and depth.</summary>
    private static readonly string[] Kinds =
    [
        "beit3_base_patch16_224", "beit_base_patch16_224", "convnet4", "convnext_atto", "convnext_nano",
        "deit_tiny_distilled_patch16_224", "resnet18", "resnet18_small", "resnet20_cntk", "resnet50", "swin_tiny_patch4_window7_224",
        "vit_small_patch14_reg4_dinov2", "vit_tiny_patch16_224",
    ];

    [Fact]
    public void Planted_and_left_alone_the_fault_gives_wrong_values_and_ends_the_process()
    {
        var (code, output) = NativeProgram.Start(CacheCure.None, "known");
        Assert.Equal(136, code);                                          // SIGFPE
        Assert.Contains("WRONG output is off by", output, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Cures))]
    public void Shapes_that_the_libraries_get_wrong_are_right(string cure) => NativeProgram.Pass(Enum.Parse<CacheCure>(cure), "known");

    [Theory, MemberData(nameof(Cures))]
    public void The_embedded_model_is_right(string cure) => NativeProgram.Pass(Enum.Parse<CacheCure>(cure), "models", "schane_tiny");

    [Theory, MemberData(nameof(Families))]
    [Trait("Slow", "1")]
    public void Every_architecture_is_right(string family) =>
        NativeProgram.Pass(CacheCure.Visible, "models", ModelRegistry.Names.Where(name => Family(name) == family));

    [Theory, MemberData(nameof(Cures))]
    [Trait("Slow", "1")]
    public void Every_kind_of_layers_is_right(string cure) => NativeProgram.Pass(Enum.Parse<CacheCure>(cure), "models", Kinds);

    [Theory, MemberData(nameof(Cures))]
    [Trait("Slow", "1")]
    public void Random_convolutions_and_products_are_right_and_leave_the_heap_whole(string cure) =>
        NativeProgram.Pass(Enum.Parse<CacheCure>(cure), "shapes", "1", "2000");

    /// <summary>What a name begins with, as far as the first sign that is no letter.</summary>
    private static string Family(string name) => string.Concat(name.TakeWhile(char.IsLetter));
}
