using System.Text.Json.Nodes;

namespace Schane.Tests.Generated;

/// <summary>Golden cases of layer-wise decay for nets of random depth: names and shapes of a <see cref="PlainNet"/>, layer ids
/// by the peers' rules.</summary>
internal sealed class DecayCases(int seed, string folder)
{
    private readonly Random random = new(seed);

    public void Write()
    {
        Directory.CreateDirectory(folder);
        int[] depths = [Depth(), Depth()];
        var (depth, one) = (Depth(), new JsonArray([.. depths.Select(d => (JsonNode)d)]));
        var vision = Config(("embed_dim", 4), ("num_heads", 2), ("patch_size", 4), ("depth", depth),
            ("global_pool", random.Next(2) == 1 ? "avg" : "token"));
        var distilled = Config(("embed_dim", 4), ("num_heads", 2), ("patch_size", 4), ("depth", depth));
        var beit = Config(("embed_dim", 4), ("num_heads", 2), ("patch_size", 4), ("depth", depth),
            ("init_values", 0.1), ("use_rel_pos_bias", true));
        var swin = Config(("embed_dim", 4), ("num_heads", new JsonArray(2, 2)), ("patch_size", 2),
            ("window_size", 2), ("depths", one.DeepClone()));
        var next = Config(("dims", new JsonArray(4, 4)), ("depths", one.DeepClone()), ("kernel_sizes", 3));
        var residual = Config(("channels", new JsonArray(4, 4)), ("layers", one.DeepClone()));
        var cases = new JsonArray(
            Timm("VisionTransformer", new PlainVision(vision, false, seed, 1e-6), depth + 1, name => Blocks(name, "blocks.", depth)),
            Timm("VisionTransformerDistilled", new PlainVision(distilled, true, seed, 1e-6), depth + 1,
                name => Blocks(name, "blocks.", depth)),
            Timm("Beit", new PlainBeit(beit, seed, 1e-6), depth + 1, name => Blocks(name, "blocks.", depth)),
            Timm("SwinTransformer", new PlainSwin(swin, seed, 1e-5), depths.Sum() + 1, name => Stages(name, "layers.", depths)),
            Timm("ConvNeXt", new PlainConvNext(next, seed, 1e-6), depths.Sum() + 1, name => Stages(name, "stages.", depths)),
            Timm("ResNet", new PlainResNet(residual, random.Next(2) == 1, seed), depths.Sum() + 1, name => Stages(name, "layer", depths)));
        File.WriteAllText(Path.Combine(folder, "timm_layer_decay.json"), cases.ToJsonString());
        File.WriteAllText(Path.Combine(folder, "beit3_layer_decay_random.json"), Beit3(Depth()).ToJsonString());
    }

    private JsonObject Timm(string family, PlainNet net, int last, Func<string, int?> block)
    {
        Use(net);
        var (decay, weightDecay) = (Between(0.5, 0.95), Between(0.01, 0.3));
        return new()
        {
            ["model"] = $"{family} of random depth",
            ["layer_decay"] = decay,
            ["weight_decay"] = weightDecay,
            ["params"] = new JsonArray([.. net.Parameters.Select(p =>
            {
                var token = p.Key is "cls_token" or "dist_token" or "pos_embed"
                    || p.Key.EndsWith("relative_position_bias_table", StringComparison.Ordinal);
                return new JsonObject
                {
                    ["name"] = p.Key,
                    ["lr_scale"] = Math.Pow(decay,
                        last - (block(p.Key) ?? (p.Key.Split('.')[0] is "head" or "head_dist" or "fc" or "fc_norm" ? last : 0))),
                    ["weight_decay"] = p.Value.Shape.Length < 2 || token ? 0 : weightDecay,
                };
            })]),
        };
    }

    private JsonObject Beit3(int depth)
    {
        var config = new JsonObject
        {
            ["patch_size"] = 4, ["encoder_embed_dim"] = 4, ["encoder_attention_heads"] = 2, ["encoder_ffn_embed_dim"] = 8,
            ["encoder_layers"] = depth, ["normalize_output"] = random.Next(2) == 1,
        };
        var net = new PlainBeit3(config, 3, seed, 1e-5);
        Use(net);
        var (decay, weightDecay) = (Between(0.5, 0.95), Between(0.01, 0.3));
        return new()
        {
            ["num_layers"] = depth,
            ["layer_decay"] = decay,
            ["weight_decay"] = weightDecay,
            ["params"] = new JsonArray([.. net.Parameters.Select(p =>
            {
                // unilm: anything with "embed" in its name first, the rest goes with the head.
                var id = p.Key.Contains("embed", StringComparison.Ordinal) ? 0 : Number(p.Key, "beit3.encoder.layers.") + 1 ?? depth + 1;
                var token = p.Key is "beit3.vision_embed.cls_token" or "beit3.encoder.embed_positions.A.weight";
                return new JsonObject
                {
                    ["name"] = p.Key,
                    ["shape_at_dim32"] = new JsonArray([.. p.Value.Shape.Select(s => (JsonNode)s)]),
                    ["layer_id"] = id,
                    ["lr_scale"] = Math.Pow(decay, depth + 1 - id),
                    ["weight_decay"] = p.Value.Shape.Length < 2 || token ? 0 : weightDecay,
                };
            })]),
        };
    }

    /// <summary>A norm after the blocks goes with the last of them.</summary>
    private static int? Blocks(string name, string prefix, int depth) =>
        Number(name, prefix) + 1 ?? (name.StartsWith("norm.", StringComparison.Ordinal) ? depth : null);

    /// <summary>Blocks count through the stages; what else a stage has goes with its first block.</summary>
    private static int? Stages(string name, string prefix, int[] depths)
    {
        if (Number(name, prefix) is not { } stage)
            return name.StartsWith("norm.", StringComparison.Ordinal) ? depths.Sum() : null;
        var residual = prefix == "layer";
        return depths.Take(residual ? stage - 1 : stage).Sum() + 1
            + (Number(name, residual ? $"layer{stage}." : $"{prefix}{stage}.blocks.") ?? 0);
    }

    private static int? Number(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal)
            ? int.TryParse(name[prefix.Length..].Split('.')[0], out var number) ? number : null : null;

    /// <summary>A pass, in which a net declares its parameters.</summary>
    private static void Use(PlainNet net)
    {
        var features = net.Features([[.. Enumerable.Repeat(0, 3 * 8 * 8).Select(_ => net.Tape.Leaf(0.5))]], 8);
        net.Logits(features, net.Pool(features));
    }

    private static JsonObject Config(params (string Key, JsonNode? Value)[] settings) =>
        new([KeyValuePair.Create<string, JsonNode?>("num_classes", 3), .. settings.Select(s => KeyValuePair.Create(s.Key, s.Value))]);

    private int Depth() => random.Next(1, 5);

    private double Between(double low, double high) => low + (high - low) * random.NextDouble();
}
