using System.Text.Json.Nodes;

namespace Schane.Tests.Generated;

/// <summary>timm's <c>VisionTransformer</c> and <c>VisionTransformerDistilled</c>.</summary>
internal sealed class PlainVision(JsonObject config, bool distilled, int seed, double eps) : PlainNet(seed, eps)
{
    private readonly int patch = (int)config["patch_size"]!, width = (int)config["embed_dim"]!, heads = (int)config["num_heads"]!,
        classes = (int)config["num_classes"]!;
    private readonly bool averages = (string?)config["global_pool"] == "avg";
    private readonly int registers = (int?)config["reg_tokens"] ?? 0;
    private readonly bool hasClass = (bool?)config["class_token"] ?? true;

    private bool NormsPooled => (bool?)config["fc_norm"] ?? averages;

    private int Prefix => (hasClass ? 1 : 0) + (distilled ? 1 : 0) + registers;

    public override (int[] Shape, Var[] Values) Features(Var[][] images, int size)
    {
        var rows = images.Select(image => Tokens(image, size)).ToArray();
        return ([images.Length, rows[0].Length, width], [.. rows.SelectMany(r => r).SelectMany(t => t)]);
    }

    public override Var[][] Pool((int[] Shape, Var[] Values) features) =>
        [.. features.Values.Chunk(features.Shape[1] * width).Select(image =>
        {
            var rows = image.Chunk(width).ToArray();
            var pooled = averages ? Mean(rows[Prefix..]) : distilled ? Mean(rows[..2]) : rows[0];
            return NormsPooled ? Norm(pooled, "fc_norm") : pooled;
        })];

    public override Var[][] Logits((int[] Shape, Var[] Values) features, Var[][] pooled) => [.. pooled.Select((embedding, i) =>
    {
        if (!distilled)
            return Linear(embedding, "head", classes);
        var rows = features.Values.Chunk(features.Shape[1] * width).ElementAt(i).Chunk(width).Take(2).ToArray();
        return Mean([Linear(rows[0], "head", classes), Linear(rows[1], "head_dist", classes)]);
    })];

    private Var[][] Tokens(Var[] image, int size)
    {
        var preNorm = (bool?)config["pre_norm"] ?? false;
        var patches = Patches(image, size, "patch_embed.proj", patch, width, bias: !preNorm);
        var prefix = new List<Var[]>();
        if (hasClass)
            prefix.Add(Parameter("cls_token", 1, 1, width));
        if (distilled)
            prefix.Add(Parameter("dist_token", 1, 1, width));
        if (registers > 0)
            prefix.AddRange(Parameter("reg_token", 1, registers, width).Chunk(width));
        var patchesAlone = (bool?)config["no_embed_class"] ?? false;
        var positions = Parameter("pos_embed", 1, patches.Length + (patchesAlone ? 0 : prefix.Count), width).Chunk(width).ToArray();
        Var[][] rows = patchesAlone ? [.. prefix, .. patches.Zip(positions, Sum)] : [.. prefix.Concat(patches).Zip(positions, Sum)];
        if (preNorm)
            rows = [.. rows.Select(r => Norm(r, "norm_pre"))];
        for (var b = 0; b < (int)config["depth"]!; b++)
        {
            var at = $"blocks.{b}";
            var mixed = Attention([.. rows.Select(r =>
                Linear(Norm(r, $"{at}.norm1"), $"{at}.attn.qkv", 3 * width, (bool?)config["qkv_bias"] ?? true))], heads);
            rows = [.. rows.Select((r, t) => Sum(r, Scale(Linear(mixed[t], $"{at}.attn.proj", width), $"{at}.ls1.gamma")))];
            rows = [.. rows.Select(r => Sum(r, Scale(Mlp(Norm(r, $"{at}.norm2"), $"{at}.mlp", Hidden(config, width)), $"{at}.ls2.gamma")))];
        }
        return NormsPooled ? rows : [.. rows.Select(r => Norm(r, "norm"))];
    }

    private Var[] Scale(Var[] x, string name) => config["init_values"] is null ? x : [.. x.Zip(Parameter(name, width), (a, b) => a * b)];

    internal static int Hidden(JsonObject config, int width) => (int)(width * ((double?)config["mlp_ratio"] ?? 4));
}

/// <summary>timm's <c>Beit</c>.</summary>
internal sealed class PlainBeit(JsonObject config, int seed, double eps) : PlainNet(seed, eps)
{
    private const string Table = "relative_position_bias_table";

    private readonly int patch = (int)config["patch_size"]!, width = (int)config["embed_dim"]!, heads = (int)config["num_heads"]!,
        classes = (int)config["num_classes"]!;
    private readonly bool averages = ((string?)config["global_pool"] ?? "avg") == "avg";

    public override (int[] Shape, Var[] Values) Features(Var[][] images, int size)
    {
        var rows = images.Select(image => Tokens(image, size)).ToArray();
        return ([images.Length, rows[0].Length, width], [.. rows.SelectMany(r => r).SelectMany(t => t)]);
    }

    public override Var[][] Pool((int[] Shape, Var[] Values) features) => [.. features.Values.Chunk(features.Shape[1] * width)
        .Select(image => image.Chunk(width).ToArray()).Select(rows => averages ? Norm(Mean(rows[1..]), "fc_norm") : rows[0])];

    public override Var[][] Logits((int[] Shape, Var[] Values) features, Var[][] pooled) =>
        [.. pooled.Select(embedding => Linear(embedding, "head", classes))];

