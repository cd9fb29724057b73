using System.Globalization;
using System.Text.Json;
using Schane.Checkpoints;
using Schane.Data.Transforms;
using Schane.Models;
using TorchSharp;

namespace Schane.Inference;

/// <summary>A trained model with what is needed to use it: its classes and how pictures are prepared.</summary>
/// <param name="Classifier">The model, in evaluation mode.</param>
/// <param name="Classes">Class names; a logit is an index into this list.</param>
/// <param name="Augmentation">Name of the transform preset whose evaluation form prepares pictures.</param>
internal sealed record RunModel(ImageClassifier Classifier, IReadOnlyList<string> Classes, string Augmentation) : IDisposable
{
    /// <summary>Texts that the metadata of a saved model say besides, of where it started for instance.</summary>
    public IReadOnlyDictionary<string, string> Notes { get; init; } = new Dictionary<string, string>();

    /// <summary>What pictures must be made into.</summary>
    public InputShape Input => new(Info.Channels, Info.InputSize, Info.Mean, Info.Std);

    public void Save(string path)
    {
        Safetensors.Write(path, Classifier.StateDict(), new Dictionary<string, string>(Notes)
        {
            ["format"] = "pt",
            ["schane"] = RunFolder.Version,
            ["architecture"] = Info.Name,
            ["channels"] = Info.Channels.ToString(CultureInfo.InvariantCulture),
            ["input_size"] = Info.InputSize.ToString(CultureInfo.InvariantCulture),
            ["classes"] = JsonSerializer.Serialize(Classes),
            ["augmentation"] = Augmentation,
        });
    }

    /// <exception cref="SchaneException">No such file, not Schane's, or its architecture is not known.</exception>
    public static RunModel Load(string path, string device)
    {
        if (!File.Exists(path))
            throw new SchaneException($"There is no '{path}': the run did not finish. Continue it with --resume.");
        using var file = Safetensors.Open(path);
        string Text(string key) => file.Metadata.TryGetValue(key, out var value) ? value
            : throw new SchaneException($"'{path}' has no '{key}' in its metadata; it is not a model that schane train wrote.");
        var classes = JsonSerializer.Deserialize<string[]>(Text("classes"))!;
        var backbone = ModelRegistry.Create(Text("architecture"), 0, int.Parse(Text("channels"), CultureInfo.InvariantCulture), int.Parse(Text("input_size"), CultureInfo.InvariantCulture));
        var classifier = new ImageClassifier(backbone, classes.Length);
        classifier.Load(file, HeadLoading.Required);
        classifier.to(device);
        classifier.eval();
        return new RunModel(classifier, classes, Text("augmentation"));
    }

    private BackboneInfo Info => Classifier.Backbone.Info;

    public void Dispose() => Classifier.Dispose();
}
