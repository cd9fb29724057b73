using Schane.Checkpoints;

namespace Schane.Models;

/// <summary>
/// The weights that come with the program: in the library those trained by Schane itself (<c>recipes/lookalikes-base.yaml</c>), and in the
/// folder <c>weights</c> beside the program what a package such as Schane.Weights.ResNet20 puts there.
/// </summary>
internal static class EmbeddedWeights
{
    /// <summary>What a recipe calls them.</summary>
    public const string Name = "embedded";

    /// <summary>Whether there are such weights for a model.</summary>
    public static bool Exist(string model) => InLibrary(model) || FileOf(model) is not null;

    /// <summary>The file beside the program; null where they are in the library, or nowhere.</summary>
    public static string? FileOf(string model)
    {
        // Models of other sizes have names with signs that no file name has.
        var file = Path.Combine(AppContext.BaseDirectory, "weights", $"{model.ToLowerInvariant()}.safetensors");
        return !InLibrary(model) && model.All(c => char.IsAsciiLetterOrDigit(c) || c == '_') && File.Exists(file) ? file : null;
    }

    /// <summary>Opens them.</summary>
    /// <exception cref="SchaneException">There are none for this model.</exception>
    public static SafetensorsFile Open(string model)
    {
        if (FileOf(model) is { } file)
            return Safetensors.Open(file);
        using var stream = typeof(EmbeddedWeights).Assembly.GetManifestResourceStream(ResourceOf(model))
            ?? throw new SchaneException(
                $"There are no embedded weights for '{model}'; use --weights none or a file, or --model schane_tiny.");
        return Safetensors.Open(stream, $"embedded weights of {model}");
    }

    private static bool InLibrary(string model) => typeof(EmbeddedWeights).Assembly.GetManifestResourceInfo(ResourceOf(model)) is not null;

    private static string ResourceOf(string model) => $"Schane.Models.Weights.{model}.safetensors";
}
