using System.Text.Json.Nodes;
using Schane.Checkpoints;
using static TorchSharp.torch;

namespace Schane.Tests.Generated;

/// <summary>Golden cases of optimisers, schedules and mixing with random settings, from torch's, unilm's and timm's
/// formulas, number by number.</summary>
internal sealed class OptimCases(int seed, string folder)
{
    private readonly Random random = new(seed);

    public void Write()
    {
        Directory.CreateDirectory(folder);
        using var scope = NewDisposeScope();
        Traces();
        Schedules();
        Mixing();
    }

    private void Traces()
    {
        var (traces, tensors) = (new JsonArray(), new Dictionary<string, Tensor>());
        foreach (var kind in (string[])["AdamW", "SGD", "SGD nesterov"])
            traces.Add(Trace(kind, tensors));
        File.WriteAllText(Path.Combine(folder, "optimiser_trace.json"), traces.ToJsonString());
        Safetensors.Write(Path.Combine(folder, "optimiser_trace.safetensors"), tensors);
    }

    private JsonObject Trace(string kind, Dictionary<string, Tensor> tensors)
    {
        var (adam, nesterov) = (kind == "AdamW", kind.EndsWith("nesterov", StringComparison.Ordinal));
        double beta1 = Between(0.5, 0.95), beta2 = Between(0.9, 0.9999), eps = Math.Pow(10, Between(-9, -3)), momentum = Between(0.5, 0.99),
            dampening = nesterov ? 0 : Between(0, 0.5);
        var clip = Between(0.5, 3);
        int[] lengths = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(1, 7))];
        double[] scales = [.. lengths.Select(_ => Between(0.1, 1))], decays = [.. lengths.Select(_ => random.Next(2) * Between(0, 0.3))];
        double[] rates = [.. Enumerable.Range(0, 9).Select(step => 0.02 * step / (step + 3))];
        double[][] values = [.. lengths.Select(Normals)];
        double[][] first = [.. lengths.Select(n => new double[n])], second = [.. lengths.Select(n => new double[n])];
        var name = kind.Replace(' ', '_');
        for (var p = 0; p < lengths.Length; p++)
            tensors[$"{name}.p{p}.step0"] = tensor(values[p]);
        for (var step = 0; step < rates.Length; step++)
        {
            double[][] gradients = [.. lengths.Select(Normals)];
            var norm = Math.Sqrt(gradients.Sum(g => g.Sum(v => v * v)));
            tensors[$"{name}.total_norm{step}"] = tensor(norm);
            for (var p = 0; p < lengths.Length; p++)
            {
                tensors[$"{name}.p{p}.grad{step}"] = tensor(gradients[p]);
                var rate = rates[step] * scales[p];
                for (var i = 0; i < lengths[p]; i++)
                {
                    var g = gradients[p][i] * Math.Min(1, clip / (norm + 1e-6));
                    if (adam)
                    {
                        values[p][i] *= 1 - rate * decays[p];
                        first[p][i] = beta1 * first[p][i] + (1 - beta1) * g;
                        second[p][i] = beta2 * second[p][i] + (1 - beta2) * g * g;
                        values[p][i] -= rate * (first[p][i] / (1 - Math.Pow(beta1, step + 1)))
                            / (Math.Sqrt(second[p][i] / (1 - Math.Pow(beta2, step + 1))) + eps);
                        continue;
                    }
                    g += decays[p] * values[p][i];
                    first[p][i] = step == 0 ? g : momentum * first[p][i] + (1 - dampening) * g;
                    values[p][i] -= rate * (nesterov ? g + momentum * first[p][i] : first[p][i]);
                }
                tensors[$"{name}.p{p}.step{step + 1}"] = tensor(values[p]);
            }
        }
        return new()
        {
            ["name"] = name,
            ["optimiser"] = $"{(adam ? "AdamW" : "SGD")} (",
            ["betas"] = adam ? new JsonArray(beta1, beta2) : new JsonArray(),
            ["eps"] = adam ? eps : null,
            ["momentum"] = adam ? null : momentum,
            ["nesterov"] = adam ? null : nesterov,
            ["dampening"] = adam ? null : dampening,
            ["lr_scale"] = new JsonArray([.. scales.Select(s => (JsonNode)s)]),
            ["weight_decay"] = new JsonArray([.. decays.Select(d => (JsonNode)d)]),
            ["lr_per_step"] = new JsonArray([.. rates.Select(r => (JsonNode)r)]),
            ["clip_grad_norm"] = clip,
            ["steps"] = rates.Length,
        };
    }

    private void Schedules()
    {
        var cases = new JsonArray();
        for (var i = 0; i < 8; i++)
        {
            int epochs = random.Next(2, 8), perEpoch = random.Next(2, 9), warmupEpochs = random.Next(0, 2),
                warmupSteps = random.Next(2) * random.Next(1, perEpoch);
            double peak = Between(1e-5, 1), final = peak * Between(0, 0.5), start = peak * Between(0, 0.5);
            var linear = random.Next(2) == 1;
            var warmup = warmupEpochs == 0 ? 0 : warmupSteps > 0 ? warmupSteps : warmupEpochs * perEpoch;
            var rest = epochs * perEpoch - warmup;
            var values = new JsonArray();
            for (var step = 0; step < warmup; step++)
                values.Add(warmup == 1 ? start : start + (peak - start) * step / (warmup - 1));
            for (var step = 0; step < rest; step++)
                values.Add(linear ? peak + (final - peak) * step / Math.Max(1, rest - 1)
                    : final + (peak - final) / 2 * (1 + Math.Cos(Math.PI * step / rest)));
            var args = new JsonObject
            {
                ["base_value"] = peak,
                ["final_value"] = final,
                ["epochs"] = epochs,
                ["niter_per_ep"] = perEpoch,
                ["warmup_epochs"] = warmupEpochs,
                ["start_warmup_value"] = start
            };
            if (warmup == warmupSteps && warmup > 0)
                args["warmup_steps"] = warmupSteps;
            if (linear)
                args["sched_type"] = "linear";
            cases.Add(new JsonObject { ["args"] = args, ["values"] = values });
        }
        File.WriteAllText(Path.Combine(folder, "schedules.json"),
            new JsonObject { ["unilm_beit3_utils.cosine_scheduler"] = cases }.ToJsonString());
    }

    private void Mixing()
    {
        var (cases, tensors) = (new JsonArray(), new Dictionary<string, Tensor>());
        for (var i = 0; i < 4; i++)
        {
            int count = 2 * random.Next(1, 4), channels = 3, height = random.Next(4, 9), width = random.Next(4,
                9), classes = random.Next(3, 9);
            var (share, smoothing, cut) = (random.NextDouble(), Between(0, 0.4), i % 2 == 1);
            int top = random.Next(height), bottom = random.Next(top, height), left = random.Next(width), right = random.Next(left, width);
            if (cut)
                share = 1 - (bottom - top) * (right - left) / (double)(height * width);
            var x = Enumerable.Range(0, count * channels * height * width).Select(_ => (float)Normal()).ToArray();
            long[] labels = [.. Enumerable.Range(0, count).Select(_ => (long)random.Next(classes))];
            var (mixed, target) = (new float[x.Length], new float[count * classes]);
            var plane = height * width;
            for (var n = 0; n < count; n++)
            {
                for (var at = 0; at < channels * plane; at++)
                {
                    var (mine, other) = (x[n * channels * plane + at], x[(count - 1 - n) * channels * plane + at]);
                    var (row, column) = (at % plane / width, at % width);
                    var inside = row >= top && row < bottom && column >= left && column < right;
                    mixed[n * channels * plane + at] = cut ? inside ? other : mine : (float)(mine * share + other * (1 - share));
                }
                for (var c = 0; c < classes; c++)
                    target[n * classes + c] = (float)(smoothing / classes
                        + (1 - smoothing) * ((labels[n] == c ? share : 0) + (labels[count - 1 - n] == c ? 1 - share : 0)));
            }
            tensors[$"m{i}.x"] = tensor(x, [count, channels, height, width]);
            tensors[$"m{i}.labels"] = tensor(labels);
            tensors[$"m{i}.out"] = tensor(mixed, [count, channels, height, width]);
            tensors[$"m{i}.target"] = tensor(target, [count, classes]);
            var entry = new JsonObject
            {
                ["key"] = $"m{i}",
                ["args"] = new JsonObject
                { ["label_smoothing"] = smoothing, ["num_classes"] = classes, ["mode"] = "batch" },
                ["lam_used"] = share
            };
            if (cut)
                entry["bbox_yl_yh_xl_xh"] = new JsonArray(top, bottom, left, right);
            cases.Add(entry);
        }
        File.WriteAllText(Path.Combine(folder, "mixup.json"), cases.ToJsonString());
        Safetensors.Write(Path.Combine(folder, "mixup.safetensors"), tensors);
    }

    private double Between(double low, double high) => low + (high - low) * random.NextDouble();

    private double[] Normals(int count) => [.. Enumerable.Range(0, count).Select(_ => Normal())];

    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
