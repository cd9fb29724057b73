using Schane.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OwnBackbone;

/// <summary>A net of torch's own modules: patches of 4 × 4, two blocks that mix neighbouring patches, the mean of all.</summary>
public sealed class PatchMixer : Backbone
{
    private const int Width = 24;

    private readonly Conv2d patches, first, second;

    /// <summary>What it takes and gives: register it with <see cref="ModelRegistry.Register"/>.</summary>
    public static BackboneInfo Description { get; } = new("patch_mixer", Channels: 3, InputSize: 32, EmbeddingWidth: Width,
        Mean: [0.5f, 0.5f, 0.5f], Std: [0.25f, 0.25f, 0.25f], HeadName: "head");

    /// <param name="info">The description, perhaps with another input size.</param>
    public PatchMixer(BackboneInfo info) : base(info)
    {
        patches = nn.Conv2d(info.Channels, Width, kernel_size: 4, stride: 4);
        first = nn.Conv2d(Width, Width, kernel_size: 3, padding: 1);
        second = nn.Conv2d(Width, Width, kernel_size: 3, padding: 1);
        RegisterComponents();                                              // weights are saved as patches.weight, first.weight, …
    }

    /// <inheritdoc/>
    public override int LayerCount => 3;                                   // layer-wise decay of the learning rate: layer-decay in a recipe

    /// <inheritdoc/>
    public override int LayerOf(string parameter) =>
        parameter.StartsWith("patches", StringComparison.Ordinal) ? 0 : parameter.StartsWith("first", StringComparison.Ordinal) ? 1 : 2;

    /// <inheritdoc/>
    public override Tensor Features(Tensor images)                         // [n, 3, H, W] → [n, D, H / 4, W / 4]
    {
        using var scope = NewDisposeScope();
        var x = patches.call(images);
        x = x + first.call(x).relu();
        return (x + second.call(x).relu()).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Pool(Tensor features) => features.mean([2, 3]);

    /// <summary>Weights that were published elsewhere call the layers <c>stem</c>, <c>block1</c> and <c>block2</c>.</summary>
    protected override Func<string, string?> Naming(IReadOnlyCollection<string> names) => name =>
        name.Replace("stem.", "patches.", StringComparison.Ordinal).Replace("block1.", "first.", StringComparison.Ordinal)
            .Replace("block2.", "second.", StringComparison.Ordinal);
}
