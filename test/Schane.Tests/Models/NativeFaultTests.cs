using Schane.Models;
using Schane.Tests.Support;

namespace Schane.Tests.Models;

/// <summary>What libtorch's convolutions get wrong (docs/troubleshooting.md) reaches no model, whichever cure holds.</summary>
public sealed class NativeFaultTests
{
    private static readonly CacheCure[] Cured = [CacheCure.Visible, CacheCure.Mended, CacheCure.Products];

    public static TheoryData<string> Cures => [.. Cured.Select(cure => $"{cure}")];

    public static TheoryData<string, string> ModelsAndCures =>
        [.. from name in ModelRegistry.Names from cure in Cured select (name, $"{cure}")];

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

    [Theory, MemberData(nameof(ModelsAndCures))]
    [Trait("Slow", "1")]
    public void Every_architecture_is_right(string name, string cure) => NativeProgram.Pass(Enum.Parse<CacheCure>(cure), "models", name);

    [Theory, MemberData(nameof(Cures))]
    [Trait("Slow", "1")]
    public void Random_convolutions_and_products_are_right_and_leave_the_heap_whole(string cure) =>
        NativeProgram.Pass(Enum.Parse<CacheCure>(cure), "shapes", "1", "2000");
}
