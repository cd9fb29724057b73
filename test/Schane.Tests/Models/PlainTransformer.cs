using Schane.Models.Transformers;
using static TorchSharp.torch;

namespace Schane.Tests.Models;

/// <summary>A vision transformer in double-precision loops, from the papers: the oracle for flavours without a golden case. Slow
/// and plain on purpose.</summary>
internal sealed class PlainTransformer(IReadOnlyDictionary<string, Tensor> state, VisionTransformerShape shape, double eps,
    Func<double, double> activation)
{
    /// <param name="image">[3, H, H].</param>
    /// <returns>The embedding, D numbers.</returns>
    public double[] Embed(Tensor image)
    {
        var (pixels, side, p) = (Values(image), (int)image.shape[1] / shape.Patch, shape.Patch);
        var kernel = Values(state["patch_embed.proj.weight"]);
        var patchBias = state.TryGetValue("patch_embed.proj.bias", out var b) ? Values(b) : new double[shape.Width];
        var tokens = new List<double[]>();
        for (var y = 0; y < side; y++)
            for (var x = 0; x < side; x++)
            {
                var token = new double[shape.Width];
                for (var o = 0; o < shape.Width; o++)
                {
                    token[o] = patchBias[o];
                    for (var c = 0; c < 3; c++)
                        for (var v = 0; v < p; v++)
                            for (var u = 0; u < p; u++)
                                token[o] += kernel[((o * 3 + c) * p + v) * p + u]
                                    * pixels[(c * side * p + y * p + v) * side * p + x * p + u];
                }
                tokens.Add(token);
            }

        var prefix = new List<double[]> { Values(state["cls_token"]) };
        if (state.TryGetValue("reg_token", out var registers))
            prefix.AddRange(Values(registers).Chunk(shape.Width));
        var positions = Values(state["pos_embed"]).Chunk(shape.Width).ToArray();
        var positioned = positions.Length == tokens.Count ? tokens : [.. prefix, .. tokens];
        for (var t = 0; t < positioned.Count; t++)
            positioned[t] = Sum(positioned[t], positions[t]);
        if (ReferenceEquals(positioned, tokens))
            positioned = [.. prefix, .. tokens];

        var rows = positioned.ToArray();
        if (state.ContainsKey("norm_pre.weight"))
            rows = [.. rows.Select(r => Norm(r, "norm_pre"))];
        for (var i = 0; i < shape.Depth; i++)
            rows = Block(rows, $"blocks.{i}.");
        if (!shape.AveragePool)
            return Norm(rows[0], "norm");
        var mean = rows.Skip(prefix.Count).Aggregate(Sum).Select(v => v / tokens.Count).ToArray();
        return Norm(mean, "fc_norm");
    }

    private double[][] Block(double[][] rows, string at)
    {
        var (n, d, h) = (rows.Length, shape.Width / shape.Heads, shape.Heads);
        var qkv = rows.Select(r => Linear(Norm(r, $"{at}norm1"), $"{at}attn.qkv")).ToArray();
        var mixed = rows.Select(_ => new double[shape.Width]).ToArray();
        for (var head = 0; head < h; head++)
            for (var q = 0; q < n; q++)
            {
                double Part(int token, int which, int i) => qkv[token][which * shape.Width + head * d + i];
                var scores = Enumerable.Range(0, n)
                    .Select(k => Math.Exp(Enumerable.Range(0, d).Sum(i => Part(q, 0, i) * Part(k, 1, i)) / Math.Sqrt(d))).ToArray();
                for (var i = 0; i < d; i++)
                    mixed[q][head * d + i] = Enumerable.Range(0, n).Sum(k => scores[k] * Part(k, 2, i)) / scores.Sum();
            }
        rows = [.. rows.Select((r, t) => Sum(r, Scale(Linear(mixed[t], $"{at}attn.proj"), $"{at}ls1.gamma")))];
        return [.. rows.Select(r => Sum(r,
            Scale(Linear([.. Linear(Norm(r, $"{at}norm2"), $"{at}mlp.fc1").Select(activation)], $"{at}mlp.fc2"), $"{at}ls2.gamma")))];
    }

    private double[] Linear(double[] x, string name)
    {
        var (weight, bias) = (Values(state[$"{name}.weight"]), Values(state[$"{name}.bias"]));
        return [.. bias.Select((b, o) => b + x.Select((v, i) => v * weight[o * x.Length + i]).Sum())];
    }

    private double[] Norm(double[] x, string name)
    {
        var (weight, bias, mean) = (Values(state[$"{name}.weight"]), Values(state[$"{name}.bias"]), x.Average());
        var deviation = Math.Sqrt(x.Average(v => (v - mean) * (v - mean)) + eps);
        return [.. x.Select((v, i) => (v - mean) / deviation * weight[i] + bias[i])];
    }

    private double[] Scale(double[] x, string name) =>
        state.TryGetValue(name, out var gamma) ? [.. x.Zip(Values(gamma), (a, b) => a * b)] : x;

    private static double[] Sum(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    private static double[] Values(Tensor tensor) => tensor.detach().to(ScalarType.Float64).contiguous().view(-1).data<double>().ToArray();
}
