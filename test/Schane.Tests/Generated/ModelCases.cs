using System.Text.Json.Nodes;
using Schane.Checkpoints;
using static TorchSharp.torch;

namespace Schane.Tests.Generated;

/// <summary>Golden cases of models with random constructor arguments; values and gradients come from a <see cref="PlainNet"/>.</summary>
internal sealed class ModelCases(int seed, string folder)
{
    private const int Images = 2;

    private readonly Random random = new(seed);

    /// <summary>One case of each family.</summary>
    public void Write()
    {
        Directory.CreateDirectory(folder);
        Vision(distilled: false);
        Vision(distilled: true);
        Beit();
        Beit3();
        Swin();
        ConvNext();
        ResNet(bottleneck: false);
        ResNet(bottleneck: true);
    }

    private void Vision(bool distilled)
    {
        var (patch, size) = Grid();
        var heads = One(1, 2, 3);
        var hasClass = distilled || Coin(0.7);
        var averages = !distilled && (!hasClass || Coin());
        var config = Config(size, ("patch_size", patch), ("embed_dim", heads * One(4, 6)), ("depth", One(1, 2)), ("num_heads", heads),
            ("mlp_ratio", One(1.0, 2.5, 3, 4)), ("qkv_bias", Coin()));
        if (Coin())
            config["init_values"] = 0.3;
        if (!distilled)
        {
            config["global_pool"] = averages ? "avg" : "token";
            config["class_token"] = hasClass;
            config["reg_tokens"] = One(0, 2);
            config["no_embed_class"] = Coin();
            config["pre_norm"] = Coin();
            if (Coin())
                config["fc_norm"] = averages && Coin();
        }
        var eps = One(1e-6, 1e-5);
        Save(distilled ? "timm.models.deit.VisionTransformerDistilled" : "timm.models.vision_transformer.VisionTransformer", config, size,
            eps, () => new PlainVision(config, distilled, seed, eps));
    }

    private void Beit()
    {
        var (patch, size) = Grid();
        var heads = One(1, 2, 3);
        var config = Config(size, ("patch_size", patch), ("embed_dim", heads * One(4, 6)), ("depth", One(1, 2)), ("num_heads", heads),
            ("mlp_ratio", One(2.0, 2.5, 3)), ("qkv_bias", Coin()),
            ("use_abs_pos_emb", Coin()), ("use_rel_pos_bias", Coin()), ("use_shared_rel_pos_bias", Coin()),
            ("global_pool", One("avg", "token")));
        if (Coin(0.7))
            config["init_values"] = 0.2;
        var eps = One(1e-6, 1e-5);
        Save("timm.models.beit.Beit", config, size, eps, () => new PlainBeit(config, seed, eps));
    }

    private void Beit3()
    {
        var (patch, size) = Grid();
        var heads = One(1, 2, 3);
        var encoder = new JsonObject
        {
            ["img_size"] = size,
            ["patch_size"] = patch,
            ["multiway"] = true,
            ["layernorm_embedding"] = false,
            ["normalize_output"] = Coin(),
            ["encoder_embed_dim"] = heads * One(4, 6),
            ["encoder_attention_heads"] = heads,
            ["encoder_ffn_embed_dim"] = One(10, 13, 24),
            ["encoder_layers"] = One(1, 2),
        };
        var classes = One(3, 5);
        Save("unilm beit3 modeling_finetune.BEiT3ForImageClassification + torchscale", new()
        { ["EncoderConfig"] = encoder, ["num_classes"] = classes }, size, 1e-5, () => new PlainBeit3(encoder, classes, seed, 1e-5));
    }

    private void Swin()
    {
        var config = Config(One(8, 10, 12), ("patch_size", 2), ("window_size", One(2, 3, 4)), ("embed_dim", 4),
            ("depths", new JsonArray(One(1, 2), One(1, 2))), ("num_heads", new JsonArray(One(1, 2), 2)),
            ("mlp_ratio", One(2.0, 3)), ("qkv_bias", Coin()));
        var eps = One(1e-5, 1e-6);
        Save("timm.models.swin_transformer.SwinTransformer", config, (int)config["img_size"]!, eps, () => new PlainSwin(config, seed, eps));
    }

    private void ConvNext()
    {
        var patch = One(2, 4);
        var config = Config(size: null, ("depths", new JsonArray(1, One(1, 2))), ("dims", new JsonArray(4, One(4, 6))),
            ("conv_mlp", Coin()), ("patch_size", patch), ("kernel_sizes", One(3, 5, 7)));
        if (Coin())
            config["ls_init_value"] = Coin() ? 0.1 : null;
        Save("timm.models.convnext.ConvNeXt", config, patch * 4, 1e-6, () => new PlainConvNext(config, seed, 1e-6));
    }

    private void ResNet(bool bottleneck)
    {
        var config = Config(size: null, ("layers", new JsonArray(1, One(1, 2))), ("channels", new JsonArray(4, One(4, 8))));
        if (bottleneck)
        {
            config["cardinality"] = One(1, 2);
            config["base_width"] = One(32, 64, 128);
        }
        Save($"timm.models.resnet.ResNet({(bottleneck ? "Bottleneck" : "BasicBlock")})", config, 12, 1e-5,
            () => new PlainResNet(config, bottleneck, seed), trains: true);
    }

