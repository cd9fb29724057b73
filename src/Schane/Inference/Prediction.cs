using System.Text.Json.Serialization;
using Schane.Data;
using Schane.Data.Feeding;

namespace Schane.Inference;

/// <summary>What an image shows.</summary>
/// <param name="Image">Its path or name.</param>
/// <param name="Top">Most probable first; empty where it could not be read.</param>
public sealed record Prediction(string Image, IReadOnlyList<ClassProbability> Top)
{
    /// <summary>The answer: the most probable class, or null where it is withheld, unknown or there is no image, or where an image may show
    /// several classes and none reaches its threshold.</summary>
    public string? Class => Withheld || Unknown || Top.Count == 0 || Classes is { Count: 0 } ? null : (Classes ?? Top)[0].Class;

    /// <summary>All classes at or above their thresholds, most probable first, where the model was trained on images of several classes;
    /// null for one class an image.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ClassProbability>? Classes { get; init; }

    /// <summary>The most probable class is less sure than <see cref="PredictOptions.AbstainBelow"/> asks for.</summary>
    public bool Withheld { get; init; }

    /// <summary>Unlike what the model knows: farther from its training images than 95 % of the held-out images, and like no enrolled
    /// class. Only run folders say so, and only where images were held out.</summary>
    public bool Unknown { get; init; }

    /// <summary>How far it is from the training images: the cosine distance of its embedding to the nearest, 0 to 2; null where
    /// <see cref="Unknown"/> can't be told.</summary>
    public double? Distance { get; init; }

    /// <summary>[D], as the model gives it (not normalised), where it was asked for.</summary>
    public float[]? Embedding { get; init; }

    /// <summary>The image as the model sees it, in gray, with the places that speak for the most probable class in orange; where it was
    /// asked for.</summary>
    [JsonIgnore]
    public Image8? Why { get; init; }

    /// <summary>Why it could not be read, where bad images are skipped.</summary>
    public string? Problem { get; init; }
}

/// <summary>One class and how probable it is.</summary>
/// <param name="Class">Its name.</param>
/// <param name="Probability">Calibrated, 0 to 1; where an image may show several classes, the sigmoid of the class alone.</param>
public sealed record ClassProbability(string Class, double Probability);

/// <summary>What is wanted of a prediction.</summary>
public sealed record PredictOptions
{
    /// <summary>The settings used where none are given.</summary>
    public static PredictOptions Default { get; } = new();

    /// <summary>How many classes, at least 1; 5 by default, and never more than there are.</summary>
    public int Top { get; init => field = Tensors.Require.AtLeast(value, 1); } = 5;

    /// <summary>Precision, above 0 to 1, that answers must have had on validation images; less sure ones are withheld. Null (the
    /// default) withholds none.</summary>
    public double? AbstainBelow { get; init; }

    /// <summary>Whether the embedding is given too. Off by default.</summary>
    public bool Embedding { get; init; }

    /// <summary>Whether <see cref="Prediction.Why"/> is given too, which costs a second pass. Off by default; an ONNX file can't.</summary>
    public bool Why { get; init; }

    /// <summary>Whether a file that is no image stops the work (the default) or is named in <see cref="Prediction.Problem"/>.</summary>
    public OnBadImage OnBadImage { get; init; } = OnBadImage.Fail;
}
