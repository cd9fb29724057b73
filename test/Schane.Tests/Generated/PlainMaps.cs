using System.Text.Json.Nodes;

namespace Schane.Tests.Generated;

/// <summary>timm's <c>SwinTransformer</c>.</summary>
internal sealed class PlainSwin(JsonObject config, int seed, double eps) : PlainNet(seed, eps)
{
    private readonly int[] depths = PlainConvNext.Numbers(config["depths"]!), heads = PlainConvNext.Numbers(config["num_heads"]!);

    private int Last => (int)config["embed_dim"]! << (depths.Length - 1);

    public override (int[] Shape, Var[] Values) Features(Var[][] images, int size)
    {
        var side = 0;
        var maps = images.Select(image => Map(image, size, out side)).ToArray();
        return ([images.Length, side, side, Last], [.. maps.SelectMany(m => m).SelectMany(t => t)]);
    }

    public override Var[][] Pool((int[] Shape, Var[] Values) features) =>
        [.. features.Values.Chunk(features.Shape[1] * features.Shape[2] * Last).Select(image => Mean(image.Chunk(Last).ToArray()))];

    public override Var[][] Logits((int[] Shape, Var[] Values) features, Var[][] pooled) =>
        [.. pooled.Select(embedding => Linear(embedding, "head.fc", (int)config["num_classes"]!))];

    private Var[][] Map(Var[] image, int size, out int side)
    {
        var (patch, width) = ((int)config["patch_size"]!, (int)config["embed_dim"]!);
        Var[][] rows = [.. Patches(image, size, "patch_embed.proj", patch, width).Select(t => Norm(t, "patch_embed.norm"))];
        side = size / patch;
        for (var s = 0; s < depths.Length; s++)
        {
            if (s > 0)
            {
                rows = Merge(rows, side, $"layers.{s}.downsample", width);
                (side, width) = ((side + 1) / 2, 2 * width);
            }
            for (var b = 0; b < depths[s]; b++)
                rows = Block(rows, side, $"layers.{s}.blocks.{b}", heads[s], shifted: b % 2 == 1);
        }
        return [.. rows.Select(r => Norm(r, "norm"))];
    }

    /// <summary>(0,0), (1,0), (0,1), (1,1) side by side; past the border there are zeros.</summary>
    private Var[][] Merge(Var[][] rows, int side, string name, int width)
    {
        var half = (side + 1) / 2;
        var zeros = Enumerable.Repeat(0, width).Select(_ => Tape.Leaf(0)).ToArray();
        (int Y, int X)[] order = [(0, 0), (1, 0), (0, 1), (1, 1)];
        return [.. Enumerable.Range(0, half * half).Select(at => order.Select(d => (Y: at / half * 2 + d.Y, X: at % half * 2 + d.X))
            .SelectMany(p => p.Y < side && p.X < side ? rows[p.Y * side + p.X] : zeros).ToArray())
            .Select(four => Linear(Norm(four, $"{name}.norm"), $"{name}.reduction", 2 * width, bias: false))];
    }

    private Var[][] Block(Var[][] rows, int side, string at, int count, bool shifted)
    {
        var given = (int)config["window_size"]!;
        var (window, shift) = (Math.Min(given, side), shifted && side > given ? given / 2 : 0);
        var (width, padded) = (rows[0].Length, (side + window - 1) / window * window);
        var table = Parameter($"{at}.attn.relative_position_bias_table", (2 * window - 1) * (2 * window - 1), count);
        var normed = rows.Select(r => Norm(r, $"{at}.norm1")).ToArray();
        var zeros = Enumerable.Repeat(0, width).Select(_ => Tape.Leaf(0)).ToArray();
        var mixed = new Var[rows.Length][];
        int Region(int p) => shift == 0 || p < padded - window ? 0 : p < padded - shift ? 1 : 2;
        for (var wy = 0; wy < padded; wy += window)
            for (var wx = 0; wx < padded; wx += window)
            {
                // Places of the rolled and padded map, and the tokens that stand there.
                (int Y, int X)[] places = [.. Enumerable.Range(0, window * window).Select(i => (wy + i / window, wx + i % window))];
                int? Token((int Y, int X) p) => p.Y < side && p.X < side ? (p.Y + shift) % side * side + (p.X + shift) % side : null;
                var qkv = places.Select(p => Linear(Token(p) is { } t ? normed[t] : zeros, $"{at}.attn.qkv", 3 * width,
                    (bool?)config["qkv_bias"] ?? true)).ToArray();
                Var? Bias(int h, int q, int k)
                {
                    var row = (q / window - k / window + window - 1) * (2 * window - 1) + q % window - k % window + window - 1;
                    var bias = table[row * count + h];
                    return (Region(places[q].Y), Region(places[q].X)) == (Region(places[k].Y), Region(places[k].X)) ? bias : bias + -100;
                }
                var answers = Attention(qkv, count, Bias);
                for (var i = 0; i < places.Length; i++)
                    if (Token(places[i]) is { } t)
                        mixed[t] = Linear(answers[i], $"{at}.attn.proj", width);
            }
        rows = [.. rows.Zip(mixed, Sum)];
        return [.. rows.Select(r => Sum(r, Mlp(Norm(r, $"{at}.norm2"), $"{at}.mlp", (int)(width * ((double?)config["mlp_ratio"] ?? 4)))))];
    }
}

