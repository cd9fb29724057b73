using System.Text.RegularExpressions;
using Schane.Checkpoints;
using Schane.Models;
using Schane.Models.Transformers;
using Schane.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Models;

/// <summary>Resized positions against timm's and unilm's.</summary>
public sealed partial class PositionsTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public static TheoryData<string, string> Cases => [.. GoldenFolder.Files("models", "pos_embed_resize.safetensors").SelectMany(path =>
    {
        using var file = Safetensors.Open(GoldenFolder.At("models", path));
        var outputs = file.Names.Where(n => !n.EndsWith(".in", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToArray();
        return outputs.Length > 0
            ? outputs.Select(output => (path, output)).ToArray() : throw new InvalidOperationException($"{path} holds no case.");
    })];

    public void Dispose() => scope.Dispose();

    [Theory, MemberData(nameof(Cases))]
    public void Resizes_as_the_peer_does(string path, string output)
    {
        using var file = Safetensors.Open(GoldenFolder.At("models", path));
        var (input, expected) = (file.Read($"{output.Split('.')[0]}.in"), file.Read(output));
        var numbers = Numbers().Matches(output).Select(m => long.Parse(m.Value)).ToArray();
        Tensor? actual;
        if (output.StartsWith("timm_", StringComparison.Ordinal))
            actual = Positions.Resample(input, (numbers[0], numbers[1]), (numbers[2], numbers[3]), (int)numbers[4],
                output.EndsWith("out_antialias", StringComparison.Ordinal));
        else if (output.StartsWith("relpos_", StringComparison.Ordinal))
            actual = Positions.FitRelative(input, expected.shape, (int)numbers[2]);
        else if (output.StartsWith("beit3_", StringComparison.Ordinal))
            actual = new Beit3(new("some", 3, 32, 16, [], [], "head"), new(8, 16, 1, 1), 0).Fit("pos_embed.weight", input, expected.shape);
        else
            throw new InvalidOperationException($"Golden case '{output}' is of a kind this test does not know.");
        Assert.Equal(expected.shape, actual!.shape);
        Assert.InRange((actual - expected).abs().max().item<float>(), 0, 1e-5);
    }

    [Fact]
    public void A_model_of_another_input_size_takes_the_weights_and_says_what_was_resized()
    {
        foreach (var (name, size, resized) in (ReadOnlySpan<(string, int, string)>)
            [("vit_cls", 48, "pos_embed [1, 17, 48] → [1, 37, 48]"), ("beit3", 48, "pos_embed.weight [19, 48] → [39, 48]"),
                ("beit_relpos", 24, "blocks.0.attn.relative_position_bias_table [52, 3] → [28, 3]")])
        {
            var golden = GoldenModel.Open(name);
            using var weights = golden.Weights();
            using var model = new ImageClassifier(golden.Build(inputSize: size), 7);
            var report = model.Load(weights);
            Assert.Contains(resized, report.Resized);
            Assert.Equal(["head.bias", "head.weight"], report.Reinitialised.Order());
            Assert.Equal([1, 7], model.Forward(zeros(1, 3, size, size)).Logits.shape);
        }
    }

    [GeneratedRegex(@"(?<=[_xinar])\d+|(?<=prefix)\d+|(?<=win)\d+|(?<=extra)\d+")]
    private static partial Regex Numbers();
}
