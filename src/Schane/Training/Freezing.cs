using System.Globalization;
using Schane.Models;
using TorchSharp.Modules;

namespace Schane.Training;

/// <summary>Which parameters are trained; with adapters these and the heads. Frozen ones get no gradient, and modules all of whose own
/// parameters are frozen stay in evaluation mode, so that their running statistics rest too.</summary>
internal sealed class Freezing
{
    /// <summary>The word that freezes the whole trunk.</summary>
    public const string Trunk = "trunk";

    private readonly ImageClassifier model;

    /// <param name="model">The model; gradients of what is frozen are turned off.</param>
    /// <param name="freeze">A number N for the trunk's layers 0 … N − 1, <see cref="Trunk"/>, or names of modules and parameters with
    /// commas between; null for nothing.</param>
    /// <exception cref="SchaneException">A name that the model doesn't have, more layers than it has, or nothing left to train.</exception>
    public Freezing(ImageClassifier model, string? freeze)
    {
        this.model = model;
        var all = model.NamedParameters().ToList();
        var isFrozen = Rule(model, freeze, all.Select(p => p.Name));
        foreach (var (name, parameter, layer, _) in all)
            parameter.requires_grad = !isFrozen(name, layer);
        Trained = [.. all.Where(p => p.Parameter.requires_grad)];
        Frozen = all.Count - Trained.Count;
        if (Trained.Count == 0)
            throw new SchaneException($"freeze '{freeze}' leaves nothing to train; freeze less.");
    }

    /// <summary>The parameters that are trained.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter, int Layer, bool Decays)> Trained { get; }

    /// <summary>How many are not.</summary>
    public int Frozen { get; }

    /// <summary>Refuses a contrastive term that could change nothing.</summary>
    public static void CheckContrast(ImageClassifier model, bool contrasts)
    {
        if (contrasts && model.EmbeddingsAreFixed)
            throw NothingToContrast();
    }

    /// <summary>That a contrastive term could change nothing.</summary>
    public static SchaneException NothingToContrast() =>
        new("The trunk is frozen and there is no projection, so the contrastive term has nothing to train; set --projection, --loss ce, " +
            "or freeze less.");

    /// <summary>Training mode for what is trained.</summary>
    public void TrainMode()
    {
        model.train();
        if (Frozen == 0 || model.Adapters is not null)                     // a transformer has no running statistics
            return;
        if (!model.Backbone.parameters().Any(p => p.requires_grad))
            model.Backbone.eval();
        foreach (var module in model.modules())
            if (module.parameters(recurse: false).ToList() is { Count: > 0 } own && own.TrueForAll(p => !p.requires_grad))
                module.eval();
    }

    private static Func<string, int, bool> Rule(ImageClassifier model, string? freeze, IEnumerable<string> names)
    {
        if (freeze is null && model.Adapters is null)
            return (_, _) => false;
        var trunk = model.Backbone.named_parameters().Select(p => p.name).ToHashSet();
        if (freeze is null)
            return (name, _) => trunk.Contains(name) && !Adapters.Have(name);
        if (model.Adapters is not null)
            throw new SchaneException($"lora freezes the trunk by itself, and freeze '{freeze}' would freeze more; leave one " +
                "of the two out.");
        if (freeze == Trunk)
            return (name, _) => trunk.Contains(name);
        if (int.TryParse(freeze, NumberStyles.None, CultureInfo.InvariantCulture, out var layers))
            return layers <= model.Backbone.LayerCount ? (name, layer) => trunk.Contains(name) && layer < layers
                : throw new SchaneException($"freeze {layers} is more than the {model.Backbone.LayerCount} layers of " +
                    $"{model.Backbone.Info.Name}; freeze fewer, or the '{Trunk}'.");
        var wanted = freeze.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        bool Under(string name, string parent) => name == parent || name.StartsWith(parent + ".", StringComparison.Ordinal);
        var known = names.ToList();
        foreach (var word in wanted)
            if (!known.Exists(name => Under(name, word)))
                throw new SchaneException($"freeze names '{word}', but {model.Backbone.Info.Name} has no such module or " +
                    $"parameter{Nearest.Hint(word, known.SelectMany(Parents).Distinct())}.");
        return (name, _) => wanted.Any(word => Under(name, word));
    }

    /// <summary><c>blocks.1.attn.qkv.weight</c> → <c>blocks</c>, <c>blocks.1</c>, …</summary>
    private static IEnumerable<string> Parents(string name) =>
        Enumerable.Range(1, name.Split('.').Length).Select(n => string.Join('.', name.Split('.').Take(n)));
}
