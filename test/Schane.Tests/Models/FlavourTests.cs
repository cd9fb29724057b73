using System.Text.RegularExpressions;
using Schane.Checkpoints;
using Schane.Models;
using Schane.Models.Convolutional;
using Schane.Models.Transformers;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Models;

/// <summary>Flavours without a golden case: the block written out in loops, and the names of other publishers.</summary>
public sealed partial class FlavourTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    // eps, activation and extra tokens as timm's vision_transformer.py has them for these names
    [Theory]
    [InlineData("vit_base_patch16_224", 1e-6, false, 1)]
    [InlineData("vit_base_patch16_224_mae", 1e-6, false, 1)]
    [InlineData("vit_base_patch16_clip_224", 1e-5, false, 1)]
    [InlineData("vit_base_patch16_clip_quickgelu_224", 1e-5, true, 1)]
    [InlineData("vit_base_patch14_dinov2", 1e-6, false, 1)]
    [InlineData("vit_base_patch14_reg4_dinov2", 1e-6, false, 5)]
    public void Equals_the_transformer_written_out_in_loops(string name, double eps, bool quick, int prefix)
    {
        var shape = (VisionTransformerShape)ModelRegistry.ShapeOf(name) with { Patch = 4, Width = 12, Depth = 2, Heads = 3 };
        Assert.Equal(prefix, shape.Prefix);
        using var backbone = Randomised(
            new VisionTransformer(ModelRegistry.InfoOf(name) with { InputSize = 8, EmbeddingWidth = 12 }, shape, 0));
        backbone.eval();
        var image = rand(1, 3, 8, 8, dtype: ScalarType.Float64);

        var expected = new PlainTransformer(backbone.state_dict(), shape, eps,
            x => quick ? x / (1 + Math.Exp(-1.702 * x)) : x * NormalBelow(x)).Embed(image[0]);

        var actual = backbone.call(image)[0].data<double>().ToArray();
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-9));
    }

    [Fact]
    public void Takes_weights_under_the_names_of_CLIP()
    {
        using var model = Model(new VisionTransformer(Info(8), new(4, 12, 2, 3) { PreNorm = true, Eps = 1e-5 }, 0));
        AssertTakes(model, (name, value) => name switch
        {
            "cls_token" => ("visual.class_embedding", value.view(12)),
            "pos_embed" => ("visual.positional_embedding", value.view(5, 12)),
            _ => ("visual." + ClipBlock().Replace(name, "transformer.resblocks.$1").Replace("patch_embed.proj", "conv1")
                .Replace("norm_pre", "ln_pre").Replace("norm1", "ln_1").Replace("norm2", "ln_2")
                .Replace("norm.", "ln_post.").Replace("qkv.", "in_proj_").Replace("attn.proj", "attn.out_proj")
                .Replace("mlp.fc1", "mlp.c_fc").Replace("mlp.fc2", "mlp.c_proj"), value),
        }, ("visual.proj", zeros(12, 7)), ("token_embedding.weight", zeros(9, 12)), ("logit_scale", zeros([])));
    }

    [Fact]
    public void Takes_weights_under_the_first_names_of_Swin_and_ConvNeXt()
    {
        using var swin = Model(new SwinTransformer(Info(16) with { EmbeddingWidth = 16, HeadName = "head.fc" },
            new(2, 2, 8, [1, 1], [2, 2]), 0));
        AssertTakes(swin, (name, value) => (name.Replace("layers.1.downsample", "layers.0.downsample"), value),
            ("layers.0.blocks.0.attn.relative_position_index", zeros(4, 4, dtype: ScalarType.Int64)));

        using var next = Model(new ConvNeXt(Info(32) with { EmbeddingWidth = 12, HeadName = "head.fc" }, new([1, 1], [8, 12]), 0));
        AssertTakes(next, (name, value) => (name.Replace("stem.", "downsample_layers.0.").Replace("head.norm", "norm")
            .Replace(".blocks.", ".").Replace("conv_dw", "dwconv").Replace("mlp.fc", "pwconv")
            .Replace("stages.1.downsample.", "downsample_layers.1."), value));
    }

    [Fact]
    public void MAE_weights_lend_their_last_norm_to_the_norm_after_pooling()
    {
        using var model = Model(new VisionTransformer(Info(8), new(4, 12, 2, 3) { AveragePool = true }, 0));
        AssertTakes(model, (name, value) => (name.Replace("fc_norm", "norm"), value), ("decoder_embed.weight", zeros(3, 12)),
            ("mask_token", zeros(1, 1, 3)));
    }

    [Theory]
    [InlineData(28)]
    [InlineData(42)]
    public void DINOv2_with_registers_takes_Meta_s_own_file(int size)
    {
        var shape = new VisionTransformerShape(14, 12, 2, 3) { Registers = 4, LayerScale = 1e-5 };
        using var timm = Model(new VisionTransformer(Info(28), shape, 0));
        var state = timm.Backbone.state_dict();
        var place = randn(1, 1, 12);                                      // the class token's position, which timm adds to the token
        var meta = state.ToDictionary(t => t.Key == "reg_token" ? "register_tokens" : t.Key,
            t => t.Key switch
            { "pos_embed" => cat([place, t.Value.detach()], 1), "cls_token" => t.Value.detach() - place, _ => t.Value.detach() });
        meta.Add("mask_token", zeros(1, 12));

        using var model = new ImageClassifier(new VisionTransformer(Info(size), shape, 0), 4);
        var report = model.Load(meta);
        Assert.Equal(["mask_token"], report.Ignored);
        Assert.Equal(size == 28 ? 0 : 1, report.Resized.Count);
        using var expected = new ImageClassifier(new VisionTransformer(Info(size), shape, 0), 4);
        expected.Load(timm.StateDict());
        foreach (var (name, tensor) in expected.Backbone.state_dict())
            Assert.InRange((tensor - model.Backbone.state_dict()[name]).abs().max().item<float>(), 0, 1e-6);
    }

    [Fact]
    public void BEiT_3_saved_under_timm_s_names_computes_what_torchscale_s_checkpoint_does()
    {
        var golden = GoldenModel.Open("beit3");
        using var one = new ImageClassifier(golden.Build(), golden.Classes);
        using var weights = golden.Weights();
        one.Load(weights, HeadLoading.Required);
        using var saved = Saved(one);
        // As timm's vision_transformer.py has a ViT with norms inside attention and MLP, and its conversion of unilm's files names them.
        string[] block = ["norm1", "attn.qkv", "attn.norm", "attn.proj", "norm2", "mlp.fc1", "mlp.norm", "mlp.fc2"];
        string[] layers = ["patch_embed.proj", .. block.Select(layer => $"blocks.0.{layer}"),
            .. block.Select(layer => $"blocks.1.{layer}"), "fc_norm", "head"];
        Assert.Equal([.. layers.SelectMany(layer => (string[])[$"{layer}.bias", $"{layer}.weight"]).Concat(["cls_token", "pos_embed"])
            .Order(StringComparer.Ordinal)], saved.Names.Order(StringComparer.Ordinal));
        Assert.Equal([1, 17, 48], saved.ShapeOf("pos_embed"));
        Assert.Equal([144, 48], saved.ShapeOf("blocks.0.attn.qkv.weight"));
        var (fused, values) = (saved.Read("blocks.1.attn.qkv.weight"), weights.Read("beit3.encoder.layers.1.self_attn.v_proj.A.weight"));
        Assert.True(fused.narrow(0, 96, 48).equal(values).all().item<bool>());
        Assert.True(saved.Read("pos_embed")[0, 3].equal(weights.Read("beit3.encoder.embed_positions.A.weight")[5]).all().item<bool>());

        using var two = new ImageClassifier(golden.Build(), golden.Classes);
        var report = two.Load(saved, HeadLoading.Required);
        Assert.Empty(report.Ignored.Concat(report.Resized).Concat(report.Reinitialised));
        two.eval();
        using var io = golden.Io();
        Assert.InRange((two.Forward(io.Read("input")).Logits - io.Read("logits32")).abs().max().item<float>(), 0, 2e-5);

        using var larger = new ImageClassifier(golden.Build(inputSize: 48), golden.Classes);
        Assert.Equal(["pos_embed.weight [19, 48] → [39, 48]"], larger.Load(saved, HeadLoading.Required).Resized);
    }

    [Fact]
    public void BEiT_3_under_timm_s_names_with_shapes_that_are_none_is_refused()
    {
        var golden = GoldenModel.Open("beit3");
        using var model = new ImageClassifier(golden.Build(), golden.Classes);
        using var saved = Saved(model);
        var tensors = saved.Names.ToDictionary(name => name, saved.Read);
        foreach (var (name, wrong) in ((string, Tensor)[])[("blocks.0.attn.qkv.weight", zeros(100, 48)), ("pos_embed", zeros(17, 48))])
            Assert.Contains($"has '{name}' with shape",
                Assert.Throws<CheckpointException>(() => model.Load(new Dictionary<string, Tensor>(tensors) { [name] = wrong })).Message);
    }

    /// <summary>A file as a run writes it.</summary>
    private static SafetensorsFile Saved(ImageClassifier model)
    {
        var path = Path.GetTempFileName();
        using (no_grad())
            Safetensors.Write(path, model.Backbone.Published(model.StateDict()));
        var saved = Safetensors.Open(File.ReadAllBytes(path), "saved");
        File.Delete(path);
        return saved;
    }

    private static void AssertTakes(ImageClassifier model, Func<string, Tensor, (string, Tensor)> published,
        params (string Name, Tensor Value)[] others)
    {
        var trunk = model.Backbone.state_dict();
        var tensors = trunk.Select(t => published(t.Key, t.Value.detach().clone())).Concat(others).ToDictionary(t => t.Item1, t => t.Item2);
        Assert.DoesNotContain(tensors.Keys.Where(k => trunk.ContainsKey(k)), k => k.StartsWith("stem", StringComparison.Ordinal));
        using (no_grad())
            foreach (var tensor in trunk.Values)
                tensor.add_(1);
        var report = model.Load(tensors);
        Assert.Equal(trunk.Count, report.Used.Count + report.Resized.Count);
        Assert.Equal(others.Select(o => o.Name).Order(), report.Ignored.Order());
        foreach (var (name, tensor) in trunk)
            Assert.Equal(tensors[published(name, tensor).Item1].view(-1).data<float>().ToArray(),
                tensor.detach().view(-1).data<float>().ToArray());
    }

    private static ImageClassifier Model(Backbone backbone)
    {
        backbone.Initialise(3);
        return new(backbone, 4);
    }

    private static BackboneInfo Info(int size) => new("some", 3, size, 12, Normalization.Halves, Normalization.Halves, "head");

    private static VisionTransformer Randomised(VisionTransformer backbone)
    {
        using var _ = no_grad();
        using var generator = new Generator(4, CPU);
        foreach (var parameter in backbone.parameters())
            parameter.normal_(0.1, 0.5, generator);
        backbone.to(ScalarType.Float64);
        return backbone;
    }

    /// <summary>Φ(x) by Simpson's rule, to 1e-12 for |x| below 20.</summary>
    private static double NormalBelow(double x)
    {
        const int steps = 4000;
        var (h, sum) = (x / steps, 0.0);
        for (var i = 0; i <= steps; i++)
            sum += (i is 0 or steps ? 1 : i % 2 == 1 ? 4 : 2) * Math.Exp(-h * i * h * i / 2);
        return 0.5 + sum * h / 3 / Math.Sqrt(2 * Math.PI);
    }

    [GeneratedRegex(@"^blocks\.(\d)")]
    private static partial Regex ClipBlock();
}
