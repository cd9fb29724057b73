using Schane.Data;
using Schane.Data.Feeding;
using Schane.Distributed;
using Schane.Models;
using Schane.Training;
using static TorchSharp.torch;

namespace Schane.Evaluation;

/// <summary>Classification of a part of the data while training goes on.</summary>
internal sealed class ValidationAccuracy(IImageDataset images, IImageTransform transform, Device device, LoaderOptions options,
    ICollective? ranks = null) : IEvaluator
{
    public static readonly IReadOnlyList<string> Names = ["top1", "mean_per_class", "nll"];

    public string Part => "val";

    public IReadOnlyList<string> Metrics => Names;

    public IReadOnlyDictionary<string, double> Evaluate(ImageClassifier model, CancellationToken stop = default)
    {
        using var outputs = ModelOutputs.Of(model, images, transform, device, options, cancel: stop, ranks: ranks);
        return Of(outputs.Logits, outputs.Labels);
    }

    public static IReadOnlyDictionary<string, double> Of(Tensor logits, Tensor labels)
    {
        var found = Classification.Of(logits, labels);
        return new Dictionary<string, double> { ["top1"] = found.Top1, ["mean_per_class"] = found.MeanPerClass, ["nll"] = found.Nll };
    }
}