/// <summary>timm's <c>ConvNeXt</c>.</summary>
internal sealed class PlainConvNext(JsonObject config, int seed, double eps) : PlainNet(seed, eps)
{
    private readonly int[] depths = Numbers(config["depths"]!), widths = Numbers(config["dims"]!);

    public static int[] Numbers(JsonNode list) => [.. list.AsArray().Select(n => (int)n!)];

    public override (int[] Shape, Var[] Values) Features(Var[][] images, int size)
    {
        var patch = (int?)config["patch_size"] ?? 4;
        var kernels = config["kernel_sizes"] switch
        { null => [.. depths.Select(_ => 7)], JsonArray list => Numbers(list), var one => [.. depths.Select(_ => (int)one)] };
        var pointwise = (bool?)config["conv_mlp"] ?? false;
        var side = 0;
        var values = new List<Var>();
        foreach (var image in images)
        {
            side = size / patch;
            var maps = OnTokens(Convolve(image.Chunk(size * size).ToArray(), size, "stem.0", widths[0], patch, patch, 0, bias: true),
                t => Norm(t, "stem.1"));
            for (var s = 0; s < depths.Length; s++)
            {
                if (s > 0)
                {
                    maps = Convolve(OnTokens(maps, t => Norm(t, $"stages.{s}.downsample.0")), side, $"stages.{s}.downsample.1",
                        widths[s], 2, 2, 0, bias: true);
                    side /= 2;
                }
                for (var b = 0; b < depths[s]; b++)
                {
                    var at = $"stages.{s}.blocks.{b}";
                    var (kernel, width) = (kernels[s], widths[s]);
                    var mixed = Convolve(maps, side, $"{at}.conv_dw", width, kernel, 1, kernel / 2, bias: true, groups: width);
                    var fed = OnTokens(mixed, t => Mlp(Norm(t, $"{at}.norm"), $"{at}.mlp", 4 * width, pointwise: pointwise));
                    // Layer scale is there by default; null leaves it out.
                    var gamma = config.ContainsKey("ls_init_value") && config["ls_init_value"] is null
                        ? null : Parameter($"{at}.gamma", width);
                    maps = [.. maps.Select((map, c) => map.Zip(fed[c], (x, f) => x + (gamma is null ? f : f * gamma[c])).ToArray())];
                }
            }
            values.AddRange(maps.SelectMany(m => m));
        }
        return ([images.Length, widths[^1], side, side], [.. values]);
    }

    public override Var[][] Pool((int[] Shape, Var[] Values) features) =>
        [.. PlainResNet.Averages(this, features).Select(pooled => Norm(pooled, "head.norm"))];

    public override Var[][] Logits((int[] Shape, Var[] Values) features, Var[][] pooled) =>
        [.. pooled.Select(embedding => Linear(embedding, "head.fc", (int)config["num_classes"]!))];

    private static Var[][] OnTokens(Var[][] maps, Func<Var[], Var[]> change)
    {
        var tokens = Enumerable.Range(0, maps[0].Length).Select(at => change([.. maps.Select(map => map[at])])).ToArray();
        return [.. Enumerable.Range(0, tokens[0].Length).Select(c => tokens.Select(t => t[c]).ToArray())];
    }
}

/// <summary>timm's <c>ResNet</c>.</summary>
internal sealed class PlainResNet(JsonObject config, bool bottleneck, int seed) : PlainNet(seed, Eps)
{
    private const double Eps = 1e-5;
    private readonly int[] layers = PlainConvNext.Numbers(config["layers"]!), widths = PlainConvNext.Numbers(config["channels"]!);

    public override (int[] Shape, Var[] Values) Features(Var[][] images, int size)
    {
        var side = (size + 1) / 2;
        Var[][][] batch = [
            .. images.Select(image => Convolve(image.Chunk(size * size).ToArray(), size, "conv1", 64, 7, 2, 3, bias: false))];
        batch = Each(BatchNorm(batch, "bn1"), v => v.Relu());
        (batch, side) = ([.. batch.Select(maps => maps.Select(map => MaxPool(map, side)).ToArray())], (side + 1) / 2);
        for (var s = 0; s < layers.Length; s++)
            for (var b = 0; b < layers[s]; b++)
            {
                var stride = b == 0 && s > 0 ? 2 : 1;
                batch = Block(batch, side, $"layer{s + 1}.{b}", widths[s], stride);
                side = (side + stride - 1) / stride;
            }
        return ([images.Length, batch[0].Length, side, side], [.. batch.SelectMany(m => m).SelectMany(m => m)]);
    }

