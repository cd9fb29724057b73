using Schane.Models.Layers;
using static Schane.Models.Normalization;

namespace Schane.Models.Transformers;

/// <summary>
/// The transformers of the registry: names, numbers and default weights as in timm. What the flavours differ in, after timm's
/// <c>vision_transformer.py</c>: plain and DeiT norms have eps 1e-6 and exact GELU; CLIP has eps 1e-5, a norm before the blocks, no patch
/// bias and, in the <c>quickgelu</c> variants, x σ(1.702 x); MAE averages the patch tokens; DINOv2 has layer scale from 1e-5 and patches of
/// 14, its <c>reg4</c> variants four register tokens and positions for patches alone.
/// </summary>
internal static class TransformerVariants
{
    private static readonly VisionTransformerShape Tiny = new(16, 192, 12, 3), Small = new(16, 384, 12, 6), Base = new(16, 768, 12, 12),
        Large = new(16, 1024, 24, 16);

    public static IEnumerable<Variant> All { get; } =
    [
        Plain("vit_tiny_patch16_224", Tiny, "augreg_in21k_ft_in1k"),
        Plain("vit_small_patch16_224", Small, "augreg_in21k_ft_in1k"),
        Plain("vit_small_patch32_224", Small with { Patch = 32 }, "augreg_in21k_ft_in1k"),
        Plain("vit_base_patch16_224", Base, "augreg2_in21k_ft_in1k"),
        Plain("vit_base_patch32_224", Base with { Patch = 32 }, "augreg_in21k_ft_in1k"),
        Plain("vit_large_patch16_224", Large, "augreg_in21k_ft_in1k"),
        Plain("vit_large_patch14_224", Large with { Patch = 14 }, null),
        Mae("vit_base_patch16_224_mae", Base, "vit_base_patch16_224.mae"),
        Mae("vit_large_patch16_224_mae", Large, "vit_large_patch16_224.mae"),
        Deit("deit_tiny_patch16_224", Tiny),
        Deit("deit_small_patch16_224", Small),
        Deit("deit_base_patch16_224", Base),
        Deit("deit_tiny_distilled_patch16_224", Tiny with { Distilled = true }),
        Deit("deit_small_distilled_patch16_224", Small with { Distilled = true }),
        Deit("deit_base_distilled_patch16_224", Base with { Distilled = true }),
        Clip("vit_base_patch32_clip_224", Base with { Patch = 32 }, "laion2b"),
        Clip("vit_base_patch16_clip_224", Base, "laion2b"),
        Clip("vit_large_patch14_clip_224", Large with { Patch = 14 }, "laion2b", Halves, Halves),
        Clip("vit_base_patch32_clip_quickgelu_224", Base with { Patch = 32, Activation = Activation.QuickGelu }, "openai"),
        Clip("vit_base_patch16_clip_quickgelu_224", Base with { Activation = Activation.QuickGelu }, "openai"),
        Clip("vit_large_patch14_clip_quickgelu_224", Large with { Patch = 14, Activation = Activation.QuickGelu }, "openai"),
        Dino("vit_small_patch14_dinov2", Small),
        Dino("vit_base_patch14_dinov2", Base),
        Dino("vit_large_patch14_dinov2", Large),
        Dino("vit_small_patch14_reg4_dinov2", Small with { Registers = 4 }),
        Dino("vit_base_patch14_reg4_dinov2", Base with { Registers = 4 }),
        Dino("vit_large_patch14_reg4_dinov2", Large with { Registers = 4 }),
        BeitOf("beit_base_patch16_224", new(16, 768, 12, 12, LayerScale: 0.1), Halves, Halves, "in22k_ft_in22k_in1k",
            "Bao et al. 2021, arXiv:2106.08254"),
        BeitOf("beit_large_patch16_224", new(16, 1024, 24, 16, LayerScale: 1e-5), Halves, Halves, "in22k_ft_in22k_in1k",
            "Bao et al. 2021, arXiv:2106.08254"),
        BeitOf("beitv2_base_patch16_224", new(16, 768, 12, 12, LayerScale: 1e-5), ImageNetMean, ImageNetStd, "in1k_ft_in22k_in1k",
            "Peng et al. 2022, arXiv:2208.06366"),
        BeitOf("beitv2_large_patch16_224", new(16, 1024, 24, 16, LayerScale: 1e-5), ImageNetMean, ImageNetStd, "in1k_ft_in22k_in1k",
            "Peng et al. 2022, arXiv:2208.06366"),
        Beit3Of("beit3_base_patch16_224", new(16, 768, 12, 12)),
        Beit3Of("beit3_large_patch16_224", new(16, 1024, 24, 16)),
        Swin("swin_tiny_patch4_window7_224", new(4, 7, 96, [2, 2, 6, 2], [3, 6, 12, 24])),
        Swin("swin_small_patch4_window7_224", new(4, 7, 96, [2, 2, 18, 2], [3, 6, 12, 24])),
        Swin("swin_base_patch4_window7_224", new(4, 7, 128, [2, 2, 18, 2], [4, 8, 16, 32])),
    ];

