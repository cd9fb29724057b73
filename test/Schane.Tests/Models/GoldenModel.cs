using System.Text.Json;
using Schane.Checkpoints;
using Schane.Models;
using Schane.Models.Convolutional;
using Schane.Models.Layers;
using Schane.Models.Transformers;
using Schane.Tests.Support;

namespace Schane.Tests.Models;

/// <summary>A golden case of models, found and built by what its own JSON says.</summary>
/// <param name="Name">Its path without <c>.json</c>, short in the copy beside the tests.</param>
/// <param name="Facts">Its JSON.</param>
internal sealed record GoldenModel(string Name, JsonElement Facts)
{
    /// <summary>Names of the cases of all golden folders.</summary>
    public static TheoryData<string> Names() =>
        [.. GoldenFolder.Files("models", "*.json").Where(file => Read(file).TryGetProperty("config", out _))
            .Select(file => file[..^".json".Length])];

    public static GoldenModel Open(string name) => new(name, Read($"{name}.json"));

    public SafetensorsFile Weights() => Safetensors.Open(GoldenFolder.At("models", $"{Name}.weights.safetensors"));

    public SafetensorsFile Io() => Safetensors.Open(GoldenFolder.At("models", $"{Name}.io.safetensors"));

    /// <summary>The file of Python that holds the same weights; null where there is none.</summary>
    public string? Pth => Facts.TryGetProperty("pth", out var pth)
        ? Path.Combine(Path.GetDirectoryName(GoldenFolder.At("models", $"{Name}.json"))!, pth.GetProperty("file").GetString()!) : null;

    public int Classes => Facts.GetProperty("config").TryGetProperty("num_classes", out var classes) ? classes.GetInt32() : 1000;

    /// <summary>Class of the peer, <c>VisionTransformer</c> for instance.</summary>
    public string Peer
    {
        get
        {
            var whole = Facts.GetProperty("peer").GetString()!;
            string[] known = ["VisionTransformerDistilled", "VisionTransformer", "BEiT3ForImageClassification", "Beit",
                "SwinTransformer", "ConvNeXt", "ResNet"];
            return known.FirstOrDefault(name => whole.Contains(name, StringComparison.Ordinal))
                ?? throw new InvalidOperationException($"Golden case {Name} is of a kind this test does not know: {whole}.");
        }
    }

