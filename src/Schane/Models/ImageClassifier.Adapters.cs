using Schane.Models.Layers;
using static TorchSharp.torch;

namespace Schane.Models;

public sealed partial class ImageClassifier
{
    /// <summary>The adapters beside its linear layers, which are trained in place of the trunk's weights; null for none.</summary>
    internal Adapters? Adapters { get; private set; }

    /// <summary>Puts adapters beside the trunk's weights, which change nothing yet, and freezes these.</summary>
    /// <exception cref="SchaneException">The trunk can't have them.</exception>
    internal void Adapt(Adapters adapters)
    {
        var layers = adapters.In(Backbone);
        foreach (var parameter in Backbone.parameters())
            parameter.requires_grad = false;
        using var init = new WeightInit(options.Seed);
        foreach (var (_, layer) in layers)
            layer.Adapt(adapters.Rank, adapters.Scale, init);
        Adapters = adapters;
    }

    /// <summary>Takes the adapters into the weights, which moves outputs by rounding alone; they do nothing then.</summary>
    internal void Merge()
    {
        foreach (var (_, layer) in Adapters.Linear(Backbone))
            layer.Merge();
    }

    /// <summary>What training can change, by name: with adapters these and the heads, else everything.</summary>
    internal IReadOnlyDictionary<string, Tensor> Changing()
    {
        var state = StateDict();
        if (Adapters is null)
            return state;
        var trunk = Backbone.state_dict().Keys.Where(name => !Adapters.Have(name)).ToHashSet();
        return state.Where(t => !trunk.Contains(t.Key)).ToDictionary();
    }

    /// <summary>The tensors of a model that computes the same without adapters. New ones belong to the caller's dispose scope.</summary>
    internal IReadOnlyDictionary<string, Tensor> Merged()
    {
        var state = StateDict();
        if (Adapters is null)
            return state;
        var plain = state.Where(t => !Adapters.Have(t.Key)).ToDictionary();
        foreach (var (name, layer) in Adapters.Linear(Backbone))
            if (layer.Merged() is { } weight)
                plain[$"{name}.weight"] = weight;
        return plain;
    }
}