    private static Variant Plain(string name, VisionTransformerShape shape, string? tag) =>
        Vit(name, shape, 224, Halves, Halves, tag is null ? null : $"{name}.{tag}", "Apache-2.0",
            "Dosovitskiy et al. 2020, arXiv:2010.11929");

    private static Variant Mae(string name, VisionTransformerShape shape, string weights) =>
        Vit(name, shape with { AveragePool = true }, 224, ImageNetMean, ImageNetStd, weights, "CC-BY-NC-4.0",
            "He et al. 2021, arXiv:2111.06377");

    private static Variant Deit(string name, VisionTransformerShape shape) =>
        Vit(name, shape, 224, ImageNetMean, ImageNetStd, $"{name}.fb_in1k", "Apache-2.0", "Touvron et al. 2020, arXiv:2012.12877");

    /// <summary>LAION's large tower was trained with 0.5 as mean and deviation, the others with OpenAI's constants.</summary>
    private static Variant Clip(string name, VisionTransformerShape shape, string tag, float[]? mean = null, float[]? std = null) =>
        Vit(name, shape with { PreNorm = true, Eps = 1e-5 }, 224, mean ?? ClipMean, std ?? ClipStd, $"{name}.{tag}", "MIT",
            "Radford et al. 2021, arXiv:2103.00020");

    private static Variant Dino(string name, VisionTransformerShape shape) =>
        Vit(name, shape with { Patch = 14, LayerScale = 1e-5 }, 518, ImageNetMean, ImageNetStd, $"{name}.lvd142m", "Apache-2.0",
            "Oquab et al. 2023, arXiv:2304.07193");

    private static Variant Vit(string name, VisionTransformerShape shape, int size, float[] mean, float[] std, string? weights,
        string license, string source) => new(
        Info(name, size, shape.Width, mean, std, weights, license, source),
        (info, dropPath) => new VisionTransformer(info, shape, dropPath), shape)
        {
            Heads = [(shape.Width, shape.Heads)],
            Changed = to => Vit(name, shape with
            {
                Patch = to.Whole("patch", shape.Patch),
                Width = to.Whole("width", shape.Width),
                Depth = to.Whole("depth", shape.Depth),
                Heads = to.Whole("heads", shape.Heads),
                MlpRatio = to.Number("mlp", shape.MlpRatio),
                QkvBias = to.Switch("qkv-bias", shape.QkvBias),
                LayerScale = to.NumberOrOff("scale", shape.LayerScale),
                Registers = to.Whole("registers", shape.Registers, least: 0),
                AveragePool = to.Choice("pool", shape.AveragePool ? "avg" : "token", "avg", "token") == "avg",
                PreNorm = to.Switch("pre-norm", shape.PreNorm),
                Eps = to.Number("eps", shape.Eps),
            }, size, mean, std, weights, license, source),
        };

