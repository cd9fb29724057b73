using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Schane.Checkpoints;
using Schane.Data.Transforms;
using Schane.Evaluation;
using Schane.Models;
using Schane.Runs;
using Schane.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Inference;

/// <summary>A trained model with what is needed to use it: its classes and how images are prepared.</summary>
/// <param name="Classifier">The model, in evaluation mode.</param>
/// <param name="Classes">Class names; a logit is an index into this list.</param>
/// <param name="Augmentation">Name of the transform preset whose evaluation form prepares images.</param>
internal sealed record RunModel(ImageClassifier Classifier, IReadOnlyList<string> Classes, string Augmentation) : IDisposable
{
    /// <summary>Further entries of a saved model's metadata, for instance where its training started.</summary>
    public IReadOnlyDictionary<string, string> Notes { get; init; } = new Dictionary<string, string>();

    /// <summary>How confident its probabilities may be, fitted on validation images; null where there were none.</summary>
    public CalibratedConfidence? Confidence { get; init; }

    /// <summary>From which probability on each class is named, where an image may show several; null for a model of one class an
    /// image.</summary>
    public ClassThresholds? Thresholds { get; init; }

    /// <summary>What images must be made into.</summary>
    public InputShape Input => new(Info.Channels, Info.InputSize, Info.Mean, Info.Std);

    /// <summary>Saves the whole model, adapters merged.</summary>
    public void Save(string path)
    {
        using var scope = NewDisposeScope();
        Write(path, Classifier.Backbone.Published(Classifier.Merged()), Notes);
    }

    /// <summary>Saves what was trained beside a trunk's weights, which <see cref="Notes"/> name.</summary>
    /// <param name="path">Where.</param>
    /// <param name="trained">Adapters and heads.</param>
    public void SaveAdapters(string path, IReadOnlyDictionary<string, Tensor> trained) =>
        Write(path, trained, Notes.Concat(Classifier.Adapters!.Metadata));

    private void Write(string path, IReadOnlyDictionary<string, Tensor> tensors, IEnumerable<KeyValuePair<string, string>> notes)
    {
        var metadata = new Dictionary<string, string>(notes)
        {
            ["format"] = "pt",
            ["schane"] = RunFolder.Version,
            ["architecture"] = Info.Name,
            ["channels"] = Info.Channels.ToString(CultureInfo.InvariantCulture),
            ["input_size"] = Info.InputSize.ToString(CultureInfo.InvariantCulture),
            ["classes"] = JsonSerializer.Serialize(Classes),
            ["augmentation"] = Augmentation,
        };
        if (Confidence is not null)
            metadata["confidence"] = Confidence.ToJson();
        if (Thresholds is not null)
            (metadata["activation"], metadata["thresholds"]) = ("sigmoid", Thresholds.ToJson());
        using var free = no_grad();
        metadata["sha256"] = Hash(Classes, tensors.OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => t.Value));
        Safetensors.Write(path, tensors, metadata);
    }

    /// <exception cref="SchaneException">No such file, not Schane's, or its architecture is not known.</exception>
    public static RunModel Load(string path, string device)
    {
        if (!File.Exists(path))
            throw new SchaneException($"There is no '{path}': the run did not finish. Continue it with --resume.");
        using var file = Safetensors.Open(path);
        string Text(string key) => file.Metadata.TryGetValue(key, out var value) ? value
            : throw new SchaneException($"'{path}' has no '{key}' in its metadata; it is not a model that schane train wrote.");
        int Number(string key) => int.TryParse(Text(key), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
            : throw new SchaneException(
                $"'{path}' says '{Printable.Escape(Text(key))}' for '{key}', which must be a whole number; it is damaged.");
        var classes = ClassesOf(Text("classes"), path);
        var architecture = Text("architecture");
        if (!ModelRegistry.Names.Contains(architecture.Split(':')[0], StringComparer.OrdinalIgnoreCase))
            throw new SchaneException($"'{path}' has the architecture '{Printable.Escape(architecture)}' of schane " +
                $"{Printable.Escape(Text("schane"))}, which version {RunFolder.Version} does not know; update schane, or, if it is your " +
                "own, make it known with ModelRegistry.Register first.");
        if (file.Metadata.TryGetValue("sha256", out var hash) && hash != Hash(classes, Tensors(file)))
            throw new SchaneException($"'{path}' isn't what was trained: its weights or its list of classes were changed since, on " +
                "purpose or by a bad disk. Copy it again from where it is whole, or finish the run again with --resume.");
        var backbone = ModelRegistry.Create(architecture, 0, Number("channels"), Number("input_size"));
        var classifier = new ImageClassifier(backbone, classes.Length);
        AdapterFile.Into(classifier, file, path, HeadLoading.Required);
        classifier.to(device);
        classifier.eval();
        return new RunModel(classifier, classes, Text("augmentation"))
        {
            Confidence = CalibratedConfidence.Parse(file.Metadata.GetValueOrDefault("confidence"), path),
            Thresholds = ClassThresholds.Parse(file.Metadata.GetValueOrDefault("thresholds"), classes.Length, path),
        };
    }

    /// <summary>What the file of a model says of it.</summary>
    public static Dictionary<string, string> TextsOf(string path)
    {
        using var file = Safetensors.Open(path);
        return file.Metadata.Where(text => text.Key != "format").ToDictionary();
    }

    /// <exception cref="SchaneException">Not a list of names, or an empty one.</exception>
    internal static string[] ClassesOf(string json, string path)
    {
        try
        {
            return JsonSerializer.Deserialize<string[]>(json) is { Length: > 0 } classes ? classes
                : throw new SchaneException($"'{path}' names no classes, so it can't say what an image shows; use it with --weights to " +
                    "train from, or train again.");
        }
        catch (JsonException e)
        {
            throw new SchaneException($"'{path}' is damaged: its classes must be a list of names ({e.Message.TrimEnd('.')}).", e);
        }
    }

    private static IEnumerable<Tensor> Tensors(SafetensorsFile file)
    {
        foreach (var name in file.Names.Order(StringComparer.Ordinal))
        {
            using var tensor = file.Read(name);
            yield return tensor;
        }
    }

    private static string Hash(IReadOnlyList<string> classes, IEnumerable<Tensor> weights) => Convert.ToHexStringLower(
        SHA256.HashData(Encoding.UTF8.GetBytes($"{JsonSerializer.Serialize(classes)} {TensorHash.Of(weights)}")));

    private BackboneInfo Info => Classifier.Backbone.Info;

    public void Dispose() => Classifier.Dispose();
}
