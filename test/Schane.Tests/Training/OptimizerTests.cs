using System.Text.Json.Nodes;
using Schane.Checkpoints;
using Schane.Tests.Support;
using Schane.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Training;

public class OptimizerTests(ITestOutputHelper output)
{
    public static IEnumerable<TheoryDataRow<string>> Folders => GoldenFolder.Of("optim");

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

    private static void Follow(JsonNode trace, Schane.Checkpoints.SafetensorsFile file)
    {
        using var scope = NewDisposeScope();
        var name = (string)trace["name"]!;
        var rates = trace["lr_per_step"]!.AsArray().Select(v => (double)v!).ToArray();
        var limit = (double)trace["clip_grad_norm"]!;
        var values = Enumerable.Range(0, 3).Select(p => file.Read($"{name}.p{p}.step0").requires_grad_()).ToArray();
        using var parameters = new FlatParameters([.. values.Select((value, p) =>
            (value, new ParameterTreatment((double)trace["lr_scale"]![p]!, (double)trace["weight_decay"]![p]!)))]);
        using IOptimizer optimizer = ((string)trace["optimiser"]!).StartsWith("AdamW", StringComparison.Ordinal)
            ? new AdamW(parameters)
            : new Sgd(parameters, (double)trace["momentum"]!, (bool)trace["nesterov"]!);

        for (var step = 0; step < rates.Length; step++)
        {
            for (var p = 0; p < values.Length; p++)
                values[p].grad!.copy_(file.Read($"{name}.p{p}.grad{step}"));
            var norm = parameters.Gradients.norm().ToDouble();
            Assert.Equal(file.Read($"{name}.total_norm{step}").ToDouble(), norm, 1e-12);
            if (norm > limit)
                parameters.Gradients.mul_(limit / (norm + 1e-6));
            optimizer.Step(rates[step], step);
            for (var p = 0; p < values.Length; p++)
                Assert.True((values[p] - file.Read($"{name}.p{p}.step{step + 1}")).abs().max().ToDouble() <= 1e-12, $"{name} step {step} parameter {p}");
        }
    }
}
