using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>Cuts images into square patches and projects each: [n, C, H, W] → [n, H/patch × W/patch, width], rows of the
/// image one after another.</summary>
internal sealed class PatchEmbed : nn.Module<Tensor, Tensor>
{
    // TorchSharp registers module fields by name: a field that is a part has the part's name.
    private readonly Convolution proj;
    private readonly LayerNormalization? norm;

    /// <param name="info">Channels and input size.</param>
    /// <param name="patch">Side of a patch in pixels.</param>
    /// <param name="width">Width of the tokens.</param>
    /// <param name="bias">Whether the projection has a bias.</param>
    /// <param name="normEps">eps of a norm after it; null for none.</param>
    /// <exception cref="SchaneException">The input size is not a multiple of the patch.</exception>
    public PatchEmbed(BackboneInfo info, int patch, long width, bool bias = true, double? normEps = null) : base("PatchEmbed")
    {
        if (info.InputSize % patch != 0)
            throw new SchaneException($"{info.Name} cuts its input into patches of {patch}: the input size must be a multiple of {patch} " +
                $"but is {info.InputSize}.");
        Side = info.InputSize / patch;
        proj = new Convolution(info.Channels, width, patch, stride: patch, hasBias: bias, std: 0.02);
        norm = normEps is { } eps ? new LayerNormalization(width, eps) : null;
        RegisterComponents();
    }

    /// <summary>Patches on a side.</summary>
    public int Side { get; }

    /// <summary>The patches among tokens [n, prefix + patches, D] by their places, [n, h, w, D].</summary>
    public Tensor Places(Tensor tokens, int prefix) => tokens.narrow(1, prefix, Side * Side).unflatten(1, Side, Side);

    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var x = proj.call(images).flatten(2).transpose(1, 2);
        return (norm is null ? x : norm.call(x)).MoveToOuterDisposeScope();
    }
}
