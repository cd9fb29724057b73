using System.Text.Json.Nodes;
using Schane.Checkpoints;
using Schane.Recipes;
using Schane.Tests.Support;
using Schane.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Training;

public class OptimizerTests(ITestOutputHelper output)
{
    public static IEnumerable<TheoryDataRow<string>> Folders => GoldenFolder.Of("optim", "optimiser_trace.json");

    [Theory]
    [MemberData(nameof(Folders))]
    public void Every_trace_of_torch_is_followed_to_twelve_digits(string folder)
    {
        var traces = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "optimiser_trace.json")))!.AsArray();
        using var file = Safetensors.Open(Path.Combine(folder, "optimiser_trace.safetensors"));
        foreach (var trace in traces)
            Follow(trace!, file);
        output.WriteLine($"{traces.Count} traces");
        Assert.NotEmpty(traces);
    }

    private static void Follow(JsonNode trace, SafetensorsFile file)
    {
        using var scope = NewDisposeScope();
        var name = (string)trace["name"]!;
        var rates = trace["lr_per_step"]!.AsArray().Select(v => (double)v!).ToArray();
        var (scales, decays) = (trace["lr_scale"]!.AsArray(), trace["weight_decay"]!.AsArray());
        var values = Enumerable.Range(0, scales.Count).Select(p => file.Read($"{name}.p{p}.step0").requires_grad_()).ToArray();
        using var parameters = new FlatParameters(
            [.. values.Select((value, p) => (value, new ParameterTreatment((double)scales[p]!, (double)decays[p]!)))]);
        using var optimizer = Optimizers.Of(Asked(trace), parameters);

        for (var step = 0; step < rates.Length; step++)
        {
            for (var p = 0; p < values.Length; p++)
                values[p].grad!.copy_(file.Read($"{name}.p{p}.grad{step}"));
            var norm = parameters.Gradients.norm().ToDouble();
            Assert.Equal(file.Read($"{name}.total_norm{step}").ToDouble(), norm, 1e-12);
            if ((double?)trace["clip_grad_norm"] is { } limit && norm > limit)
                parameters.Gradients.mul_(limit / (norm + 1e-6));
            optimizer.Step(rates[step], step);
            for (var p = 0; p < values.Length; p++)
                Assert.True((values[p] - file.Read($"{name}.p{p}.step{step + 1}")).abs().max().ToDouble() <= 1e-12,
                    $"{name} step {step} parameter {p}");
        }
    }

    /// <summary>The recipe with the settings of a trace; what a trace doesn't say is torch's default.</summary>
    private static Recipe Asked(JsonNode trace)
    {
        string[] unknown = [.. trace.AsObject().Where(t => t.Value is not null).Select(t => t.Key).Except(
            ["name", "optimiser", "betas", "eps", "momentum", "nesterov", "dampening", "lr_scale", "weight_decay",
                "lr_per_step", "clip_grad_norm", "steps"])];
        Assert.True(unknown.Length == 0, $"The trace has settings that this test doesn't read: {string.Join(", ", unknown)}.");
        var name = ((string)trace["optimiser"]!).TrimStart().Split('(', ' ')[0];
        return name switch
        {
            "AdamW" => new()
            {
                AdamBeta1 = (double?)trace["betas"]?[0] ?? 0.9,
                AdamBeta2 = (double?)trace["betas"]?[1] ?? 0.999,
                AdamEps = (double?)trace["eps"] ?? 1e-8,
            },
            "SGD" => new()
            {
                Optimizer = OptimizerKind.Sgd,
                Momentum = (double?)trace["momentum"] ?? 0,
                Nesterov = (bool?)trace["nesterov"] ?? false,
                Dampening = (double?)trace["dampening"] ?? 0,
            },
            _ => throw new InvalidDataException($"The trace is of an optimiser that this test doesn't know: {name}."),
        };
    }
}
