using Schane.Inference;
using Schane.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Jobs.Averages;

/// <summary>Models of models.</summary>
internal static class AveragedModels
{
    /// <summary>The mean of the weights, running statistics of batch norm too, summed in float64.</summary>
    public static RunModel Soup(IReadOnlyList<RunModel> models)
    {
        var mean = Like(models[0], models[0].Classifier.Backbone.Info.Name);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var states = models.Select(model => model.Classifier.StateDict()).ToList();
        foreach (var (name, value) in mean.Classifier.StateDict())
            value.copy_(!value.is_floating_point() ? states[0][name]
                : states.Select(state => state[name].to_type(ScalarType.Float64)).Aggregate((a, b) => a + b) / states.Count);
        return mean;
    }

    /// <summary>One model whose logits are the mean of those of all models and views (<see cref="AveragedBackbone"/>).</summary>
    public static RunModel Ensemble(IReadOnlyList<RunModel> models, int views)
    {
        var info = models[0].Classifier.Backbone.Info;
        var averaging = new Averaging(models.Count, views,
            Data.Transforms.TransformPreset.Find(models[0].Augmentation).Mirrors);
        var whole = Like(models[0], averaging.NameOf(info.Name));
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var target = whole.Classifier.StateDict();
        var states = models.Select(model => model.Classifier.StateDict()).ToList();
        var (weight, bias) = ($"{info.HeadName}.weight", $"{info.HeadName}.bias");
        for (var k = 0; k < states.Count; k++)
            foreach (var (name, value) in states[k].Where(tensor => tensor.Key != weight && tensor.Key != bias))
                target[AveragedBackbone.PrefixOf(k) + name].copy_(value);
        target[weight].copy_(cat([.. states.Select(state => state[weight])], 1) / states.Count);
        target[bias].copy_(stack(states.Select(state => state[bias])).mean([0]));
        return whole;
    }

    private static RunModel Like(RunModel model, string name)
    {
        var (info, first) = (model.Classifier.Backbone.Info, model.Classifier.NamedParameters().First().Parameter);
        var classifier = new ImageClassifier(ModelRegistry.Create(name, 0, info.Channels, info.InputSize), model.Classes.Count);
        classifier.to(first.device);
        classifier.eval();
        return new(classifier, model.Classes, model.Augmentation);
    }
}
