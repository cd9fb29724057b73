using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Schane.Losses;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Losses;

/// <summary>torch's and timm's cross-entropies, for labels, smoothed labels, mixtures, class weights and ignored rows.</summary>
public partial class GoldenCrossEntropyTests(ITestOutputHelper output)
{
    public static IEnumerable<TheoryDataRow<string>> Folders => GoldenFolder.Of("losses", "cross_entropy.safetensors");

    [Theory, MemberData(nameof(Folders))]
    public void Every_case_agrees_with_the_peers_in_float64_and_float32(string folder)
    {
        var batch = GoldenCase.Json(Path.Combine(folder, "index.json")).EnumerateArray()
            .Single(b => b.GetProperty("case").GetString() == "cross_entropy");
        var tensors = TensorFile.Read(Path.Combine(folder, batch.GetProperty("file").GetString()!));
        var entries = batch.GetProperty("entries").EnumerateArray().ToList();
        foreach (var entry in entries)
        {
            Check(entry, tensors, ScalarType.Float64, relative: 1e-10, gradient: 1e-9);
            Check(entry, tensors, ScalarType.Float32, relative: 1e-5, gradient: 2e-5);
        }
        output.WriteLine($"cross_entropy: {entries.Count} cases");
        Assert.NotEmpty(entries);
    }

    private static void Check(JsonElement entry, Dictionary<string, Tensor> tensors, ScalarType dtype, double relative, double gradient)
    {
        using var scope = NewDisposeScope();
        var key = entry.GetProperty("key").GetString()!;
        var group = key.Split('.')[0];
        var arguments = entry.GetProperty("args").EnumerateObject().ToDictionary(a => a.Name, a => a.Value);
        var unknown = arguments.Keys
            .Except(["target", "label_smoothing", "ignore_index", "weight", "gamma", "reduction", "peer"]).ToArray();
        Assert.True(unknown.Length == 0, $"{key} has arguments of unknown kind: {string.Join(", ", unknown)}");

        var smoothing = arguments.TryGetValue("label_smoothing", out var s) ? s.GetDouble()
            : arguments.TryGetValue("peer", out var peer) && Smoothing().Match(peer.GetString()!) is { Success: true } timm
            ? double.Parse(timm.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
        var loss = new CrossEntropyLoss
        {
            LabelSmoothing = smoothing,
            Gamma = arguments.TryGetValue("gamma", out var gamma) ? gamma.GetDouble() : 0,
            ClassWeights = arguments.TryGetValue("weight", out var weight)
                ? tensors[$"{group}.{weight.GetString()}"].data<double>().ToArray() : null,
        };
        var logits = tensors[$"{group}.logits64"].to_type(dtype).detach().requires_grad_();
        var target = tensors[$"{group}.{arguments["target"].GetString()}"];
        if (arguments.TryGetValue("ignore_index", out var ignored) && ignored.GetInt64() != -100)
            target = target.masked_fill(target == ignored.GetInt64(), -100);                     // torch's own number for it
        var value = target.dtype == ScalarType.Int64 ? loss.Compute(logits, target) : loss.ComputeSoft(logits, target);
        if (arguments.ContainsKey("reduction"))
            // reduction='sum', without weights or ignored rows
            value = value * logits.shape[0];
        value.backward();

        var expected = entry.GetProperty("value64").GetDouble();
        Assert.True(Math.Abs(value.to_type(ScalarType.Float64).item<double>() - expected) <= relative * Math.Abs(expected) + 1e-12,
            $"{key} {dtype}: {value.to_type(ScalarType.Float64).item<double>():R} is not {expected}");
        var peers = tensors[$"{key}.grad64"];
        var error = (logits.grad!.to_type(ScalarType.Float64) - peers).abs().max().item<double>();
        Assert.True(error <= gradient * peers.abs().max().item<double>() + (dtype == ScalarType.Float32 ? 1e-7 : 1e-12),
            $"{key} {dtype}: gradient differs by {error}");
    }

    [GeneratedRegex(@"LabelSmoothingCrossEntropy\((?:smoothing=)?([\d.]+)\)")]
    private static partial Regex Smoothing();
}
