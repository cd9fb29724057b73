using Schane.Data.Transforms;
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
    CalibratedConfidence? Confidence);

/// <summary>One pass of a trained model, whatever runs it.</summary>
internal interface IModelPass : IDisposable
{
    ModelCard Card { get; }

    /// <param name="pixels">[rows, channels, size, size], normalised.</param>
    /// <param name="rows">Images, at least 1.</param>
    /// <returns>Embeddings [rows, D] and logits [rows, C].</returns>
    (float[] Embeddings, float[] Logits) Run(float[] pixels, int rows);
}

/// <summary>A trained model on libtorch.</summary>
internal sealed class TorchPass(RunModel model, Device device) : IModelPass
{
    public ModelCard Card { get; } = new(model.Classifier.Backbone.Info.Name, model.Classes, model.Augmentation, model.Input,
        model.Classifier.Backbone.Info.EmbeddingWidth, model.Confidence);

    public (float[] Embeddings, float[] Logits) Run(float[] pixels, int rows)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var input = Card.Input;
        var (embeddings, logits) = model.Classifier.Forward(tensor(pixels, [rows, input.Channels, input.Size, input.Size]).to(device));
        return (Tensors.Copy.Floats(embeddings), Tensors.Copy.Floats(logits));
    }

    public void Dispose() => model.Dispose();
}

/// <summary>An exported model on ONNX Runtime; libtorch is not touched.</summary>
internal sealed class OnnxPass(OnnxModel model, string path) : IModelPass
{
    public ModelCard Card { get; } = new(model.Architecture, model.Classes, model.Augmentation, model.Input, model.Width,
        CalibratedConfidence.Parse(model.Metadata.GetValueOrDefault("confidence"), path));

    public (float[] Embeddings, float[] Logits) Run(float[] pixels, int rows) => model.Run(pixels, rows);

    public void Dispose() => model.Dispose();
}
