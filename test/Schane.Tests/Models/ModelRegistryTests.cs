using Schane.Models;
using static TorchSharp.torch;

namespace Schane.Tests.Models;

public sealed class ModelRegistryTests
{
    [Fact]
    public void Draws_the_same_weights_from_the_same_seed_whatever_else_was_drawn()
    {
        using var scope = NewDisposeScope();
        var one = ModelRegistry.Create("convnet4", 7).state_dict();
        rand(3);
        var same = ModelRegistry.Create("convnet4", 7).state_dict();
        var other = ModelRegistry.Create("convnet4", 8).state_dict();
        Assert.All(one, t => Assert.Equal(t.Value.to(ScalarType.Float64).data<double>().ToArray(),
            same[t.Key].to(ScalarType.Float64).data<double>().ToArray()));
        Assert.False(one["block1.conv.weight"].allclose(other["block1.conv.weight"]));
    }

    [Fact]
    public void Suggests_the_nearest_names_for_one_it_does_not_know()
    {
        var e = Assert.Throws<SchaneException>(() => ModelRegistry.InfoOf("resnet81"));
        Assert.StartsWith("There is no model 'resnet81' (did you mean 'resnet18'", e.Message);
    }

    [Theory]
    [InlineData("convnet4", 2, null, "Channels must be 1 or 3 but is 2")]
    [InlineData("convnet4", null, 50, "multiple of 16")]
    [InlineData("resnet18", null, 7, "between 8 and 4096")]
    public void Refuses_a_setting_that_a_model_can_not_have(string name, int? channels, int? size, string rule) =>
        Assert.Contains(rule, Assert.Throws<SchaneException>(() => ModelRegistry.Create(name, 1, channels, size)).Message);

    [Theory]
    [InlineData("schane_tiny", 64)]
    [InlineData("convnet4", 48)]
    [InlineData("convnext_atto", 32)]
    [InlineData("vit_tiny_patch16_224", 32)]
    [InlineData("swin_tiny_patch4_window7_224", 32)]
    public void Starts_from_weights_that_differ_from_each_other_and_give_embeddings_of_unit_order(string name, int size)
    {
        using var scope = NewDisposeScope();
        using var model = new ImageClassifier(ModelRegistry.Create(name, 1, inputSize: size), 10, new() { ProjectionWidth = 8 });
        foreach (var (parameter, value, _, _) in model.NamedParameters()
            .Where(p => p.Parameter.dim() > 1 && !p.Name.EndsWith("bias_table", StringComparison.Ordinal)))
            Assert.True(value.detach().std().item<float>() is > 0.01f and < 0.5f,
                $"{parameter} has deviation {value.detach().std().item<float>()}");
        model.train();
        var (embeddings, logits) = model.Forward(randn(8, model.Backbone.Info.Channels, size, size));
        Assert.InRange(embeddings.std().item<float>(), 0.01f, 3);
        Assert.InRange(logits.std().item<float>(), 0.001f, 1);
    }

    [Fact]
    public void Every_name_says_what_it_takes_where_it_is_from_and_under_which_licence_its_weights_are() =>
        Assert.All(ModelRegistry.Names.Select(ModelRegistry.InfoOf), info =>
        {
            Assert.Equal((info.Channels, info.Channels), (info.Mean.Length, info.Std.Length));
            Assert.True(info.EmbeddingWidth > 0 && info.InputSize > 0);
            Assert.NotEmpty(info.Source);
            Assert.Equal(info.Weights is null, info.WeightsLicense is null);
            Assert.True(info.Weights is null
                || info.Weights.StartsWith($"hf:timm/{info.Name.Replace("_mae", "")}.", StringComparison.Ordinal)
                || (info.Weights.StartsWith("nuget:", StringComparison.Ordinal) && info.Weights.Contains("#sha256=")),
                $"{info.Name} takes {info.Weights}");
        });

