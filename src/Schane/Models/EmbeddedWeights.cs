using Schane.Checkpoints;

namespace Schane.Models;

/// <summary>The weights that come with the library: trained by Schane itself, by <c>recipes/lookalikes-base.yaml</c>.</summary>
internal static class EmbeddedWeights
{
    /// <summary>What a recipe calls them.</summary>
    public const string Name = "embedded";

    /// <summary>Whether there are such weights for a model.</summary>
    public static bool Exist(string model) => typeof(EmbeddedWeights).Assembly.GetManifestResourceInfo(ResourceOf(model)) is not null;

    /// <summary>Opens them.</summary>
    /// <exception cref="SchaneException">There are none for this model.</exception>
    public static SafetensorsFile Open(string model)
    {
        using var stream = typeof(EmbeddedWeights).Assembly.GetManifestResourceStream(ResourceOf(model))
            ?? throw new SchaneException($"There are no embedded weights for '{model}'; use --weights none or a file, or --model schane_tiny.");
        return Safetensors.Open(stream, $"embedded weights of {model}");
    }

    private static string ResourceOf(string model) => $"Schane.Models.Weights.{model}.safetensors";
}
