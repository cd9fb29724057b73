using System.Text.Json;
using Schane.Checkpoints;
using Schane.Evaluation.Embeddings;
using Schane.Runs;
using static TorchSharp.torch;

namespace Schane.Inference;

// C classes that were trained, E that were enrolled from m images, D embedding width.

/// <summary>
/// Classes that were added without training. Each class, trained or enrolled, has a prototype: the mean of its unit embeddings, of unit
/// length. A share of the probability goes to each enrolled class by the cosines to all C + E prototypes (softmax, temperature fitted on
/// held-out images); the rest is divided by the classifier as before. What is near the prototype of an enrolled class is known.
/// </summary>
/// <param name="Names">E names.</param>
/// <param name="Units">m × D, the embeddings of their images, of unit length.</param>
/// <param name="Labels">m indices into the names.</param>
/// <param name="Trained">Prototypes of the C trained classes.</param>
/// <param name="Temperature">What the cosines are divided by.</param>
/// <param name="Threshold">The cosine to a prototype that is near.</param>
internal sealed record EnrolledClasses(IReadOnlyList<string> Names, float[] Units, IReadOnlyList<int> Labels, Prototypes Trained,
    double Temperature, double Threshold)
{
    /// <summary>Those of all C + E classes.</summary>
    public Prototypes Prototypes { get; } = Trained.With(Prototypes.Of(Units, Trained.Width, [.. Labels], Names.Count));

    /// <summary>The probabilities of all C + E classes, and whether the image is near the prototype of an enrolled one.</summary>
    public (double[] Probabilities, bool IsNear) Answer(ReadOnlySpan<float> embedding, ReadOnlySpan<double> trained)
    {
        var cosines = Prototypes.Cosines(embedding);
        var near = CalibratedConfidence.Softmax(cosines, Temperature);
        var all = new double[near.Length];
        var rest = 0.0;
        for (var c = 0; c < trained.Length; c++)
            rest += near[c];
        for (var c = 0; c < all.Length; c++)
            all[c] = c < trained.Length ? trained[c] * rest : near[c];
        return (all, cosines[trained.Length..].Any(cosine => cosine >= Threshold));
    }

    /// <summary>How many images each is known from.</summary>
    public int ImagesOf(string name) => Labels.Count(label => Names[label] == name);

    /// <summary>The same with images of a class, which may be there already.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="embeddings">Of its images, D numbers each.</param>
    public EnrolledClasses With(string name, float[] embeddings)
    {
        string[] names = Names.Contains(name) ? [.. Names] : [.. Names, name];
        var label = Array.IndexOf(names, name);
        return new(names, [.. Units, .. UnitRows.Of([.. embeddings], Trained.Width)],
            [.. Labels, .. Enumerable.Repeat(label, embeddings.Length / Trained.Width)], Trained, Temperature, Threshold);
    }

    /// <summary>The same without a class.</summary>
    public EnrolledClasses Without(string name)
    {
        string[] names = [.. Names.Where(other => other != name)];
        int[] rows = [.. Enumerable.Range(0, Labels.Count).Where(row => Names[Labels[row]] != name)];
        return new(names, [.. rows.SelectMany(row => Units[(row * Trained.Width)..((row + 1) * Trained.Width)])],
            [.. rows.Select(row => Array.IndexOf(names, Names[Labels[row]]))], Trained, Temperature, Threshold);
    }

    /// <summary>Those of a run; null where none were enrolled.</summary>
    /// <exception cref="SchaneException">The file is damaged.</exception>
    public static EnrolledClasses? Load(RunFolder run)
    {
        var path = run.Enrolled;
        if (!File.Exists(path))
            return null;
        using var file = Safetensors.Open(path);
        try
        {
            var about = JsonSerializer.Deserialize<About>(file.Metadata["enrolled"])!;
            return new(about.Names, file.Numbers<float>("embeddings"), [.. file.Numbers<long>("labels").Select(label => (int)label)],
                new(file.Numbers<float>("prototypes"), (int)file.ShapeOf("prototypes")[1]), about.Temperature, about.Threshold);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or CheckpointException)
        {
            throw new SchaneException($"'{path}' is damaged: {e.Message.TrimEnd('.')}. Delete it and enrol the classes again.", e);
        }
    }

    /// <summary>Keeps them in a run; of none the file goes.</summary>
    public void Save(RunFolder run)
    {
        if (Names.Count == 0)
        {
            File.Delete(run.Enrolled);
            return;
        }
        using var scope = NewDisposeScope();
        Safetensors.Write(run.Enrolled,
            new Dictionary<string, Tensor>
            {
                ["prototypes"] = tensor(Trained.Values, [Trained.Count, Trained.Width]),
                ["embeddings"] = tensor(Units, [Labels.Count, Trained.Width]),
                ["labels"] = tensor(Labels.Select(label => (long)label).ToArray()),
            },
            new Dictionary<string, string> { ["enrolled"] = JsonSerializer.Serialize(new About(Names, Temperature, Threshold)) });
    }

    private sealed record About(IReadOnlyList<string> Names, double Temperature, double Threshold);
}
