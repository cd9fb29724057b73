using static TorchSharp.torch;

namespace Schane.Models;

/// <summary>What a backbone takes and gives.</summary>
/// <param name="Name">Variant name in the registry (timm's name where there is one).</param>
/// <param name="Channels">Input channels, 1 or 3.</param>
/// <param name="InputSize">Side of the square input in pixels.</param>
/// <param name="EmbeddingWidth">D, the width of the embedding.</param>
/// <param name="Mean">Normalisation mean per channel, for inputs in [0, 1].</param>
/// <param name="Std">Normalisation deviation per channel.</param>
/// <param name="HeadName">Where the classifier's weights stand in a checkpoint: <c>fc</c>, <c>head</c>, <c>head.fc</c>.</param>
public sealed record BackboneInfo(string Name, int Channels, int InputSize, int EmbeddingWidth, float[] Mean, float[] Std, string HeadName);

/// <summary>A trunk: images [n, C, H, W] → embeddings [n, D], not normalised. The head is apart.</summary>
public abstract class Backbone : nn.Module<Tensor, Tensor>
{
    /// <summary>A trunk of the given description.</summary>
    protected Backbone(BackboneInfo info) : base(info.Name) => Info = info;

    /// <summary>What it takes and gives.</summary>
    public BackboneInfo Info { get; }

    /// <summary>Number of layer ids for layer-wise decay, the head not counted: ids 0 … LayerCount − 1, the head has LayerCount.</summary>
    public abstract int LayerCount { get; }

    /// <summary>Layer id of a parameter of this trunk by its name.</summary>
    public abstract int LayerOf(string parameter);

    /// <summary>Whether weight decay applies to a parameter. By default not to vectors (biases, norm weights).</summary>
    public virtual bool Decays(string parameter, Tensor value) => value.dim() > 1;
}
