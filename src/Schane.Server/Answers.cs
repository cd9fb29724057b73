using System.Text.Json.Serialization;
using Schane.Inference;
using Schane.Jobs;

namespace Schane.Server;

/// <summary>What /predict answers.</summary>
/// <param name="Predictions">One an image, in the order of the body.</param>
public sealed record PredictAnswer(IReadOnlyList<ImageAnswer> Predictions);

/// <summary>The answer for one image.</summary>
/// <param name="Image">Its file name in the form, or <c>image</c>.</param>
/// <param name="Class">The answer; null where the image is like no class.</param>
/// <param name="Unknown">Unlike every image that the model knows.</param>
/// <param name="Distance">Cosine distance to the images that the model knows, 0 to 2; null where the run has none to compare with.</param>
/// <param name="Top">Most probable first.</param>
/// <param name="Neighbours">The nearest training images, where they were asked for and may be shown.</param>
/// <param name="Why">Where it was asked for, a WebP in base64: the image as the model sees it, in gray, with the places that speak for the
/// most probable class in orange.</param>
public sealed record ImageAnswer(string Image, string? Class, bool Unknown, double? Distance, IReadOnlyList<ClassProbability> Top,
    IReadOnlyList<TrainingExample>? Neighbours, string? Why)
{
    /// <summary>All classes at or above their thresholds, where the model may name several; not there for one class an image.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ClassProbability>? Classes { get; init; }
}

/// <summary>What /embed answers.</summary>
/// <param name="Embeddings">One an image, in the order of the body.</param>
public sealed record EmbedAnswer(IReadOnlyList<ImageEmbedding> Embeddings);

/// <summary>The embedding of one image.</summary>
/// <param name="Image">Its file name in the form, or <c>image</c>.</param>
/// <param name="Embedding">[D], as the model gives it (not normalised).</param>
public sealed record ImageEmbedding(string Image, IReadOnlyList<float> Embedding);

/// <summary>What /healthz answers.</summary>
/// <param name="Status"><c>ready</c>.</param>
/// <param name="Model">What is served.</param>
/// <param name="Classes">How many classes it knows.</param>
/// <param name="NeedsKey">Whether requests must show a key.</param>
/// <param name="ShowsExamples">Whether nearest training images are given.</param>
/// <param name="Explains">Whether it can show where in an image it saw a class.</param>
public sealed record Health(string Status, string Model, int Classes, bool NeedsKey, bool ShowsExamples, bool Explains);
