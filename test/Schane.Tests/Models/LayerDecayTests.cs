using System.Text.Json;
using Schane.Models;
using Schane.Models.Transformers;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Models;

/// <summary>Layer ids and weight-decay exemptions against the peers' parameter groups.</summary>
public sealed class LayerDecayTests
{
    private static readonly BackboneInfo Any = new("some", 3, 32, 48, Normalization.Halves, Normalization.Halves, "head");

    public static TheoryData<string, int> TimmCases =>
        [.. GoldenFolder.Files("optim", "timm_layer_decay.json")
            .SelectMany(file => Enumerable.Range(0, Count(file)).Select(number => (file, number)))];

    public static TheoryData<string> Beit3Cases => [.. GoldenFolder.Files("optim", "beit3_layer_decay_*.json")];

    [Theory, MemberData(nameof(TimmCases))]
    public void Groups_parameters_as_timm_does(string file, int number)
    {
        using var scope = NewDisposeScope();
        var golden = Timm(file)[number];
        var name = golden.GetProperty("model").GetString()!;
        var backbone = GoldenNames.Build(name,
            [.. golden.GetProperty("params").EnumerateArray().Select(p => p.GetProperty("name").GetString()!)]);
        using var model = new ImageClassifier(backbone, 10);
        var (decay, weightDecay) = (golden.GetProperty("layer_decay").GetDouble(), golden.GetProperty("weight_decay").GetDouble());
        var ours = model.NamedParameters().ToDictionary(p => p.Name);
        Assert.Equal(golden.GetProperty("params").GetArrayLength(), ours.Count);
        foreach (var parameter in golden.GetProperty("params").EnumerateArray())
        {
            var mine = ours[parameter.GetProperty("name").GetString()!];
            Assert.Equal(parameter.GetProperty("lr_scale").GetDouble(), Math.Pow(decay, backbone.LayerCount - mine.Layer), 1e-12);
            Assert.True(parameter.GetProperty("weight_decay").GetDouble() == (mine.Decays ? weightDecay : 0),
                $"{name}: decay of {mine.Name}");
        }
    }

    [Theory, MemberData(nameof(Beit3Cases))]
    public void Groups_BEiT_3_as_unilm_does_under_both_kinds_of_names(string file)
    {
        using var scope = NewDisposeScope();
        var golden = JsonDocument.Parse(File.ReadAllBytes(GoldenFolder.At("optim", file))).RootElement;
        var decay = golden.GetProperty("layer_decay").GetDouble();
        var parameters = golden.GetProperty("params").EnumerateArray().ToArray();
        var names = parameters.Select(p => p.GetProperty("name").GetString()!).ToArray();
        var shape32 = new Beit3Shape(16, 32, golden.GetProperty("num_layers").GetInt32(), 2,
            NormsOutput: names.Any(n => n.Contains("encoder.layer_norm")));
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

    /// <summary>Cases of a file.</summary>
    internal static int Count(string file) => Timm(file).GetArrayLength();

    private static JsonElement Timm(string file) => JsonDocument.Parse(File.ReadAllBytes(GoldenFolder.At("optim", file))).RootElement;
}
