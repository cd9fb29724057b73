using Schane.Checkpoints;
using Schane.Data;
using Schane.Data.Feeding;
using Schane.Data.Transforms;
using Schane.Distributed;
using Schane.Evaluation;
using Schane.Inference;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tensors;
using Schane.Training;
using static TorchSharp.torch;

namespace Schane.Jobs;

/// <summary>
/// Training of head and projection on a trunk that is frozen and sees every image as it is: each image goes through the trunk once, its
/// embedding is kept in the run, and the steps take embeddings in place of images. The same weights as with the
/// trunk in every step, to rounding.
/// </summary>
internal sealed class FrozenTrunk : IDisposable
{
    private readonly RunModel model;
    private readonly Dictionary<string, Tensor> kept;

    private FrozenTrunk(RunModel model, Dictionary<string, Tensor> kept, ISampler sampler, int unit, ICollective ranks)
    {
        (this.model, this.kept) = (model, kept);
        var whole = model.Classifier;
        Heads = new(new GivenFeatures(whole.Backbone), whole.Classes, new ClassifierOptions { ProjectionWidth = whole.ProjectionWidth });
        CopyWeights(whole, Heads);
        Batches = new FeatureBatches(kept["train"], kept["train_labels"], kept["train_images"], sampler, ranks.Rank, ranks.Size, unit);
        Judge = kept.TryGetValue("val", out var features) ? new FeatureAccuracy(features, kept["val_labels"]) : null;
    }

    /// <summary>Head and projection, on given embeddings.</summary>
    public ImageClassifier Heads { get; }

    /// <summary>Batches of embeddings.</summary>
    public IBatchSource Batches { get; }

    /// <summary>Measures on the embeddings of the validation part; null where there is none.</summary>
    public IEvaluator? Judge { get; }

    /// <summary>Whether a recipe asks for nothing that would show the trunk an image in two ways.</summary>
    public static bool Suits(Recipe recipe, ImageClassifier model) =>
        recipe is { Freeze: Freezing.Trunk, Augmentation: "none", Views: 1, Mixup: 0, Cutmix: 0, MultiLabel: not true }
        && !model.HasTwoHeads;

    /// <summary>Computes the embeddings, which the ranks share out, or takes those that the run has kept.</summary>
    /// <param name="recipe">Resolved.</param>
    /// <param name="data">Training and validation images.</param>
    /// <param name="model">With its initial weights, on the recipe's device.</param>
    /// <param name="sampler">Which images stand in which batch.</param>
    /// <param name="run">Where they are kept.</param>
    /// <param name="validates">Whether those of the validation part are needed.</param>
    /// <param name="ranks">The processes that train together; each is given its share of the batches.</param>
    /// <param name="stop">Stops between batches.</param>
    public static FrozenTrunk Open(Recipe recipe, DataSetup data, RunModel model, ISampler sampler, RunFolder run, bool validates,
        ICollective ranks, CancellationToken stop)
    {
        ranks.BroadcastAll(model.Classifier.StateDict().Values);          // rank 0's trunk, which all embed with
        var file = Path.Combine(run.Checkpoints, "features.safetensors");
        var identity = data.Fingerprint();
        Dictionary<string, Tensor>? kept = null;
        var parts = validates && data.Validation is not null ? (string[])["train", "val"] : ["train"];
        ranks.OnFirst(() => kept = Read(file, identity));
        var all = new Dictionary<string, Tensor>();
        if (ranks.Any(kept is not null))
        {
            foreach (var part in parts)
                Share(all, part, kept, model, ranks);
            foreach (var tensor in kept?.Values.ToArray() ?? [])
                tensor.Dispose();
        }
        else
        {
            foreach (var part in parts)
                Embed(all, part, part == "val" ? data.Validation! : data.Train, recipe, model, ranks, stop);
            ranks.OnFirst(() => Safetensors.Write(file, all, new Dictionary<string, string> { ["data"] = identity }));
        }
        return new(model, all, sampler, BatchShape.ShareUnit(recipe, model.Classifier.Classes), ranks);
    }

    /// <summary>What the trained model makes of a part whose embeddings are kept, without another look at its images;
    /// null for other parts.</summary>
    /// <param name="part"><c>train</c> or <c>val</c>.</param>
    public ModelOutputs? Outputs(string part)
    {
        if (!kept.TryGetValue(part, out var features))
            return null;
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        Heads.eval();
        var (embeddings, logits) = Heads.Forward(features);
        Tensor Own(Tensor tensor) => tensor.cpu().alias().DetachFromDisposeScope();
        return new(Own(embeddings), Own(logits), Own(kept[$"{part}_labels"]), [.. Copy.Longs(kept[$"{part}_images"]).Select(i => (int)i)]);
    }

    /// <summary>Gives what was trained to the whole model.</summary>
    public void GiveBack() => CopyWeights(Heads, model.Classifier);

    public void Dispose()
    {
        Batches.Dispose();
        Heads.Dispose();
        foreach (var tensor in kept.Values)
            tensor.Dispose();
    }

    private static void CopyWeights(ImageClassifier from, ImageClassifier to)
    {
        using var _ = no_grad();
        var there = to.StateDict();
        foreach (var (name, tensor) in from.StateDict())
            if (there.TryGetValue(name, out var target))
                target.copy_(tensor);
    }

    private static void Embed(Dictionary<string, Tensor> kept, string part, IImageDataset images, Recipe recipe, RunModel model,
        ICollective ranks, CancellationToken stop)
    {
        model.Classifier.eval();
        using var outputs = ModelOutputs.Of(model.Classifier, images,
            TransformPreset.Find(recipe.Augmentation!).Evaluation(model.Input), device(recipe.Device),
            new LoaderOptions { OnBadImage = recipe.OnBadImage }, cancel: stop, ranks: ranks);
        using var scope = NewDisposeScope();
        kept[part] = outputs.Embeddings.to(device(recipe.Device)).alias().DetachFromDisposeScope();
        kept[$"{part}_labels"] = outputs.Labels.alias().DetachFromDisposeScope();
        kept[$"{part}_images"] = tensor((long[])[.. outputs.Indices.Select(i => (long)i)]).DetachFromDisposeScope();
    }

    /// <summary>Gives rank 0's embeddings of a part to all.</summary>
    private static void Share(Dictionary<string, Tensor> all, string part, Dictionary<string, Tensor>? kept,
        RunModel model, ICollective ranks)
    {
        using var scope = NewDisposeScope();
        var device = model.Classifier.NamedParameters().First().Parameter.device;
        foreach (var (name, nothing) in ((string, Tensor)[])[(part, empty(0, model.Classifier.Backbone.Info.EmbeddingWidth)),
            ($"{part}_labels", empty(0, int64)), ($"{part}_images", empty(0, int64))])
            all[name] = ranks.Gather(kept?[name] ?? nothing).Rows.to(name == part ? device : CPU).alias().DetachFromDisposeScope();
    }

    private static Dictionary<string, Tensor>? Read(string path, string identity)
    {
        if (!File.Exists(path))
            return null;
        using var file = Safetensors.Open(path);
        return file.Metadata.GetValueOrDefault("data") != identity ? null
            : file.Names.ToDictionary(name => name, name => file.Read(name).DetachFromDisposeScope());
    }
}