    /// <summary>The backbone that the case's constructor arguments describe.</summary>
    public Backbone Build(int? inputSize = null)
    {
        var config = new GoldenConfig(Name, Facts.GetProperty("config"));
        config.Skip("num_classes", "drop_rate", "pos_drop_rate", "patch_drop_rate", "proj_drop_rate", "attn_drop_rate", "drop_path_rate",
            "head_init_scale", "zero_init_last", "weight_init", "fix_init");
        var input = Facts.GetProperty("input_shape");
        var size = inputSize ?? input[2].GetInt32();
        config.Require("img_size", input[2].GetInt32(), input[2].GetInt32());
        config.Require("in_chans", input[1].GetInt32(), input[1].GetInt32());
        var eps = Facts.TryGetProperty("norm_eps", out var all)
            ? all.EnumerateObject().Select(e => e.Value.GetDouble()).Distinct().ToArray() : [];
        Assert.True(eps.Length <= 1, $"Golden case {Name} has norms of different eps, which no model here has: {string.Join(", ", eps)}.");
        double? epsilon = eps.Length == 1 ? eps[0] : null;
        Backbone backbone = Peer switch
        {
            "VisionTransformer" => Transformer(distilled: false),
            "VisionTransformerDistilled" => Transformer(distilled: true),
            "Beit" => BeitOf(),
            "BEiT3ForImageClassification" => Beit3Of(),
            "SwinTransformer" => Swin(),
            "ConvNeXt" => Next(),
            _ => Residual(Facts.GetProperty("peer").GetString()!.Contains("Bottleneck", StringComparison.Ordinal)),
        };
        config.RequireAllRead();
        backbone.Initialise(1);
        return backbone;

        BackboneInfo Info(int width, string head) =>
            new(Name, input[1].GetInt32(), size, width, Constants(Normalization.ImageNetMean), Constants(Normalization.ImageNetStd), head);

        float[] Constants(float[] rgb) => input[1].GetInt32() == 3 ? rgb : [.. Enumerable.Repeat(rgb[0], input[1].GetInt32())];

        Backbone Transformer(bool distilled)
        {
            var shape = new VisionTransformerShape(config.Whole("patch_size", 16), config.Whole("embed_dim", 768),
                config.Whole("depth", 12), config.Whole("num_heads", 12))
            {
                MlpRatio = config.Number("mlp_ratio", 4) ?? 4,
                QkvBias = config.Truth("qkv_bias", true),
                LayerScale = config.Number("init_values", null),
                ClassToken = config.Truth("class_token", true),
                Registers = config.Whole("reg_tokens", 0),
                PrefixPositions = !config.Truth("no_embed_class", false),
                PreNorm = config.Truth("pre_norm", false),
                NormsPooled = config.Given("fc_norm") ? config.Truth("fc_norm", false) : null,
                AveragePool = config.Choice("global_pool", "token", "token", "avg") == "avg",
                Activation = config.Choice("act_layer", "gelu", "gelu", "quick_gelu") == "gelu" ? Activation.Gelu : Activation.QuickGelu,
                Distilled = distilled,
            };
            return new VisionTransformer(Info(shape.Width, "head"), shape with { Eps = epsilon ?? shape.Eps }, 0);
        }

        Backbone BeitOf()
        {
            var shape = new BeitShape(config.Whole("patch_size", 16), config.Whole("embed_dim", 768), config.Whole("depth", 12),
                config.Whole("num_heads", 12), config.Number("init_values", null))
            {
                MlpRatio = config.Number("mlp_ratio", 4) ?? 4,
                QkvBias = config.Truth("qkv_bias", true),
                AbsolutePositions = config.Truth("use_abs_pos_emb", true),
                RelativePositions = config.Truth("use_rel_pos_bias", false),
                SharedRelativePositions = config.Truth("use_shared_rel_pos_bias", false),
                AveragePool = config.Choice("global_pool", "avg", "token", "avg") == "avg",
            };
            return new Beit(Info(shape.Width, "head"), shape with { Eps = epsilon ?? shape.Eps }, 0);
        }

        Backbone Beit3Of()
        {
            var encoder = config.Inner("EncoderConfig");
            encoder.Skip("vocab_size", "drop_path_rate", "checkpoint_activations", "max_source_positions", "dropout", "attention_dropout",
                "activation_dropout", "no_output_layer");
            encoder.Require("img_size", input[2].GetInt32(), input[2].GetInt32());
            encoder.Require("multiway", 1, 1);
            encoder.Require("layernorm_embedding", 0, 0);
            var width = encoder.Whole("encoder_embed_dim", 768);
            var shape = new Beit3Shape(encoder.Whole("patch_size", 16), width, encoder.Whole("encoder_layers", 12),
                encoder.Whole("encoder_attention_heads", 12), encoder.Truth("normalize_output", true))
            {
                Hidden = encoder.Whole("encoder_ffn_embed_dim", 4 * width),
            };
            encoder.RequireAllRead();
            return new Beit3(Info(width, "head"), shape with { Eps = epsilon ?? shape.Eps }, 0);
        }

        Backbone Swin()
        {
            var depths = config.Wholes("depths", [2, 2, 6, 2]);
            var shape = new SwinShape(config.Whole("patch_size", 4), config.Whole("window_size", 7), config.Whole("embed_dim", 96), depths,
                config.Wholes("num_heads", [3, 6, 12, 24]))
            {
                MlpRatio = config.Number("mlp_ratio", 4) ?? 4,
                QkvBias = config.Truth("qkv_bias", true),
            };
            return new SwinTransformer(Info(shape.Width << (depths.Length - 1), "head.fc"), shape with { Eps = epsilon ?? shape.Eps }, 0);
        }

        Backbone Next()
        {
            var depths = config.Wholes("depths", [3, 3, 9, 3]);
            var shape = new ConvNeXtShape(depths, config.Wholes("dims", [96, 192, 384, 768]), config.Truth("conv_mlp", false))
            {
                Patch = config.Whole("patch_size", 4),
                Kernels = config.Wholes("kernel_sizes", [.. depths.Select(_ => 7)], depths.Length),
                LayerScale = config.Number("ls_init_value", 1e-6),
            };
            return new ConvNeXt(Info(shape.Widths[^1], "head.fc"), shape with { Eps = epsilon ?? shape.Eps }, 0);
        }

        Backbone Residual(bool bottleneck)
        {
            Assert.True(epsilon is null or BatchNormalization.Eps,
                $"Golden case {Name} has batch norms of eps {epsilon}, and ours have {BatchNormalization.Eps}.");
            config.Skip("block");
            var shape = new ResNetShape(config.Wholes("layers", [2, 2, 2, 2]), bottleneck)
            {
                Widths = config.Wholes("channels", [64, 128, 256, 512]),
                Groups = config.Whole("cardinality", 1),
                BaseWidth = config.Whole("base_width", 64),
            };
            return new ResNet(Info(shape.Widths[^1] * shape.Expansion, "fc"), shape);
        }
    }

    private static JsonElement Read(string file) => JsonDocument.Parse(File.ReadAllBytes(GoldenFolder.At("models", file))).RootElement;
}