    [Fact]
    public void A_transformer_takes_other_numbers_behind_a_colon()
    {
        using var small = ModelRegistry.Create("ViT_tiny_patch16_224:patch=8,width=48,depth=2,heads=3", 1, inputSize: 32);
        Assert.Equal((48, 3, "vit_tiny_patch16_224:patch=8,width=48,depth=2,heads=3"),
            (small.Info.EmbeddingWidth, small.LayerCount, small.Info.Name));
        Assert.Null(small.Info.Weights);
        foreach (var (name, rule) in ((string, string)[])
            [("vit_tiny_patch16_224:wide=3", "it has patch, width, depth, heads, mlp"),
                ("vit_tiny_patch16_224:depth=0", "from 1 to 65536 but is '0'"), ("vit_tiny_patch16_224:depth=1,depth=2", "each once"),
                ("vit_tiny_patch16_224:heads=5", "multiple of its heads"), ("resnet18:depth=3",
                    "has no setting 'depth' (did you mean 'depths'"), ("vit_tini_patch16_224:depth=3", "vit_tiny_patch16_224")])
            Assert.Contains(rule, Assert.Throws<SchaneException>(() => ModelRegistry.InfoOf(name)).Message);
    }

    // each with what tells that the setting arrived: a weight of it and its shape
    [Theory]
    [InlineData("vit_tiny_patch16_224:patch=8,width=12,depth=1,heads=3,mlp=3", "blocks.0.mlp.fc1.weight", new long[] { 36, 12 })]
    [InlineData("vit_tiny_patch16_224:patch=8,width=12,depth=1,heads=3,registers=2,scale=0.1", "blocks.0.ls1.gamma", new long[] { 12 })]
    [InlineData("beit_base_patch16_224:patch=8,width=12,depth=1,heads=3,mlp=2.5,absolute=on", "pos_embed", new long[] { 1, 17, 12 })]
    [InlineData("beit3_base_patch16_224:patch=8,width=12,depth=1,heads=3,mlp=2,output-norm=on", "layer_norm.weight", new long[] { 12 })]
    [InlineData("swin_tiny_patch4_window7_224:width=12,depths=1-2,heads=2-3,window=4,mlp=2",
        "layers.1.blocks.1.attn.relative_position_bias_table", new long[] { 49, 3 })]
    [InlineData("convnext_atto:depths=1-1,widths=8-12,kernel=5,patch=2", "stages.1.blocks.0.conv_dw.weight", new long[] { 12, 1, 5, 5 })]
    [InlineData("resnet50:depths=1-1,widths=8-16,stem=8,groups=2,base-width=64", "layer2.0.conv2.weight", new long[] { 32, 16, 3, 3 })]
    [InlineData("convnet4:widths=4-4-6-6,embedding=10", "embedding.weight", new long[] { 10, 24 })]
    public void Every_family_takes_its_own_settings(string name, string weight, long[] shape)
    {
        using var backbone = ModelRegistry.Create(name, 1, inputSize: 32);
        Assert.Equal(shape, backbone.state_dict()[weight].shape);
        using var input = zeros(2, backbone.Info.Channels, 32, 32);
        backbone.eval();
        using var embedding = backbone.call(input);
        Assert.Equal([2, backbone.Info.EmbeddingWidth], embedding.shape);
    }

    [Fact]
    public void Hands_each_parameter_to_the_optimiser_once()
    {
        using var model = new ImageClassifier(ModelRegistry.Create("schane_tiny", 1), 5, new() { ProjectionWidth = 8 });
        model.train();
        Assert.Equal(model.NamedParameters().Select(p => p.Parameter.Handle).Order(), model.parameters().Select(p => p.Handle).Order());
    }

    [Fact]
    public void The_embedded_backbone_fits_in_2_MB() =>
        Assert.True(ModelRegistry.Create("schane_tiny", 1).state_dict().Sum(t => t.Value.numel() * t.Value.ElementSize) <= 2_000_000);

    [Theory]
    [InlineData("convnet4", 1, 48)]
    [InlineData("convnet4", 3, 32)]
    [InlineData("schane_tiny", 3, 64)]
    [InlineData("resnet18_small", 3, 32)]
    public void Every_parameter_gets_a_gradient_in_training(string name, int channels, int size)
    {
        using var scope = NewDisposeScope();
        var backbone = ModelRegistry.Create(name, 1, channels, size);
        backbone.train();
        var embeddings = backbone.call(rand(4, channels, size, size));
        Assert.Equal([4, backbone.Info.EmbeddingWidth], embeddings.shape);
        (embeddings * rand_like(embeddings)).sum().backward();
        Assert.All(backbone.named_parameters(), p => Assert.NotNull(p.parameter.grad));
        Assert.All(backbone.named_parameters(), p => Assert.InRange(backbone.LayerOf(p.name), 0, backbone.LayerCount - 1));
    }
}
