using Schane.Models.Layers;
using Schane.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Verification;

/// <summary>An operator of the models as they use it, which can be compared with the same in float64.</summary>
/// <param name="Name">What it is, with its shape.</param>
/// <param name="Input">Shape of the input.</param>
/// <param name="Make">A layer; its parameters are given values here.</param>
internal sealed record Operator(string Name, long[] Input, Func<nn.Module<Tensor, Tensor>> Make)
{
    /// <summary>Whether the input lies in memory with the channels next to each other.</summary>
    public bool ChannelsLast { get; init; }

    /// <summary>Number types in which training computes it; norms are float32 whatever the precision is.</summary>
    public IReadOnlyList<ScalarType> Types { get; init; } = [ScalarType.Float32, ScalarType.BFloat16];

    /// <summary>Forward and backward on the CPU, in a number type and in float64, from the same numbers.</summary>
    public OperatorError Compare(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var module = Make();
        using var exact = Make();
        var number = 0;
        using (no_grad())
            foreach (var (parameter, same) in module.parameters().Zip(exact.parameters()))
            {
                var width = parameter.dim() > 1 ? parameter.numel() / parameter.shape[0] : 1;
                parameter.copy_(Numbers(++number, parameter.shape, type) / Math.Sqrt(width)).copy_(parameter.to_type(type));
                same.copy_(parameter);
            }
        exact.to(ScalarType.Float64);
        foreach (var layer in module.modules().Prepend(module).OfType<Layer>())
            layer.Products = type == ScalarType.Float32 ? null : type;
        var input = Numbers(0, Input, type);
        if (ChannelsLast)
            input = Models.Layers.ChannelsLast.Of(input);
        var (output, gradients) = Pass(module, input, type);
        var (exactOutput, exactGradients) = Pass(exact, input.to_type(ScalarType.Float64), type);
        return new(Name, NameOf(type), RelativeError.Of(output, exactOutput),
            gradients.Zip(exactGradients, (found, truth) => RelativeError.Of(found, truth)).Max(), Tolerance.Of(type));
    }

    /// <summary>What a number type is called in tables.</summary>
    internal static string NameOf(ScalarType type) => type == ScalarType.BFloat16 ? "bf16" : "float32";

    private static (Tensor Output, IList<Tensor> Gradients) Pass(nn.Module<Tensor, Tensor> module, Tensor input, ScalarType type)
    {
        module.train();
        var leaf = input.detach().requires_grad_();
        var output = module.call(leaf);
        return (output, autograd.grad([output], [leaf, .. module.parameters()], [Numbers(-1, output.shape, type).to_type(output.dtype)]));
    }

    /// <summary>Numbers in −1 to 1, float32, that <paramref name="type"/> holds exactly; functions of key and shape alone.</summary>
    internal static Tensor Numbers(long key, long[] shape, ScalarType type)
    {
        var values = new float[shape.Aggregate(1L, (a, b) => a * b)];
        var random = new SampleRandom(key, values.Length);
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)random.Uniform(-1, 1);
        using var exact = tensor(values, shape);
        using var rounded = exact.to_type(type);
        return rounded.to_type(ScalarType.Float32, copy: true);
    }
}