    private void Save(string peer, JsonObject config, int size, double eps, Func<PlainNet> make, bool trains = false)
    {
        using var scope = NewDisposeScope();
        var channels = One(1, 3);
        if (peer.StartsWith("timm", StringComparison.Ordinal))
            config["in_chans"] = channels;
        else
            channels = 3;
        var name = $"{peer.Split('.')[^1].Split('(', ' ')[0].ToLowerInvariant()}_{Directory.GetFiles(folder, "*.json").Length}_seed{seed}";
        var classes = (int)config["num_classes"]!;
        float[][] images = [.. Enumerable.Range(0, Images)
            .Select(_ => Enumerable.Range(0, channels * size * size).Select(_ => (float)(2 * random.NextDouble() - 1)).ToArray())];
        int[] labels = [.. Enumerable.Range(0, Images).Select(_ => random.Next(classes))];
        var facts = new JsonObject
        {
            ["name"] = name,
            ["peer"] = peer,
            ["config"] = config.DeepClone(),
            ["input_shape"] = new JsonArray(Images, channels, size, size),
            ["norm_eps"] = new JsonObject { ["all"] = eps },
        };
        var input = tensor(images.SelectMany(i => i).ToArray(), [Images, channels, size, size]);
        var io = new Dictionary<string, Tensor> { ["input"] = input, ["labels"] = tensor(labels.Select(l => (long)l).ToArray()) };
        var net = make();
        var run = Run(net, images, labels, size);
        Numbers(io, "features", run.Features.Values, run.Features.Shape);
        Numbers(io, "pooled", [.. run.Pooled.SelectMany(p => p)], [Images, run.Pooled[0].Length]);
        Numbers(io, "logits", [.. run.Logits.SelectMany(l => l)], [Images, classes]);
        io["input_grad64"] = tensor(run.Inputs.SelectMany(i => i).Select(v => run.Gradients[v.Index]).ToArray(), input.shape);
        facts["grad_norm64"] = Norms(net, run.Gradients);
        facts["grad_norm32"] = Norms(net, run.Gradients);
        if (trains)
        {
            var training = make();
            training.Trains = true;
            var trained = Run(training, images, labels, size);
            io["train.input"] = input.alias();
            io["train.labels"] = io["labels"].alias();
            io["train.logits64"] = tensor(trained.Logits.SelectMany(l => l).Select(v => v.Value).ToArray(), [Images, classes]);
            foreach (var (buffer, values) in training.BuffersAfter)
                io[$"train.buffer.{buffer}"] = tensor(values);
            facts["train"] = new JsonObject { ["grad_norm64"] = Norms(training, trained.Gradients) };
        }
        var weights = net.Parameters.ToDictionary(p => p.Key,
            p => tensor(p.Value.Values.Select(v => (float)v.Value).ToArray(), [.. p.Value.Shape.Select(s => (long)s)]));
        foreach (var (buffer, values) in net.Buffers)
            weights[buffer] = tensor(values.Select(v => (float)v).ToArray());
        foreach (var norm in net.Buffers.Keys.Where(b => b.EndsWith("running_mean", StringComparison.Ordinal)))
            weights[norm.Replace("running_mean", "num_batches_tracked")] = tensor(0L);
        Safetensors.Write(Path.Combine(folder, $"{name}.weights.safetensors"), weights);
        Safetensors.Write(Path.Combine(folder, $"{name}.io.safetensors"), io);
        File.WriteAllText(Path.Combine(folder, $"{name}.json"), facts.ToJsonString());
    }

    private static (Var[][] Inputs, (int[] Shape, Var[] Values) Features, Var[][] Pooled, Var[][] Logits, double[] Gradients) Run(
        PlainNet net, float[][] images, int[] labels, int size)
    {
        Var[][] inputs = [.. images.Select(image => image.Select(v => net.Tape.Leaf(v)).ToArray())];
        var features = net.Features(inputs, size);
        var pooled = net.Pool(features);
        var logits = net.Logits(features, pooled);
        var loss =
            net.Tape.Sum(logits.Select((row, i) => net.Tape.Sum(row.Select(v => v.Exp())).Log() - row[labels[i]])) * (1.0 / labels.Length);
        return (inputs, features, pooled, logits, net.Tape.Gradients(loss));
    }

    private static JsonObject Norms(PlainNet net, double[] gradients) =>
        new(net.Parameters.Select(p =>
            KeyValuePair.Create<string, JsonNode?>(p.Key, Math.Sqrt(p.Value.Values.Sum(v => gradients[v.Index] * gradients[v.Index])))));

    private static void Numbers(Dictionary<string, Tensor> io, string name, Var[] values, int[] shape)
    {
        var numbers = tensor(values.Select(v => v.Value).ToArray(), [.. shape.Select(s => (long)s)]);
        (io[$"{name}64"], io[$"{name}32"]) = (numbers, numbers.to_type(ScalarType.Float32));
    }

    private (int Patch, int Size) Grid()
    {
        var patch = One(2, 3, 4);
        return (patch, patch * One(2, 3));
    }

    private JsonObject Config(int? size, params (string Key, JsonNode? Value)[] settings)
    {
        var config = new JsonObject { ["num_classes"] = One(3, 5) };
        if (size is { } pixels)
            config["img_size"] = pixels;
        foreach (var (key, value) in settings)
            config[key] = value;
        return config;
    }

    private T One<T>(params T[] choices) => choices[random.Next(choices.Length)];

    private bool Coin(double chance = 0.5) => random.NextDouble() < chance;
}
