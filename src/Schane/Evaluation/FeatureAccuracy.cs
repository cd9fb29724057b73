using Schane.Models;
using Schane.Training;
using static TorchSharp.torch;

namespace Schane.Evaluation;

/// <summary>As <see cref="ValidationAccuracy"/>, for a head on embeddings that are computed already.</summary>
/// <param name="features">[n, D].</param>
/// <param name="labels">[n], int64, on the CPU.</param>
internal sealed class FeatureAccuracy(Tensor features, Tensor labels) : IEvaluator
{
    public string Part => "val";

    public IReadOnlyList<string> Metrics => ValidationAccuracy.Names;

    public IReadOnlyDictionary<string, double> Evaluate(ImageClassifier model, CancellationToken stop = default)
    {
        using var scope = NewDisposeScope();
        return ValidationAccuracy.Of(model.Forward(features).Logits.cpu(), labels);
    }
}
