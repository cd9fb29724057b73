using Schane.Data.Transforms;
using Schane.Evaluation;
using Schane.Export;
using static TorchSharp.torch;

namespace Schane.Inference;

/// <summary>What a trained model says of itself.</summary>
/// <param name="Architecture">Name of the backbone.</param>
/// <param name="Classes">C names; a logit is an index into this list.</param>
/// <param name="Augmentation">Name of the transform preset whose evaluation form prepares images.</param>
/// <param name="Input">What images must be made into.</param>
/// <param name="Width">D, the width of the embedding.</param>
/// <param name="Confidence">Null where it was trained without validation images.</param>
internal sealed record ModelCard(string Architecture, IReadOnlyList<string> Classes, string Augmentation, InputShape Input, int Width,
    CalibratedConfidence? Confidence)
{
    /// <summary>Where an image may show several classes; null for one class an image.</summary>
    public ClassThresholds? Thresholds { get; init; }
}

/// <summary>One pass of a trained model, whatever runs it.</summary>
internal interface IModelPass : IDisposable
{
    ModelCard Card { get; }

    /// <param name="pixels">[rows, channels, size, size], normalised.</param>
    /// <param name="rows">Images, at least 1.</param>
    /// <returns>Embeddings [rows, D] and logits [rows, C].</returns>
    (float[] Embeddings, float[] Logits) Run(float[] pixels, int rows);

    /// <summary>What speaks for a class in each image: for its logit, or, for a class that was enrolled, for the cosine to its
    /// prototype.</summary>
    /// <param name="pixels">[rows, channels, size, size], normalised.</param>
    /// <param name="classes">One a row; from C on, places among all <paramref name="prototypes"/>.</param>
    /// <param name="prototypes">Null where no class was enrolled.</param>
    /// <returns>Null where this model can't tell.</returns>
    ActivationMaps? Activations(float[] pixels, IReadOnlyList<int> classes, Prototypes? prototypes);
}

/// <summary>A trained model on libtorch.</summary>
internal sealed class TorchPass(RunModel model, Device device) : IModelPass
{
    public ModelCard Card { get; } = new(model.Classifier.Backbone.Info.Name, model.Classes, model.Augmentation, model.Input,
        model.Classifier.Backbone.Info.EmbeddingWidth, model.Confidence)
    { Thresholds = model.Thresholds };

    public (float[] Embeddings, float[] Logits) Run(float[] pixels, int rows)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (embeddings, logits) = model.Classifier.Forward(Images(pixels, rows));
        return (Tensors.Copy.Floats(embeddings), Tensors.Copy.Floats(logits));
    }

    public ActivationMaps? Activations(float[] pixels, IReadOnlyList<int> classes, Prototypes? prototypes)
    {
        using var scope = NewDisposeScope();
        var maps = ClassActivation.Of(model.Classifier, Images(pixels, classes.Count), (embeddings, logits) =>
            stack(classes.Select((c, row) => c < Card.Classes.Count ? logits[row, c]
                : nn.functional.cosine_similarity(embeddings[row], tensor(prototypes![c].ToArray()).to(device), dim: 0))).sum());
        return maps is null ? null : new(Tensors.Copy.Floats(maps), (int)maps.shape[1], (int)maps.shape[2]);
    }

    private Tensor Images(float[] pixels, int rows)
    {
        var input = Card.Input;
        return tensor(pixels, [rows, input.Channels, input.Size, input.Size]).to(device);
    }

    public void Dispose() => model.Dispose();
}

/// <summary>An exported model on ONNX Runtime; libtorch is not touched.</summary>
internal sealed class OnnxPass(OnnxModel model, string path) : IModelPass
{
    public ModelCard Card { get; } = new(model.Architecture, model.Classes, model.Augmentation, model.Input, model.Width,
        CalibratedConfidence.Parse(model.Metadata.GetValueOrDefault("confidence"), path))
    { Thresholds = ClassThresholds.Parse(model.Metadata.GetValueOrDefault("thresholds"), model.Classes.Count, path) };

    public (float[] Embeddings, float[] Logits) Run(float[] pixels, int rows) => model.Run(pixels, rows);

    public ActivationMaps? Activations(float[] pixels, IReadOnlyList<int> classes, Prototypes? prototypes) => null;

    public void Dispose() => model.Dispose();
}
