using Schane.Models.Layers;
using static TorchSharp.torch;

namespace Schane.Models.Convolutional;

/// <summary>
/// The four-block convolutional net of few-shot learning (Vinyals et al. 2016, arXiv:1606.04080): 3×3 convolution, 2×2 max pooling, batch
/// norm, ReLU; then one linear layer from the flattened map to the embedding.
/// </summary>
/// <remarks>
/// Pooling comes before the norm, so that norm and ReLU see a quarter of the pixels, and memory is channels-last. The input size is a
/// multiple of 16.
/// </remarks>
internal sealed class ConvNet4 : Backbone
{
    private readonly Block[] blocks;
    private readonly Dense embedding;

    public ConvNet4(BackboneInfo info, int[] widths) : base(info)
    {
        if (info.InputSize % 16 != 0 || info.InputSize < 16)
            throw new SchaneException(
                $"{info.Name} halves its input four times: the input size must be a multiple of 16 but is {info.InputSize}.");
        blocks = new Block[widths.Length];
        for (var i = 0; i < widths.Length; i++)
            register_module($"block{i + 1}", blocks[i] = new(i == 0 ? info.Channels : widths[i - 1], widths[i]));
        var side = info.InputSize / 16;
        register_module("embedding", embedding = new Dense(side * side * widths[^1], info.EmbeddingWidth, std: null));
    }

    public override int LayerCount => blocks.Length + 1;

    public override int LayerOf(string parameter) =>
        parameter.StartsWith("block", StringComparison.Ordinal) ? parameter[5] - '1' : blocks.Length;

    public override Tensor Features(Tensor images)
    {
        using var scope = NewDisposeScope();
        var x = ChannelsLast.Of(images);
        foreach (var block in blocks)
            x = block.call(x);                                            // [n, width, side, side]
        return x.MoveToOuterDisposeScope();
    }

    public override Tensor Pool(Tensor features)
    {
        using var scope = NewDisposeScope();
        return embedding.call(features.flatten(1)).MoveToOuterDisposeScope();
    }

    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly Convolution conv;
        private readonly BatchNormalization norm;

        public Block(long inputs, long outputs) : base("Block")
        {
            register_module("conv", conv = new Convolution(inputs, outputs, 3, padding: 1));
            register_module("norm", norm = new BatchNormalization(outputs));
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            x = nn.functional.max_pool2d(conv.call(x), 2);
            return norm.call(x).relu_().MoveToOuterDisposeScope();
        }
    }
}
