using Schane.Checkpoints.Hub;
using Schane.Data;
using Schane.Data.Feeding;
using Schane.Data.Transforms;
using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Inference;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tensors;
using Schane.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Jobs;

/// <summary>A model, trained here or not, and images for it to embed: what <c>schane embed</c>, <c>schane fewshot</c> and the protocols of
/// <c>schane evaluate</c> start from.</summary>
internal sealed record EmbeddingSource
{
    /// <summary>Run folder whose model makes the embeddings; null for <see cref="Model"/> with <see cref="Weights"/>.</summary>
    public string? Run { get; init; }

    /// <summary>
    /// Model name in the registry where there is no run; null: chosen by what is on this machine, and <c>schane_tiny</c> where weights are
    /// named.
    /// </summary>
    public string? Model { get; init; }

    /// <summary>
    /// Weights of <see cref="Model"/>, as <see cref="Recipe.Weights"/>; null: those that come with the program, else the published ones.
    /// </summary>
    public string? Weights { get; init; }

    /// <summary>The images: a folder, or NAME[:PART]. Null: the images that <see cref="Run"/> was trained and measured on.</summary>
    public string? Data { get; init; }

    /// <summary>How <see cref="Data"/> are read: the settings of a recipe that say so.</summary>
    public Recipe Reading { get; init; } = new();

    /// <summary>Folder of the named data sets; null: <c>$SCHANE_DATA</c>, then the user's data folder.</summary>
    public string? DataRoot { get; init; }

    /// <summary>Where downloaded weights are kept and whether the network may be used; null for the defaults, which come
    /// from the environment.</summary>
    public HubOptions? Hub { get; init; }

    /// <summary>Told how far a download is, what became of the weights and what of the data is not used.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>Where to compute.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Embeds the images, part by part; where data come undivided, parts are drawn by seed 0, and a part that is named is
    /// one part, <c>test</c>.</summary>
    /// <exception cref="SchaneException">The run, the weights or the data break a rule.</exception>
    public EmbeddedImages Embed(CancellationToken stop = default)
    {
        using var scope = NewDisposeScope();
        using var model = Open(stop);
        return EmbeddedImages.Join([.. Parts().Select(part => Embed(model, part.Images, part.Name, stop))]);
    }

    /// <summary>The model, in evaluation mode.</summary>
    internal RunModel Open(CancellationToken stop)
    {
        Devices.Find(Device);
        if (Run is not null)
            return RunModel.Load(RunFolder.Open(Run).Model, Device);
        var (name, from) = Start(stop);
        var weights = InitialWeights.Find(from, name, Hub, Progress, stop);
        var classifier = new ImageClassifier(ModelRegistry.Create(name, seed: 0), classes: 1);
        weights.Into(classifier, keepHead: false, Progress);
        classifier.to(Device);
        classifier.eval();
        return new RunModel(classifier, [], "none");
    }

    /// <summary>Embeddings of images as they look without augmentation.</summary>
    internal EmbeddedImages Embed(RunModel model, IImageDataset images, string part, CancellationToken stop)
    {
        using var outputs = ModelOutputs.Of(model.Classifier, images, TransformPreset.Find(model.Augmentation).Evaluation(model.Input),
            Devices.Find(Device), cancel: stop);
        return EmbeddedImages.Of(outputs, images, part);
    }

    /// <summary>Embeddings of images varied as in training, one view of each; by the light preset where the model
    /// was not trained here.</summary>
    internal EmbeddingSet EmbedAugmented(RunModel model, IImageDataset images, long seed, CancellationToken stop)
    {
        var preset = model.Augmentation == "none" ? "light" : model.Augmentation;
        using var outputs = ModelOutputs.Of(model.Classifier, images, TransformPreset.Find(preset).Training(model.Input),
            Devices.Find(Device), new LoaderOptions { Seed = seed }, cancel: stop);
        return EmbeddingSet.Of(outputs.Embeddings, outputs.Labels, images.Classes);
    }

    /// <summary>Sentences that say where the model has seen classes before, so that telling them apart is no measure of new ones.</summary>
    /// <param name="classes">The classes to be told apart.</param>
    /// <param name="stop">Stops a download of weights.</param>
    public IReadOnlyList<string> Seen(IReadOnlyList<string> classes, CancellationToken stop = default)
    {
        using var scope = NewDisposeScope();
        using var model = Open(stop);
        return Overlaps.Of(model.Classes, WeightsOf(model), Data ?? "", classes);
    }

    /// <summary>What the weights of a model that <see cref="Open"/> gave are called; null where a run made them.</summary>
    internal string? WeightsOf(RunModel model) => Run is not null ? null
        : Weights is null or InitialWeights.Published ? model.Classifier.Backbone.Info.Weights : Weights;

    private (string Model, string Weights) Start(CancellationToken stop)
    {
        if (Model is not null || Weights is not null)
            return (Model ?? StartingPoint.Tiny, Weights ?? StartingPoint.WeightsOf(Model!));
        var start = StartingPoint.Choose(Hub, training: null, Progress, stop);
        Progress?.Report(new("prepare", 0, 0, 0, null, 0, null, start.Why));
        return (start.Model, start.Weights);
    }

    /// <summary>Opens <see cref="Data"/> as one set of images, and tells what of it is not used.</summary>
    /// <param name="minClasses">Fewer classes are refused.</param>
    /// <param name="several">Whether images may have several classes.</param>
    internal IImageDataset OpenData(int minClasses = 2, bool several = false)
    {
        var images = DatasetCatalog.Open(Data!, DataRoot, DataSetup.OptionsOf(Reading) with { MinClasses = minClasses });
        if (!several)
            RequireOneClass(images);
        Tell(IAccounted.Of(images).Sentences);
        return images;
    }

    private static void RequireOneClass(IImageDataset images)
    {
        if (images.IsMultiLabel)
            throw LabelSetChoice.Refused("embeddings are kept and compared by one class an image", "name images of one class each, or " +
                "measure a run by schane evaluate RUN");
    }

    private void Tell(IEnumerable<string> sentences)
    {
        foreach (var sentence in sentences)
            Progress?.Report(TrainingProgress.Note(sentence));
    }

    private IEnumerable<(string Name, IImageDataset Images)> Parts()
    {
        if (Data is not null && DatasetCatalog.IsPart(Data, DataRoot))
            return [("test", OpenData())];
        var setup = Data is not null ? DataSetup.Open(Reading with { Data = Data }, DataRoot)
            : RunFolder.Open(Run ?? throw new SchaneException("Name the images with --data, or a run whose images to embed.")) is var run
                ? DataSetup.Open(SavedRun.RecipeOf(run), DataRoot, SavedRun.SplitsOf(run)) : null!;
        RequireOneClass(setup.Train);
        Tell(setup.Warnings);
        return ((string, IImageDataset?)[])[("train", setup.Train), ("val", setup.Validation), ("test", setup.Test)] is var parts
            ? [.. parts.Where(part => part.Item2 is not null).Select(part => (part.Item1, part.Item2!))] : [];
    }
}
