using static TorchSharp.torch;

namespace Schane.Models;

/// <summary>Makes backbones that a program brought.</summary>
internal static class OwnBackbone
{
    /// <summary>Builds one whose initial weights are a function of the seed, whatever else the process draws from torch's generator, and
    /// finds out whether it is what its description says.</summary>
    /// <exception cref="SchaneException">It is not.</exception>
    public static Backbone Build(Func<Backbone> build, BackboneInfo info, long seed)
    {
        var generator = Generator.Default;
        using var before = generator.get_state();
        Backbone backbone;
        try
        {
            generator.manual_seed(seed);
            backbone = build();
        }
        finally
        {
            generator.set_state(before);
        }
        Check(backbone, info);
        return backbone;
    }

    private static void Check(Backbone backbone, BackboneInfo info)
    {
        var its = backbone.Info;
        if (its.Name != info.Name || its.InputSize != info.InputSize || its.Channels != info.Channels)
            throw new SchaneException($"The backbone built for '{info.Name}' with {info.Channels} channels at {info.InputSize} px says " +
                $"that it is '{its.Name}' with {its.Channels} at {its.InputSize}; give its base class the description it is built for.");
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        backbone.eval();
        var shape = backbone.call(zeros(1, info.Channels, info.InputSize, info.InputSize)).shape;
        backbone.train();
        if (!shape.SequenceEqual([1L, its.EmbeddingWidth]))
            throw new SchaneException($"The backbone '{info.Name}' gives embeddings of shape [{string.Join(", ", shape)}] for one " +
                $"image, but its description says [1, {its.EmbeddingWidth}].");
    }
}
