using System.Text.RegularExpressions;
using Schane.Models;
using Schane.Models.Convolutional;
using Schane.Models.Transformers;

namespace Schane.Tests.Models;

/// <summary>A backbone of a peer's family with the parameters of some names: depth, tokens and switches follow from the
/// names, widths are small.</summary>
internal static partial class GoldenNames
{
    private const int Width = 24, Heads = 2;

    private static readonly BackboneInfo Any = new("some", 3, 32, Width, Normalization.Halves, Normalization.Halves, "head");

    /// <param name="family">The peer's class, perhaps with other words behind it.</param>
    /// <param name="names">Names of all parameters.</param>
    public static Backbone Build(string family, string[] names)
    {
        bool Has(string part) => names.Any(n => n.Contains(part, StringComparison.Ordinal));
        int[] Stages(string pattern) => [.. names.Select(n => Regex.Match(n, pattern)).Where(m => m.Success)
            .Select(m => (Stage: int.Parse(m.Groups[1].Value), Block: int.Parse(m.Groups[2].Value)))
            .GroupBy(m => m.Stage).OrderBy(g => g.Key).Select(g => g.Max(m => m.Block) + 1)];
        var depth = names.Select(n => Blocks().Match(n)).Where(m => m.Success)
            .Select(m => int.Parse(m.Groups[1].Value) + 1).DefaultIfEmpty().Max();
        switch (family.Split(' ')[0])
        {
            case "VisionTransformer" or "VisionTransformerDistilled":
                return new VisionTransformer(Any, new(8, Width, depth, Heads)
                {
                    Distilled = Has("dist_token"),
                    Registers = Has("reg_token") ? 2 : 0,
                    ClassToken = Has("cls_token"),
                    AveragePool = Has("fc_norm"),
                    LayerScale = Has("ls1.gamma") ? 1 : null,
                    PreNorm = Has("norm_pre"),
                    QkvBias = Has("attn.qkv.bias"),
                }, 0);
            case "Beit":
                return new Beit(Any, new(8, Width, depth, Heads, Has("gamma_1") ? 1 : null)
                {
                    AbsolutePositions = Has("pos_embed"),
                    RelativePositions = Has("attn.relative_position_bias_table"),
                    SharedRelativePositions = Has("rel_pos_bias."),
                    AveragePool = Has("fc_norm"),
                    QkvBias = Has("q_bias"),
                }, 0);
            case "SwinTransformer":
                var depths = Stages(@"^layers\.(\d+)\.blocks\.(\d+)\.");
                return new SwinTransformer(Any with { EmbeddingWidth = 8 << (depths.Length - 1), HeadName = "head.fc" },
                    new(2, 4, 8, depths, [.. depths.Select(_ => Heads)]) { QkvBias = Has("attn.qkv.bias") }, 0);
            case "ConvNeXt":
                depths = Stages(@"^stages\.(\d+)\.blocks\.(\d+)\.");
                return new ConvNeXt(Any with { EmbeddingWidth = 8 * depths.Length, HeadName = "head.fc" },
                    new(depths, [.. depths.Select((_, s) => 8 * (s + 1))]) { LayerScale = Has(".gamma") ? 1 : null }, 0);
            case "ResNet":
                depths = Stages(@"^layer(\d+)\.(\d+)\.");
                var shape = new ResNetShape(depths, Has(".conv3."))
                {
                    Widths = [.. depths.Select((_, s) => 8 * (s + 1))],
                    StemWidth = Has("layer1.0.downsample") ? 16 : Has(".conv3.") ? 32 : 8
                };
                return new ResNet(Any with { EmbeddingWidth = shape.Widths[^1] * shape.Expansion, HeadName = "fc" }, shape);
            default:
                throw new InvalidOperationException($"Golden case '{family}' is of a kind this test does not know.");
        }
    }

    [GeneratedRegex(@"^blocks\.(\d+)\.")]
    private static partial Regex Blocks();
}
