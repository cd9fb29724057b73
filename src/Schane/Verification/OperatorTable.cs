using Schane.Losses;
using Schane.Losses.Tiled;
using Schane.Models.Layers;
using static TorchSharp.torch;

namespace Schane.Verification;

/// <summary>
/// The operators that models and losses are made of, in the shapes where processors, and libraries that plan for them, have gone wrong:
/// 1×1 convolutions of uneven widths, one image, strides, groups.
/// </summary>
internal static class OperatorTable
{
    private const int Rows = 256, Width = 128, ImagesPerClass = 4;

    public static IReadOnlyList<Operator> Layers { get; } =
    [
        Convolution("convolution 1×1, 48 → 80", [8, 48, 8, 8], 80, 1),
        Convolution("convolution 1×1, 64 → 40, stride 2", [8, 64, 16, 16], 40, 1, stride: 2),
        Convolution("convolution 1×1, 256 → 72, one image", [1, 256, 16, 16], 72, 1),
        Convolution("convolution 1×1, 512 → 1024", [2, 512, 7, 7], 1024, 1),
        Convolution("convolution 1×1, 1024 → 512", [2, 1024, 7, 7], 512, 1),
        Convolution("convolution 1×1, 1024 → 2048, stride 2", [2, 1024, 7, 7], 2048, 1, stride: 2),
        Convolution("convolution 1×1, 64 → 80, contiguous", [8, 64, 8, 8], 80, 1, channelsLast: false),
        Convolution("convolution 3×3, 64 → 64", [8, 64, 16, 16], 64, 3),
        Convolution("convolution 3×3, 48 → 80, stride 2", [8, 48, 16, 16], 80, 3, stride: 2),
        Convolution("convolution 3×3, 24 → 24, one image", [1, 24, 8, 8], 24, 3),
        Convolution("convolution 3×3, 64 → 64, contiguous", [8, 64, 8, 8], 64, 3, channelsLast: false),
        Convolution("convolution 3×3, one channel → 64", [8, 1, 28, 28], 64, 3, channelsLast: false),
        Convolution("convolution 7×7, 3 → 64, stride 2", [2, 3, 64, 64], 64, 7, stride: 2),
        Convolution("patches 16×16, 3 → 192", [2, 3, 64, 64], 192, 16, stride: 16, channelsLast: false),
        Convolution("depthwise 7×7, 96", [2, 96, 14, 14], 96, 7, groups: 96),
        Convolution("depthwise 3×3, 64, stride 2", [8, 64, 16, 16], 64, 3, stride: 2, groups: 64),
        Convolution("grouped 3×3, 128 → 128, 32 groups", [2, 128, 14, 14], 128, 3, groups: 32),
        new("linear 192 → 576", [8, 50, 192], () => new Dense(192, 576)),
        new("linear 768 → 40", [8, 768], () => new Dense(768, 40)),
        new("linear 192 → 37, one row", [1, 192], () => new Dense(192, 37)),
        new("attention, 3 heads of 64", [4, 50, 576], () => new Function(qkv => Attention.OfHeads(qkv, 3))),
        new("attention, 12 heads of 64, one image", [1, 197, 2304], () => new Function(qkv => Attention.OfHeads(qkv, 12))),
        new("layer norm 192", [8, 50, 192], () => new LayerNormalization(192, 1e-6)) { Types = [ScalarType.Float32] },
        new("batch norm 48", [8, 48, 16, 16], () => new BatchNormalization(48)) { ChannelsLast = true, Types = [ScalarType.Float32] },
        new("largest of 3×3, stride 2", [8, 48, 16, 16],
            () => new Function(x => nn.functional.max_pool2d(x, 3, 2, 1))) { ChannelsLast = true },
        new("mean over the image", [8, 128, 7, 7], () => new Function(x => x.mean([2, 3]))) { ChannelsLast = true },
        new("GELU", [8, 50, 768], () => new Function(x => nn.functional.gelu(x))),
        new("cross-entropy over 1,000 classes", [64, 1000],
            () => new Function(x => nn.functional.cross_entropy(x * 8, arange(64)).reshape(1))) { Types = [ScalarType.Float32] },
    ];

    /// <summary>Compares all, or some operators, in every number type.</summary>
    /// <param name="operators">Null for <see cref="Layers"/> and the kernels of the contrastive loss.</param>
    public static IReadOnlyList<OperatorError> Compare(IReadOnlyList<Operator>? operators = null) =>
    [
        .. (operators ?? Layers).SelectMany(one => one.Types.Select(one.Compare)),
        .. operators is null ? Contrastive() : [],
    ];

    private static Operator Convolution(
        string name, long[] input, long outputs, long kernel, long stride = 1, long groups = 1, bool channelsLast = true)
    {
        var padding = kernel == stride ? 0 : kernel / 2;
        Convolution Make() => new(input[1], outputs, kernel, stride, padding, groups, hasBias: true);
        return new(name, input, Make) { ChannelsLast = channelsLast };
    }

    /// <summary>The contrastive term of SCHaNe by each kernel that this processor has.</summary>
    private static List<OperatorError> Contrastive()
    {
        using var scope = NewDisposeScope();
        var embeddings = Operator.Numbers(0, [Rows, Width], ScalarType.Float32);
        var labels = arange(Rows, ScalarType.Int64).div(ImagesPerClass, RoundingMode.floor);
        using var exact = new JointObjective(new() { Lambda = 1, Kernel = LossKernel.OpGraph })
            .Compute(embeddings.to_type(ScalarType.Float64), null, labels);
        var kernels = new List<(LossKernel Kernel, string Name, ScalarType Type)>
            { (LossKernel.OpGraph, "by torch's operations", ScalarType.Float32) };
        if (TiledPairs.Takes(embeddings))
            kernels.AddRange([(LossKernel.Tiled, "in tiles", ScalarType.Float32), (LossKernel.TiledBf16, "in tiles", ScalarType.BFloat16)]);
        var found = new List<OperatorError>();
        foreach (var (kernel, name, type) in kernels)
        {
            using var step = new JointObjective(new() { Lambda = 1, Kernel = kernel }).Compute(embeddings, null, labels);
            found.Add(new($"contrastive loss {name}, {Rows} × {Width}", Operator.NameOf(type),
                Math.Abs(step.Total - exact.Total) / Math.Abs(exact.Total),
                RelativeError.Of(step.EmbeddingGradient!, exact.EmbeddingGradient!), Tolerance.Of(type)));
        }
        return found;
    }
}

/// <summary>A function as a layer: in the number type of the pass.</summary>
internal sealed class Function(Func<Tensor, Tensor> compute) : Layer("Function")
{
    public override void Initialise(WeightInit init)
    {
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return compute(Products is { } type && training ? input.to_type(type) : input).MoveToOuterDisposeScope();
    }
}
