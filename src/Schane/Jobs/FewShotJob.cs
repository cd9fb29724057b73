using Schane.Checkpoints;
using Schane.Data;
using Schane.Data.Transforms;
using Schane.Evaluation;
using Schane.Inference;
using Schane.Models;
using Schane.Tensors;
using Schane.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Jobs;

/// <summary>Tells classes apart from a few images of each, without training on them: what <c>schane fewshot</c> does.</summary>
public sealed record FewShotJob
{
    /// <summary>Run folder whose model makes the embeddings; null for <see cref="Model"/> with <see cref="Weights"/>.</summary>
    public string? Run { get; init; }

    /// <summary>Model name in the registry where there is no run.</summary>
    public string Model { get; init; } = "schane_tiny";

    /// <summary>Weights of <see cref="Model"/>, as <see cref="Recipe.Weights"/>.</summary>
    public string Weights { get; init; } = EmbeddedWeights.Name;

    /// <summary>Where downloaded weights are kept and whether the network may be used; null for the defaults, which come from the environment.</summary>
    public HubOptions? Hub { get; init; }

    /// <summary>Told how far a download is and what became of the weights.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>The images: a folder, or NAME[:PART]. Honest only on classes that the model has not been trained on.</summary>
    public required string Data { get; init; }

    /// <summary>Folder of the named data sets; null: <c>$SCHANE_DATA</c>, then the user's data folder.</summary>
    public string? DataRoot { get; init; }

    /// <summary>Shape and seed of the episodes.</summary>
    public FewShotOptions Options { get; init; } = new();

    /// <summary>File of the episodes, so that models are compared on the same ones: read where it is there, else drawn and written. Null: drawn and not kept.</summary>
    public string? EpisodeFile { get; init; }

    /// <summary>Where to compute.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Embeds every image once and classifies the queries of every episode.</summary>
    /// <exception cref="SchaneException">The run, the weights, the data or the episodes break a rule.</exception>
    public FewShotReport Measure(CancellationToken stop = default)
    {
        var where = Devices.Find(Device);
        var images = DatasetCatalog.Open(Data, DataRoot);
        int[] labels = [.. Enumerable.Range(0, images.Count).Select(images.LabelOf)];
        var episodes = EpisodeFile is not null && File.Exists(EpisodeFile) ? EpisodeList.Load(EpisodeFile) : EpisodeList.Draw(labels, images.Classes, Options);
        if (episodes.Options != Options)
            throw new SchaneException($"'{Printable.Escape(EpisodeFile!)}' holds other episodes ({Shape(episodes.Options)}) than were asked for ({Shape(Options)}); name another file, or ask for its own.");

        using var scope = NewDisposeScope();
        using var model = Run is null ? Initial(stop) : RunModel.Load(RunFolder.Open(Run).Model, Device);
        using var outputs = ModelOutputs.Of(model.Classifier, images, TransformPreset.Find(model.Augmentation).Evaluation(model.Input), where, cancel: stop);
        var embeddings = EmbeddingSet.Of(outputs.Embeddings, outputs.Labels, images.Classes);
        var results = ((FewShotClassifier[])[FewShotClassifier.CosineCentroid, FewShotClassifier.CosineNeighbour])
            .Select(classifier => FewShot.Run(embeddings, episodes, classifier)).Select(r => new FewShotAccuracy(r.Classifier, r.Accuracy)).ToList();
        if (EpisodeFile is not null && !File.Exists(EpisodeFile))
            episodes.Save(EpisodeFile);
        return new(images.Name, model.Classifier.Backbone.Info.Name, images.Count, images.Classes.Count, Options, results);
    }

    private RunModel Initial(CancellationToken stop)
    {
        var weights = InitialWeights.Find(Weights, Model, Hub, Progress, stop);
        var classifier = new ImageClassifier(ModelRegistry.Create(Model, seed: 0), classes: 1);
        weights.Into(classifier, Progress);
        classifier.to(Device);
        classifier.eval();
        return new RunModel(classifier, [], "none");
    }

    private static string Shape(FewShotOptions o) => $"{o.Ways} ways, {o.Shots} shots, {o.Queries} queries, {o.Episodes} episodes, seed {o.Seed}";
}

/// <summary>Few-shot accuracy of a model on a data set.</summary>
/// <param name="Data">Name of the data set.</param>
/// <param name="Model">Architecture.</param>
/// <param name="Images">Images embedded.</param>
/// <param name="Classes">Classes the episodes were drawn from.</param>
/// <param name="Options">Shape and seed of the episodes.</param>
/// <param name="Results">One entry a classifier.</param>
public sealed record FewShotReport(string Data, string Model, int Images, int Classes, FewShotOptions Options, IReadOnlyList<FewShotAccuracy> Results);

/// <summary>Accuracy of one way to classify.</summary>
/// <param name="Classifier">How queries were classified.</param>
/// <param name="Accuracy">Mean over the episodes with Student's t 95 % interval.</param>
public sealed record FewShotAccuracy(FewShotClassifier Classifier, Interval Accuracy);
