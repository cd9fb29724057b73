using System.Text.Json;
using Schane.Checkpoints;
using Schane.Models;

namespace Schane.Tests.Models;

/// <summary>The golden cases of models: at $SCHANE_GOLDEN/models, else the copy beside the tests. Whatever the folder holds is run.</summary>
internal sealed record GoldenModel(string Name, JsonElement Facts)
{
    public static string Folder(string part) => Path.Combine(
        Environment.GetEnvironmentVariable("SCHANE_GOLDEN") is { Length: > 0 } given ? given : Path.Combine(AppContext.BaseDirectory, "Golden"), part);

    /// <summary>Names of the cases; none is an error, so an empty folder can't pass.</summary>
    public static TheoryData<string> Names()
    {
        var names = Directory.GetFiles(Folder("models"), "*.json").Select(f => Path.GetFileNameWithoutExtension(f)).Order(StringComparer.Ordinal).ToArray();
        return names.Length > 0 ? [.. names] : throw new InvalidOperationException($"There is no golden model in {Folder("models")}.");
    }

    public static GoldenModel Open(string name) =>
        new(name, JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder("models"), $"{name}.json"))).RootElement);

    public SafetensorsFile Weights() => Safetensors.Open(Path.Combine(Folder("models"), $"{Name}.weights.safetensors"));

    public SafetensorsFile Io() => Safetensors.Open(Path.Combine(Folder("models"), $"{Name}.io.safetensors"));

    public int Classes => Config.GetProperty("num_classes").GetInt32();

    private JsonElement Config => Facts.GetProperty("config");

    /// <summary>The backbone that the case's constructor arguments describe.</summary>
    public Backbone Build(int? inputSize = null)
    {
        var peer = Facts.GetProperty("peer").GetString()!;
        var backbone = peer switch
        {
            _ when peer.Contains("vision_transformer.VisionTransformer") || peer.Contains("deit.VisionTransformerDistilled") => Transformer(distilled: peer.Contains("Distilled")),
            _ when peer.Contains("beit.Beit") => BeitOf(),
            _ when peer.Contains("beit3") => Beit3Of(),
            _ when peer.Contains("swin_transformer.SwinTransformer") => Swin(),
            _ when peer.Contains("convnext.ConvNeXt") => new ConvNeXt(Info(Numbers("dims")[^1], "head.fc"), new(Numbers("depths"), Numbers("dims")), 0),
            _ when peer.Contains("resnet.ResNet") => Residual(bottleneck: peer.Contains("Bottleneck")),
            _ => throw new InvalidOperationException($"Golden case {Name} is of a kind this test does not know: {peer}."),
        };
        backbone.Initialise(1);
        return backbone;

        BackboneInfo Info(int width, string head) =>
            new(Name, 3, inputSize ?? Facts.GetProperty("input_shape")[2].GetInt32(), width, Normalization.ImageNetMean, Normalization.ImageNetStd, head);

        Backbone Transformer(bool distilled) => new VisionTransformer(Info(Number("embed_dim"), "head"),
            new(Number("patch_size"), Number("embed_dim"), Number("depth"), Number("num_heads")) { AveragePool = Text("global_pool") == "avg", Distilled = distilled }, 0);

        Backbone BeitOf() => new Beit(Info(Number("embed_dim"), "head"), new(Number("patch_size"), Number("embed_dim"), Number("depth"), Number("num_heads"), 0.1)
        {
            AbsolutePositions = Truth("use_abs_pos_emb", true),
            RelativePositions = Truth("use_rel_pos_bias", false),
            SharedRelativePositions = Truth("use_shared_rel_pos_bias", false),
            AveragePool = Text("global_pool") != "token",
        }, 0);

        Backbone Beit3Of()
        {
            var e = Config.GetProperty("EncoderConfig");
            int Of(string key) => e.GetProperty(key).GetInt32();
            return new Beit3(Info(Of("encoder_embed_dim"), "head"),
                new(Of("patch_size"), Of("encoder_embed_dim"), Of("encoder_layers"), Of("encoder_attention_heads"), e.GetProperty("normalize_output").GetBoolean()), 0);
        }

        Backbone Swin()
        {
            var depths = Numbers("depths");
            return new SwinTransformer(Info(Number("embed_dim") << (depths.Length - 1), "head.fc"),
                new(Number("patch_size"), Number("window_size"), Number("embed_dim"), depths, Numbers("num_heads")), 0);
        }

        Backbone Residual(bool bottleneck)
        {
            var shape = new ResNetShape(Numbers("layers"), bottleneck) { Widths = Numbers("channels") };
            return new ResNet(Info(shape.Widths[^1] * shape.Expansion, "fc"), shape);
        }
    }

    private int Number(string key) => Config.GetProperty(key).GetInt32();

    private int[] Numbers(string key) => [.. Config.GetProperty(key).EnumerateArray().Select(n => n.GetInt32())];

    private string? Text(string key) => Config.TryGetProperty(key, out var value) ? value.GetString() : null;

    private bool Truth(string key, bool otherwise) => Config.TryGetProperty(key, out var value) ? value.GetBoolean() : otherwise;
}
