using Schane.Data;
using Schane.Data.Feeding;
using Schane.Distributed;
using Schane.Models;
using Schane.Tensors;
using Schane.Training;
using static TorchSharp.torch;

namespace Schane.Evaluation;

/// <summary>Classification of a part of the data while training goes on; of several classes an image, by thresholds of ½.</summary>
internal sealed class ValidationAccuracy(IImageDataset images, IImageTransform transform, Device device, LoaderOptions options,
    ICollective? ranks = null) : IEvaluator
{
    public static readonly IReadOnlyList<string> Names = ["top1", "mean_per_class", "nll"];

    public string Part => "val";

    private static readonly IReadOnlyList<string> several = ["map", "micro_f1", "macro_f1", "nll"];

    public IReadOnlyList<string> Metrics => options.MultiLabel ? several : Names;

    public IReadOnlyDictionary<string, double> Evaluate(ImageClassifier model, CancellationToken stop = default)
    {
        using var outputs = ModelOutputs.Of(model, images, transform, device, options, cancel: stop, ranks: ranks);
        return options.MultiLabel ? OfSets(outputs) : Of(outputs.Logits, outputs.Labels);
    }

    private Dictionary<string, double> OfSets(ModelOutputs outputs)
    {
        var logits = Copy.Doubles(outputs.Logits);
        var found = LabelSetScores.Of(logits, LabelSetScores.TruthOf(images, outputs.Indices), [.. logits.Select(logit => logit >= 0)],
            images.Classes.Count).Named();
        return several.ToDictionary(name => name, name => found[name]);
    }

    public static IReadOnlyDictionary<string, double> Of(Tensor logits, Tensor labels)
    {
        var found = Classification.Of(logits, labels);
        return new Dictionary<string, double> { ["top1"] = found.Top1, ["mean_per_class"] = found.MeanPerClass, ["nll"] = found.Nll };
    }
}
