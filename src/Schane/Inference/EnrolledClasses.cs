using System.Text.Json;
using Schane.Checkpoints;
using Schane.Runs;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Inference;

// C classes that were trained, E that were enrolled, D embedding width.

/// <summary>
/// Classes that were added without training. Each class, trained or enrolled, has a prototype: the mean of its unit embeddings, of unit
/// length. A share of the probability goes to each enrolled class by the cosines to all C + E prototypes (softmax, temperature fitted on
/// held-out images); the rest is divided by the classifier as before. What is near no prototype is unknown.
/// </summary>
internal sealed record EnrolledClasses(IReadOnlyList<string> Names, Prototypes Prototypes, double Temperature, double Threshold)
{
    /// <summary>The probabilities of all C + E classes, and whether the image is like none of them.</summary>
    public (double[] Probabilities, bool Unknown) Answer(ReadOnlySpan<float> embedding, ReadOnlySpan<double> trained)
    {
        var cosines = Prototypes.Cosines(embedding);
        var near = CalibratedConfidence.Softmax(cosines, Temperature);
        var all = new double[cosines.Length];
        var rest = 0.0;
        for (var c = 0; c < trained.Length; c++)
            rest += near[c];
        for (var c = 0; c < all.Length; c++)
            all[c] = c < trained.Length ? trained[c] * rest : near[c];
        return (all, Greatest(cosines) < Threshold);
    }

    /// <summary>Those of a run; null where none were enrolled.</summary>
    /// <exception cref="SchaneException">The file is damaged.</exception>
    public static EnrolledClasses? Load(RunFolder run)
    {
        var path = run.Enrolled;
        if (!File.Exists(path))
            return null;
        using var scope = NewDisposeScope();
        using var file = Safetensors.Open(path);
        var prototypes = file.Read("prototypes");
        try
        {
            var about = JsonSerializer.Deserialize<About>(file.Metadata["enrolled"])!;
            return new(about.Names, new(Copy.Floats(prototypes), (int)prototypes.shape[1]), about.Temperature, about.Threshold);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException)
        {
            throw new SchaneException($"'{path}' is damaged: {e.Message.TrimEnd('.')}. Delete it and enrol the classes again.", e);
        }
    }

    public void Save(RunFolder run)
    {
        using var scope = NewDisposeScope();
        Safetensors.Write(run.Enrolled,
            new Dictionary<string, Tensor> { ["prototypes"] = tensor(Prototypes.Values, [Prototypes.Count, Prototypes.Width]) },
            new Dictionary<string, string> { ["enrolled"] = JsonSerializer.Serialize(new About(Names, Temperature, Threshold)) });
    }

    private static float Greatest(float[] values)
    {
        var greatest = values[0];
        foreach (var value in values)
            greatest = Math.Max(greatest, value);
        return greatest;
    }

    private sealed record About(IReadOnlyList<string> Names, double Temperature, double Threshold);
}
