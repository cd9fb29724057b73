using Schane.Models;
using Schane.Models.Layers;
using Schane.Tests.Support;
using Schane.Training;
using Schane.Verification;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Models;

/// <summary>Adapters of low rank beside the linear layers of the transformers.</summary>
public sealed class LoraTests : IDisposable
{
    private const string Vit = "vit_tiny_patch16_224:patch=8,width=24,depth=2,heads=2", Beit =
        "beit_base_patch16_224:patch=8,width=24,depth=2,heads=2", Beit3 = "beit3_base_patch16_224:patch=8,width=24,depth=2,heads=2",
        Swin = "swin_tiny_patch4_window7_224:width=12,depths=1-2,heads=2-4", Distilled =
        "deit_tiny_distilled_patch16_224:patch=8,width=24,depth=2,heads=2";

    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    public static TheoryData<string> Families => [Vit, Distilled, Beit, Beit3, Swin];

    [Theory]
    [InlineData(Vit, "attn", "blocks.0.attn.qkv blocks.0.attn.proj blocks.1.attn.qkv blocks.1.attn.proj")]
    [InlineData(Vit, "mlp", "blocks.0.mlp.fc1 blocks.0.mlp.fc2 blocks.1.mlp.fc1 blocks.1.mlp.fc2")]
    [InlineData(Vit, "qkv, fc1", "blocks.0.attn.qkv blocks.0.mlp.fc1 blocks.1.attn.qkv blocks.1.mlp.fc1")]
    [InlineData(Vit, "blocks.1", "blocks.1.attn.qkv blocks.1.attn.proj blocks.1.mlp.fc1 blocks.1.mlp.fc2")]
    [InlineData(Beit, "attn", "blocks.0.attn.qkv blocks.0.attn.proj blocks.1.attn.qkv blocks.1.attn.proj")]
    [InlineData(Beit3, "blocks.0", "blocks.0.attn.k_proj blocks.0.attn.v_proj blocks.0.attn.q_proj blocks.0.attn.out_proj " +
        "blocks.0.mlp.fc1 blocks.0.mlp.fc2")]
    [InlineData(Beit3, "q_proj,v_proj", "blocks.0.attn.q_proj blocks.0.attn.v_proj blocks.1.attn.q_proj blocks.1.attn.v_proj")]
    [InlineData(Swin, "attn", "layers.0.blocks.0.attn.qkv layers.0.blocks.0.attn.proj layers.1.blocks.0.attn.qkv " +
        "layers.1.blocks.0.attn.proj layers.1.blocks.1.attn.qkv layers.1.blocks.1.attn.proj")]
    [InlineData(Swin, "downsample", "layers.1.downsample.reduction")]
    public void The_linear_layers_that_are_named_get_adapters_and_no_others(string model, string layers, string expected)
    {
        var adapted = Model(model, new(2, 2, layers)).StateDict().Keys.Where(Adapters.Have).ToList();
        Assert.Equal(expected.Split(' ').SelectMany(name => (string[])[$"{name}.lora_A", $"{name}.lora_B"]).Order(StringComparer.Ordinal),
            adapted.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void All_linear_layers_of_a_trunk_can_have_one(string model)
    {
        var plain = Model(model);
        var linear = plain.Backbone.named_modules().Count(m => m.module is Dense);
        Assert.Equal(2 * linear, Model(model, new(2, 2, "all")).StateDict().Keys.Count(Adapters.Have));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void New_adapters_leave_what_the_model_computes_as_it_is_to_the_bit(string name)
    {
        using var _ = no_grad();
        foreach (var (training, precision) in (ReadOnlySpan<(bool, Precision)>)[(false, Precision.Float32), (true, Precision.Bf16)])
        {
            ImageClassifier plain = Model(name), adapted = Model(name, new(2, 8, "all"));
            foreach (var model in (ImageClassifier[])[plain, adapted])
            {
                model.Precision = precision;
                model.train(training);
            }
            var images = Images(plain);
            var (expected, found) = (plain.Forward(images), adapted.Forward(images));
            Assert.Equal(expected.Embeddings.data<float>().ToArray(), found.Embeddings.data<float>().ToArray());
            Assert.Equal(expected.Logits.data<float>().ToArray(), found.Logits.data<float>().ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Merged_weights_compute_what_weights_and_adapters_compute(string name)
    {
        using var _ = no_grad();
        ImageClassifier plain = Model(name), adapted = Trained(name, "all"), loaded = Model(name);
        plain.eval();
        adapted.eval();
        loaded.eval();
        var images = Images(plain);
        var expected = adapted.Forward(images).Logits;
        Assert.True(Apart(plain.Forward(images).Logits, expected) > 1e-2, "The adapters do nothing.");
        loaded.Load(adapted.Merged(), HeadLoading.Required);
        Assert.InRange(Apart(loaded.Forward(images).Logits, expected), 0, 1e-5);
        adapted.Merge();
        Assert.Equal(loaded.Forward(images).Logits.data<float>().ToArray(), adapted.Forward(images).Logits.data<float>().ToArray());
    }

    [Fact]
    public void The_gradients_of_both_factors_are_those_of_differences_in_float64()
    {
        const double step = 1e-6, scale = 1.5;
        using var layer = new Dense(4, 3, std: 0.5);
        using var init = new WeightInit(2);
        layer.Initialise(init);
        layer.Adapt(2, scale, init);
        layer.to(ScalarType.Float64);
        var named = layer.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        var (a, b) = (named["lora_A"], named["lora_B"]);
        using (no_grad())
            b.copy_(Some.Rows(3, 2, seed: 5));
        var (x, direction) = (Some.Rows(5, 4, seed: 3), Some.Rows(5, 3, seed: 4));
        layer.call(x).backward([direction]);

        // Σ of direction · (x (W + scale · B A)ᵀ + bias), by loops
        double Loss()
        {
            double[] Values(Tensor tensor) => tensor.detach().data<double>().ToArray();
            var (xs, ds, ws, bias, down, up) = (Values(x), Values(direction), Values(named["weight"]), Values(named["bias"]), Values(a),
                Values(b));
            var sum = 0.0;
            for (var n = 0; n < 5; n++)
                for (var o = 0; o < 3; o++)
                {
                    var y = bias[o];
                    for (var i = 0; i < 4; i++)
                        y += xs[n * 4 + i] * (ws[o * 4 + i] + scale * (up[o * 2] * down[i] + up[o * 2 + 1] * down[4 + i]));
                    sum += ds[n * 3 + o] * y;
                }
            return sum;
        }
        foreach (var factor in (Tensor[])[a, b])
        {
            var flat = factor.detach().view(-1);
            for (var i = 0; i < flat.numel(); i++)
            {
                var before = flat[i].ToDouble();
                double At(double value)
                {
                    flat[i] = tensor(value, ScalarType.Float64);
                    return Loss();
                }
                var slope = (At(before + step) - At(before - step)) / (2 * step);
                At(before);
                Assert.Equal(slope, factor.grad!.view(-1)[i].ToDouble(), 1e-7);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Only_adapters_and_heads_are_trained_and_all_of_them_get_a_gradient(string name)
    {
        var model = Trained(name, "all");
        var freezing = new Freezing(model, null);
        Assert.Equal(model.StateDict().Keys.Where(key => Adapters.Have(key) || key.StartsWith("head", StringComparison.Ordinal)).Order(),
            freezing.Trained.Select(p => p.Name).Order());
        Assert.Equal(model.Changing().Keys.Order(), freezing.Trained.Select(p => p.Name).Order());
        freezing.TrainMode();
        Assert.All(model.modules(), module => Assert.True(module.training));   // else precision and drop path would be those of evaluation
        var (embeddings, logits) = model.Forward(Images(model));
        (embeddings.square().sum() + logits.square().sum()).backward();
        Assert.All(freezing.Trained, p => Assert.True(p.Parameter.grad?.abs().sum().ToDouble() > 0, p.Name));
        Assert.All(model.NamedParameters().Except(freezing.Trained), p => Assert.Null(p.Parameter.grad));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Blocks_that_run_again_in_the_backward_pass_give_the_same_gradients(string name)
    {
        Tensor Gradients(bool recomputes)
        {
            var model = Trained(name, "attn");
            model.Backbone.Recomputes = recomputes;
            model.train();
            model.Forward(Images(model)).Logits.square().sum().backward();
            return cat([.. model.NamedParameters().Where(p => p.Parameter.requires_grad).Select(p => p.Parameter.grad!.view(-1))]);
        }
        Assert.Equal(Gradients(false).data<float>().ToArray(), Gradients(true).data<float>().ToArray());
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void The_proof_of_the_machine_sees_the_adapters_too(string name)
    {
        foreach (var precision in (ReadOnlySpan<Precision>)[Precision.Float32, Precision.Bf16])
            foreach (var model in (ImageClassifier[])[Model(name, new(2, 4, "all")), Trained(name, "attn")])
            {
                model.Precision = precision;
                var found = ModelProof.OfTraining(model, Images(model));
                Assert.Null(found.Fault);
                Assert.InRange(found.Error, 1e-9, precision == Precision.Float32 ? 1e-4 : 3e-2);
            }
    }

    [Theory]
    [InlineData("resnet18", "attn", 2, "lora puts adapters beside the linear layers of a transformer, and resnet18 is none; leave out " +
        "--lora, or choose a transformer, vit_small_patch16_224 for instance.")]
    [InlineData("convnet4", "all", 2, "lora puts adapters beside the linear layers of a transformer, and convnet4 is none; leave out " +
        "--lora, or choose a transformer, vit_small_patch16_224 for instance.")]
    [InlineData("convnext_tiny", "all", 2, "lora puts adapters beside the linear layers of a transformer, and convnext_tiny is none; " +
        "leave out --lora, or choose a transformer, vit_small_patch16_224 for instance.")]
    [InlineData(Vit, "atn", 2, $"lora-layers names 'atn', but {Vit} has no linear layer of such a name (did you mean 'attn' or 'all'?).")]
    [InlineData(Vit, ",", 2, $"lora-layers names no layer; give attn, mlp, all or others of {Vit}.")]
    [InlineData(Vit, "mlp", 25, $"lora 25 is a higher rank than 'blocks.0.mlp.fc1' of {Vit} can have, whose weight is 96 × 24; take 24 " +
        "or less.")]
    public void What_can_have_no_adapters_is_refused_with_a_way_out(string model, string layers, int rank, string expected) =>
        Assert.Equal(expected, Assert.Throws<SchaneException>(() => Model(model, new(rank, 1, layers))).Message);

    [Fact]
    public void A_trunk_that_adapters_freeze_is_not_frozen_by_parts_too() => Assert.Equal(
        "lora freezes the trunk by itself, and freeze '1' would freeze more; leave one of the two out.",
        Assert.Throws<SchaneException>(() => new Freezing(Model(Vit, new(2, 2, "attn")), "1")).Message);

    [Fact]
    public void Weights_may_decay_and_layers_have_rates_of_their_own_as_those_beside_them()
    {
        var parameters = Model(Swin, new(2, 2, "all")).NamedParameters().ToDictionary(p => p.Name);
        var (beside, adapter) = (parameters["layers.1.blocks.0.attn.qkv.weight"], parameters["layers.1.blocks.0.attn.qkv.lora_A"]);
        Assert.Equal((beside.Layer, beside.Decays), (adapter.Layer, adapter.Decays));
    }

    private static ImageClassifier Model(string name, Adapters? adapters = null)
    {
        var side = name == Swin ? 28 : 32;
        var model = new ImageClassifier(ModelRegistry.Create(name, seed: 1, inputSize: side), 3, new() { Seed = 2 });
        if (adapters is not null)
            model.Adapt(adapters);
        return model;
    }

    /// <summary>A model whose adapters do something.</summary>
    private static ImageClassifier Trained(string name, string layers)
    {
        var model = Model(name, new(2, 3, layers));
        using var _ = no_grad();
        using var init = new WeightInit(7);
        foreach (var (key, tensor) in model.StateDict())
            if (key.EndsWith("lora_B", StringComparison.Ordinal))
                init.Normal(tensor, 0.2);
        return model;
    }

    private static Tensor Images(ImageClassifier model)
    {
        var side = model.Backbone.Info.InputSize;
        return Some.Rows(4, 3 * side * side, dtype: ScalarType.Float32).view(4, 3, side, side);
    }

    private static double Apart(Tensor found, Tensor expected) => ((found - expected).norm() / expected.norm()).ToDouble();
}