    public override Var[][] Pool((int[] Shape, Var[] Values) features) => Averages(this, features);

    public override Var[][] Logits((int[] Shape, Var[] Values) features, Var[][] pooled) =>
        [.. pooled.Select(embedding => Linear(embedding, "fc", (int)config["num_classes"]!))];

    internal static Var[][] Averages(PlainNet net, (int[] Shape, Var[] Values) features) =>
        [.. features.Values.Chunk(features.Shape[1] * features.Shape[2] * features.Shape[3])
        .Select(image =>
            image.Chunk(features.Shape[2] * features.Shape[3]).Select(map => net.Tape.Sum(map) * (1.0 / map.Length)).ToArray())];

    private Var[][][] Block(Var[][][] input, int side, string at, int width, int stride)
    {
        var outputs = bottleneck ? 4 * width : width;
        var groups = (int?)config["cardinality"] ?? 1;
        var inner = width * ((int?)config["base_width"] ?? 64) / 64 * groups;
        var to = (side + stride - 1) / stride;
        Var[][][] Step(Var[][][] x, int from, int number, int width, int kernel, int step, int groups = 1) =>
            BatchNorm([.. x.Select(maps =>
                Convolve(maps, from, $"{at}.conv{number}", width, kernel, step, kernel / 2, bias: false, groups))], $"{at}.bn{number}");
        Var[][][] x;
        if (bottleneck)
        {
            x = Each(Step(input, side, 1, inner, 1, 1), v => v.Relu());
            x = Each(Step(x, side, 2, inner, 3, stride, groups), v => v.Relu());
            x = Step(x, to, 3, outputs, 1, 1);
        }
        else
        {
            x = Each(Step(input, side, 1, width, 3, stride), v => v.Relu());
            x = Step(x, to, 2, outputs, 3, 1);
        }
        var shortcut = stride == 1 && input[0].Length == outputs ? input
            : BatchNorm([.. input.Select(maps => Convolve(maps, side, $"{at}.downsample.0", outputs, 1, stride, 0, bias: false))],
                $"{at}.downsample.1");
        return [.. x.Zip(shortcut, (one, two) => one.Zip(two, (a, b) => Sum(a, b).Select(v => v.Relu()).ToArray()).ToArray())];
    }

    private Var[][][] BatchNorm(Var[][][] batch, string name)
    {
        var channels = batch[0].Length;
        var (weight, bias) = (Parameter($"{name}.weight", channels), Parameter($"{name}.bias", channels));
        if (!Buffers.ContainsKey($"{name}.running_mean"))
        {
            Buffers[$"{name}.running_mean"] = [.. Enumerable.Range(0, channels).Select(_ => (double)(float)(0.2 * Draw()))];
            Buffers[$"{name}.running_var"] = [.. Enumerable.Range(0, channels).Select(_ => (double)(float)Math.Exp(0.2 * Draw()))];
        }
        var (mean, variance) = (Buffers[$"{name}.running_mean"], Buffers[$"{name}.running_var"]);
        var result = batch.Select(_ => new Var[channels][]).ToArray();
        (BuffersAfter[$"{name}.running_mean"], BuffersAfter[$"{name}.running_var"]) = ([.. mean], [.. variance]);
        for (var c = 0; c < channels; c++)
        {
            Var[] all = [.. batch.SelectMany(maps => maps[c])];
            var centre = Trains ? Tape.Sum(all) * (1.0 / all.Length) : Tape.Leaf(mean[c]);
            var spread = Trains ? Tape.Sum(all.Select(v => (v - centre) * (v - centre))) * (1.0 / all.Length) : Tape.Leaf(variance[c]);
            if (Trains)
            {
                BuffersAfter[$"{name}.running_mean"][c] = 0.9 * mean[c] + 0.1 * centre.Value;
                BuffersAfter[$"{name}.running_var"][c] = 0.9 * variance[c] + 0.1 * spread.Value * all.Length / (all.Length - 1);
            }
            var deviation = (spread + Eps).Sqrt();
            for (var n = 0; n < batch.Length; n++)
                result[n][c] = [.. batch[n][c].Select(v => (v - centre) / deviation * weight[c] + bias[c])];
        }
        return result;
    }

    /// <summary>3 × 3, step 2, one pixel of border that never wins.</summary>
    private static Var[] MaxPool(Var[] map, int side)
    {
        var to = (side + 1) / 2;
        return [.. Enumerable.Range(0, to * to)
            .Select(at => Enumerable.Range(0, 9).Select(d => (Y: at / to * 2 + d / 3 - 1, X: at % to * 2 + d % 3 - 1))
            .Where(p => p.Y >= 0 && p.Y < side && p.X >= 0 && p.X < side).Select(p => map[p.Y * side + p.X]).MaxBy(v => v.Value))];
    }

    private static Var[][][] Each(Var[][][] batch, Func<Var, Var> change) =>
        [.. batch.Select(maps => maps.Select(map => map.Select(change).ToArray()).ToArray())];
}
