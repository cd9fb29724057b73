using Schane.Data.Transforms;
using Schane.Inference;
using Schane.Models;
using Schane.Tensors;
using Schane.Tests.Export;
using static TorchSharp.torch;

namespace Schane.Tests.Inference;

public sealed class ClassActivationTests
{
    /// <summary>One or two of each family, as small as they can be, with the sides of their maps.</summary>
    public static TheoryData<string, int, int> Families => new()
    {
        { "convnet4", 32, 2 },
        { "schane_tiny", 64, 4 },
        { "resnet50_small", 32, 4 },
        { "convnext_atto", 64, 2 },
        { "vit_tiny_patch16_224:patch=8,width=12,depth=2,heads=3,mlp=2", 24, 3 },
        { "vit_base_patch16_224_mae:patch=8,width=12,depth=2,heads=3,mlp=2", 24, 3 },
        { "deit_tiny_distilled_patch16_224:patch=8,width=12,depth=2,heads=3,mlp=2", 24, 3 },
        { "vit_small_patch14_reg4_dinov2:patch=8,width=12,depth=2,heads=3,mlp=2", 24, 3 },
        { "beit_base_patch16_224:patch=8,width=12,depth=1,heads=3,mlp=2", 24, 3 },
        { "beit_base_patch16_224:patch=8,width=12,depth=2,heads=3,mlp=2,pool=token", 24, 3 },
        { "beit3_base_patch16_224:patch=8,width=12,depth=2,heads=3,mlp=2", 24, 3 },
        { "swin_tiny_patch4_window7_224", 64, 2 },
    };

    /// <summary>By central differences in float64, where the numbers of one place at a time grow and shrink by a small share.</summary>
    [Theory]
    [MemberData(nameof(Families))]
    public void A_place_counts_as_much_as_the_logit_rises_where_its_activations_grow(string name, int size, int side)
    {
        using var scope = NewDisposeScope();
        using var free = no_grad();
        using var small = new ImageClassifier(ModelRegistry.Create(name, 1, inputSize: size), 4, new() { HeadInitScale = 10 });
        small.eval();
        using var model = small.Exact();
        model.eval();
        // of initial weights the tokens hardly ask each other
        foreach (var (_, weight, _, _) in model.NamedParameters().Where(p => p.Name.StartsWith("blocks", StringComparison.Ordinal)))
            weight.mul_(8);
        var images = randn([2, model.Backbone.Info.Channels, size, size], ScalarType.Float64, generator: new Generator(3));
        int[] classes = [2, 0];

        var found = ClassActivation.Of(model, images, (_, logits) => logits[0, classes[0]] + logits[1, classes[1]])!;

        Assert.Equal([2L, side, side], found.shape);
        var (map, tail) = model.Backbone.Split(images);
        var least = 0.0;
        double Logit(int image, int y, int x, double share)
        {
            var changed = map.clone();
            model.Backbone.Places(changed)![image, y, x].mul_(1 + share);
            return model.FromFeatures(tail(changed)).Logits[image, classes[image]].item<double>();
        }
        for (var image = 0; image < 2; image++)
            for (var y = 0; y < side; y++)
                for (var x = 0; x < side; x++)
                {
                    var slope = (Logit(image, y, x, 1e-5) - Logit(image, y, x, -1e-5)) / 2e-5;
                    least = Math.Max(least, slope);
                    Assert.Equal(Math.Max(0, slope), found[image, y, x].item<double>(), 1e-7 * (1 + Math.Abs(slope)));
                }
        Assert.True(least > 1e-6, "No place speaks for a class, so nothing was compared.");
        Assert.All(model.parameters(), parameter => Assert.Null(parameter.grad));
    }

    /// <summary>Small, with all switches of each.</summary>
    [Fact]
    public void Every_model_of_the_registry_has_a_finite_map()
    {
        foreach (var name in ModelRegistry.Names)
        {
            using var scope = NewDisposeScope();
            using var model = RegistryExportTests.Small(name);
            var info = model.Backbone.Info;
            var found = ClassActivation.Of(model, randn(1, info.Channels, info.InputSize, info.InputSize), (_, logits) => logits[0, 1]);
            Assert.True(found is { shape: [1, >= 1, >= 1] } && found.isfinite().all().item<bool>(), name);
        }
    }

    // One channel of a 2 × 2 map each: what the first class looks at lies in the upper right.
    [Fact]
    public void The_corner_that_a_class_looks_at_is_the_one_that_glows()
    {
        using var scope = NewDisposeScope();
        using var model = new ImageClassifier(new Corners(), 2);
        using (no_grad())
        {
            model.StateDict()["head.weight"].copy_(tensor(new float[] { 0, 3, 0, 0, 1, -1, 1, 1 }, [2, 4]));
            model.StateDict()["head.bias"].zero_();
        }
        var image = ones(1, 1, 8, 8);
        var found = Copy.Floats(ClassActivation.Of(model, image, (_, logits) => logits[0, 0])!);
        Assert.Equal([0, 3, 0, 0], found);
        Assert.Equal([1, 0, 1, 1], Copy.Floats(ClassActivation.Of(model, image, (_, logits) => logits[0, 1])!));

        var drawn = ClassActivation.Draw(Enumerable.Repeat(0f, 64).ToArray(), new InputShape(1, 8, [0.5f], [0.25f]),
            new(found, 2, 2), 0);
        (int, int, int) At(int x, int y) => (drawn.Pixels[3 * (8 * y + x)], drawn.Pixels[3 * (8 * y + x) + 1],
            drawn.Pixels[3 * (8 * y + x) + 2]);
        Assert.Equal((127, 127, 127), At(0, 7));                          // the image, in gray
        Assert.Equal((248, 126, 12), At(7, 0));
        Assert.True(At(5, 2).Item1 is > 127 and < 248);                   // between the middles of two places
    }

    [Fact]
    public void Nothing_glows_where_nothing_speaks_for_the_class()
    {
        var drawn = ClassActivation.Draw([0, 0, 0, 0], new InputShape(1, 2, [0.5f], [0.25f]), new([0, 0, 0, 0], 2, 2), 0);
        Assert.All(drawn.Pixels, level => Assert.Equal(127, level));
    }

    /// <summary>The means of four quarters of an image.</summary>
    private sealed class Corners() : Backbone(new("corners", 1, 8, 4, [0.5f], [0.25f], "head"))
    {
        public override Tensor Features(Tensor images) => nn.functional.avg_pool2d(images, 4);

        public override Tensor Pool(Tensor features) => features.flatten(1);
    }
}