    private Var[][] Tokens(Var[] image, int size)
    {
        Var[][] rows = [Parameter("cls_token", 1, 1, width), .. Patches(image, size, "patch_embed.proj", patch, width)];
        if ((bool?)config["use_abs_pos_emb"] ?? true)
            rows = [.. rows.Zip(Parameter("pos_embed", 1, rows.Length, width).Chunk(width), Sum)];
        var side = size / patch;
        for (var b = 0; b < (int)config["depth"]!; b++)
        {
            var at = $"blocks.{b}";
            var qkv = rows.Select(r => Linear(Norm(r, $"{at}.norm1"), $"{at}.attn.qkv", 3 * width, bias: false)).ToArray();
            if ((bool?)config["qkv_bias"] ?? true)
            {
                var (q, v) = (Parameter($"{at}.attn.q_bias", width), Parameter($"{at}.attn.v_bias", width));
                qkv = [.. qkv.Select(r => r.Select((x, i) => i < width ? x + q[i] : i < 2 * width ? x : x + v[i - 2 * width]).ToArray())];
            }
            List<Var[]> tables = [];
            if ((bool?)config["use_rel_pos_bias"] ?? false)
                tables.Add(Parameter($"{at}.attn.{Table}", (2 * side - 1) * (2 * side - 1) + 3, heads));
            if ((bool?)config["use_shared_rel_pos_bias"] ?? false)
                tables.Add(Parameter($"rel_pos_bias.{Table}", (2 * side - 1) * (2 * side - 1) + 3, heads));
            Var? Bias(int h, int q, int k) =>
                tables.Count == 0 ? null : Tape.Sum(tables.Select(table => table[Row(q, k, side) * heads + h]));
            var mixed = Attention(qkv, heads, Bias);
            rows = [.. rows.Select((r, t) => Sum(r, Scale(Linear(mixed[t], $"{at}.attn.proj", width), $"{at}.gamma_1")))];
            rows = [.. rows.Select(r =>
                Sum(r, Scale(Mlp(Norm(r, $"{at}.norm2"), $"{at}.mlp", PlainVision.Hidden(config, width)), $"{at}.gamma_2")))];
        }
        return averages ? rows : [.. rows.Select(r => Norm(r, "norm"))];
    }

    /// <summary>Offsets between patches row by row; then class to patch, patch to class, class to class.</summary>
    private static int Row(int query, int key, int side)
    {
        var last = (2 * side - 1) * (2 * side - 1);
        if (query == 0 || key == 0)
            return query == 0 && key == 0 ? last + 2 : query == 0 ? last : last + 1;
        var (q, k) = (query - 1, key - 1);
        return (q / side - k / side + side - 1) * (2 * side - 1) + q % side - k % side + side - 1;
    }

    private Var[] Scale(Var[] x, string name) => config["init_values"] is null ? x : [.. x.Zip(Parameter(name, width), (a, b) => a * b)];
}

/// <summary>The vision path of torchscale's BEiT-3 with unilm's classifier.</summary>
internal sealed class PlainBeit3(JsonObject config, int classes, int seed, double eps) : PlainNet(seed, eps)
{
    private readonly int patch = (int)config["patch_size"]!, width = (int)config["encoder_embed_dim"]!,
        heads = (int)config["encoder_attention_heads"]!;

    public override (int[] Shape, Var[] Values) Features(Var[][] images, int size)
    {
        var rows = images.Select(image => Tokens(image, size)).ToArray();
        return ([images.Length, rows[0].Length, width], [.. rows.SelectMany(r => r).SelectMany(t => t)]);
    }

    public override Var[][] Pool((int[] Shape, Var[] Values) features) =>
        [.. features.Values.Chunk(features.Shape[1] * width).Select(image => Norm(Mean(image.Chunk(width).Skip(1).ToArray()), "fc_norm"))];

    public override Var[][] Logits((int[] Shape, Var[] Values) features, Var[][] pooled) =>
        [.. pooled.Select(embedding => Linear(embedding, "head", classes))];

    private Var[][] Tokens(Var[] image, int size)
    {
        Var[][] rows = [Parameter("beit3.vision_embed.cls_token", 1, 1, width),
            .. Patches(image, size, "beit3.vision_embed.proj", patch, width)];
        // Positions begin at row 2.
        rows = [.. rows.Zip(Parameter("beit3.encoder.embed_positions.A.weight", rows.Length + 2, width).Chunk(width).Skip(2), Sum)];
        for (var b = 0; b < (int)config["encoder_layers"]!; b++)
        {
            var at = $"beit3.encoder.layers.{b}";
            var qkv = rows.Select(r => Norm(r, $"{at}.self_attn_layer_norm.A")).Select(r =>
                new[] { "q", "k", "v" }.SelectMany(part => Linear(r, $"{at}.self_attn.{part}_proj.A", width)).ToArray()).ToArray();
            var mixed = Attention(qkv, heads);
            rows = [.. rows.Select((r, t) =>
                Sum(r, Linear(Norm(mixed[t], $"{at}.self_attn.inner_attn_ln.A"), $"{at}.self_attn.out_proj.A", width)))];
            rows = [.. rows.Select(r => Sum(r, Mlp(Norm(r, $"{at}.final_layer_norm.A"), $"{at}.ffn.A",
                (int)config["encoder_ffn_embed_dim"]!, m => Norm(m, $"{at}.ffn.A.ffn_layernorm"))))];
        }
        return (bool)config["normalize_output"]! ? [.. rows.Select(r => Norm(r, "beit3.encoder.layer_norm.A"))] : rows;
    }
}
