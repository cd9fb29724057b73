using System.Text.Json;
using Schane.Models;
using static TorchSharp.torch;

namespace Schane.Tests.Models;

/// <summary>Layer ids and weight-decay exemptions against the peers' parameter groups.</summary>
public sealed class LayerDecayTests
{
    private static readonly BackboneInfo Any = new("some", 3, 32, 48, Normalization.Halves, Normalization.Halves, "head");

    public static TheoryData<int> TimmCases => [.. Enumerable.Range(0, Timm().GetArrayLength())];

    public static TheoryData<string> Beit3Cases
    {
        get
        {
            var files = Directory.GetFiles(GoldenModel.Folder("optim"), "beit3_layer_decay_*.json").Select(f => Path.GetFileName(f)).ToArray();
            return files.Length > 0 ? [.. files] : throw new InvalidOperationException($"There is no beit3_layer_decay case in {GoldenModel.Folder("optim")}.");
        }
    }

    [Theory, MemberData(nameof(TimmCases))]
    public void Groups_parameters_as_timm_does(int number)
    {
        using var scope = NewDisposeScope();
        var golden = Timm()[number];
        var name = golden.GetProperty("model").GetString()!;
        var backbone = Build(name);
        using var model = new ImageClassifier(backbone, 10);
        var (decay, weightDecay) = (golden.GetProperty("layer_decay").GetDouble(), golden.GetProperty("weight_decay").GetDouble());
        var ours = model.NamedParameters().ToDictionary(p => p.Name);
        Assert.Equal(golden.GetProperty("params").GetArrayLength(), ours.Count);
        foreach (var parameter in golden.GetProperty("params").EnumerateArray())
        {
            var mine = ours[parameter.GetProperty("name").GetString()!];
            Assert.Equal(parameter.GetProperty("lr_scale").GetDouble(), Math.Pow(decay, backbone.LayerCount - mine.Layer), 1e-12);
            Assert.True(parameter.GetProperty("weight_decay").GetDouble() == (mine.Decays ? weightDecay : 0), $"{name}: decay of {mine.Name}");
        }
    }

    [Theory, MemberData(nameof(Beit3Cases))]
    public void Groups_BEiT_3_as_unilm_does_under_both_kinds_of_names(string file)
    {
        using var scope = NewDisposeScope();
        var golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(GoldenModel.Folder("optim"), file))).RootElement;
        var decay = golden.GetProperty("layer_decay").GetDouble();
        var parameters = golden.GetProperty("params").EnumerateArray().ToArray();
        var names = parameters.Select(p => p.GetProperty("name").GetString()!).ToArray();
        var shape32 = new Beit3Shape(16, 32, golden.GetProperty("num_layers").GetInt32(), 2, NormsOutput: names.Any(n => n.Contains("encoder.layer_norm")));
        var backbone = new Beit3(Any with { EmbeddingWidth = 32 }, shape32, 0);
        var naming = backbone.Naming(names);
        var own = backbone.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        foreach (var parameter in parameters)
        {
            var name = parameter.GetProperty("name").GetString()!;
            var (layer, decays) = (parameter.GetProperty("layer_id").GetInt32(), parameter.GetProperty("weight_decay").GetDouble() > 0);
            if (name.StartsWith("head.", StringComparison.Ordinal))
            {
                Assert.Equal(backbone.LayerCount, layer);
                continue;
            }
            var shape = parameter.GetProperty("shape_at_dim32").EnumerateArray().Select(s => s.GetInt64()).ToArray();
            using var value = zeros(shape);
            Assert.Equal(layer, backbone.LayerOf(name));
            Assert.True(decays == backbone.Decays(name, value), $"decay of {name}");
            Assert.Equal(parameter.GetProperty("lr_scale").GetDouble(), Math.Pow(decay, backbone.LayerCount - layer), 1e-12);
            if (naming(name) is not { } here)
                continue;
            Assert.Equal(layer, backbone.LayerOf(here));
            Assert.True(decays == backbone.Decays(here, own[here]), $"decay of {here}");
        }
    }

    private static JsonElement Timm() => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(GoldenModel.Folder("optim"), "timm_layer_decay.json"))).RootElement;

    private static Backbone Build(string name)
    {
        VisionTransformerShape vit = new(8, 48, 4, 3);
        return name switch
        {
            "VisionTransformer depth 4" => new VisionTransformer(Any, vit, 0),
            "VisionTransformer avg pool depth 4" => new VisionTransformer(Any, vit with { AveragePool = true }, 0),
            "VisionTransformerDistilled depth 4" => new VisionTransformer(Any, vit with { Distilled = true }, 0),
            "SwinTransformer depths 2,2" => new SwinTransformer(Any with { HeadName = "head.fc" }, new(2, 4, 24, [2, 2], [2, 4]), 0),
            "ConvNeXt depths 1,1,2,1" => new ConvNeXt(Any with { HeadName = "head.fc" }, new([1, 1, 2, 1], [16, 24, 32, 48]), 0),
            "ResNet BasicBlock 2,2,2,2" => new ResNet(Any with { HeadName = "fc" }, new([2, 2, 2, 2]) { Widths = [16, 24, 32, 48] }),
            "Beit rel pos depth 4" => new Beit(Any, new(8, 48, 4, 3, 0.1), 0),
            _ => throw new InvalidOperationException($"Golden case '{name}' is of a kind this test does not know."),
        };
    }
}