    private static Variant BeitOf(string name, BeitShape shape, float[] mean, float[] std, string tag, string source) => new(
        Info(name, 224, shape.Width, mean, std, $"{name}.{tag}", "Apache-2.0", source),
        (info, dropPath) => new Beit(info, shape, dropPath), shape)
    {
        Heads = [(shape.Width, shape.Heads)],
        Changed = to => BeitOf(name, shape with
        {
            Patch = to.Whole("patch", shape.Patch),
            Width = to.Whole("width", shape.Width),
            Depth = to.Whole("depth", shape.Depth),
            Heads = to.Whole("heads", shape.Heads),
            MlpRatio = to.Number("mlp", shape.MlpRatio),
            QkvBias = to.Switch("qkv-bias", shape.QkvBias),
            LayerScale = to.NumberOrOff("scale", shape.LayerScale),
            AbsolutePositions = to.Switch("absolute", shape.AbsolutePositions),
            RelativePositions = to.Switch("relative", shape.RelativePositions),
            SharedRelativePositions = to.Switch("shared", shape.SharedRelativePositions),
            AveragePool = to.Choice("pool", shape.AveragePool ? "avg" : "token", "avg", "token") == "avg",
            Eps = to.Number("eps", shape.Eps),
        }, mean, std, tag, source),
    };

    private static Variant Beit3Of(string name, Beit3Shape shape) => new(
        Info(name, 224, shape.Width, ImageNetMean, ImageNetStd, $"{name}.in22k_ft_in1k", "MIT", "Wang et al. 2022, arXiv:2208.10442") with
        { HeadInitScale = 0.001 },
        (info, dropPath) => new Beit3(info, shape, dropPath), shape)
    {
        Heads = [(shape.Width, shape.Heads)],
        Changed = to =>
        {
            var width = to.Whole("width", shape.Width);
            return Beit3Of(name, shape with
            {
                Patch = to.Whole("patch", shape.Patch),
                Width = width,
                Depth = to.Whole("depth", shape.Depth),
                Heads = to.Whole("heads", shape.Heads),
                Hidden = (int)(width * to.Number("mlp", (double)shape.Hidden / shape.Width)),
                NormsOutput = to.Switch("output-norm", shape.NormsOutput),
                Eps = to.Number("eps", shape.Eps),
            });
        },
    };

    private static Variant Swin(string name, SwinShape shape) => new(
        Info(name, 224, shape.Width << (shape.Depths.Length - 1), ImageNetMean, ImageNetStd, $"{name}.ms_in22k_ft_in1k", "MIT",
            "Liu et al. 2021, arXiv:2103.14030") with
        { HeadName = "head.fc" },
        (info, dropPath) => new SwinTransformer(info, shape, dropPath), shape)
    {
        Heads = [.. shape.Heads.Select((heads, stage) => (shape.Width << stage, heads))],
        Changed = to =>
        {
            var depths = to.List("depths", shape.Depths);
            return Swin(name, new(to.Whole("patch", shape.Patch), to.Whole("window", shape.Window), to.Whole("width", shape.Width), depths,
                OneForEach(to, "heads", shape.Heads, depths.Length))
            {
                MlpRatio = to.Number("mlp", shape.MlpRatio),
                QkvBias = to.Switch("qkv-bias", shape.QkvBias),
                Eps = to.Number("eps", shape.Eps),
            });
        },
    };

    /// <summary>A list with a number for each stage.</summary>
    /// <exception cref="SchaneException">It has more or fewer.</exception>
    internal static int[] OneForEach(VariantSettings settings, string key, int[] own, int stages)
    {
        var list = settings.List(key, own);
        return list.Length == stages ? list
            : throw new SchaneException($"{key} must have a number for each of the {stages} stages but has {string.Join('-', list)}.");
    }

    private static BackboneInfo Info(string name, int size, int width, float[] mean, float[] std, string? weights,
        string license, string source) =>
        new(name, Channels: 3, size, width, mean, std, HeadName: "head")
        {
            Source = source,
            Weights = weights is null ? null : $"hf:timm/{weights}",
            WeightsLicense = weights is null ? null : license,
            HasDropPath = true,
        };
}
