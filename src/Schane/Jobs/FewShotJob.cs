using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Episodes;
using Schane.Evaluation.Statistics;
using Schane.Planning;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Jobs;

/// <summary>Tells classes apart from a few images of each, without training on them: what <c>schane fewshot</c> does.</summary>
internal sealed record FewShotJob
{
    /// <summary>The model that makes the embeddings, and where named data lie.</summary>
    public EmbeddingSource Source { get; init; } = new();

    /// <summary>The images: a folder, or NAME[:PART]. Honest only on classes that the model has not been trained on.</summary>
    public required string Data { get; init; }

    /// <summary>Shape and seed of the episodes.</summary>
    public FewShotOptions Options { get; init; } = new();

    /// <summary>Whether episodes have fewer queries than <see cref="Options"/> says where the smallest class has no more images; a warning
    /// tells. Off unless asked for.</summary>
    public bool FewerQueries { get; init; }

    /// <summary>File of the episodes, so that models are compared on the same ones: read where it is there, else drawn and written.
    /// Null: drawn and not kept.</summary>
    public string? EpisodeFile { get; init; }

    /// <summary>Augmented views of each labelled image that stand beside it; 0, the default, for none. Queries
    /// are never augmented.</summary>
    public int SupportViews { get; init => field = Require.AtLeast(value, 0); }

    /// <summary>Whether a classifier is measured too that sees the queries of an episode together. Off unless asked for.</summary>
    public bool Transduction { get; init; }

    /// <summary>Weight of the data against the penalty of logistic regression, above 0; scikit-learn's C. 1 by default.</summary>
    public double RegressionC { get; init => field = Require.Positive(value); } = 1;

    /// <summary>Embeds every image once and classifies the queries of every episode.</summary>
    /// <exception cref="SchaneException">The run, the weights, the data or the episodes break a rule.</exception>
    public FewShotReport Measure(CancellationToken stop = default)
    {
        var images = (Source with { Data = Data }).OpenData();
        int[] labels = [.. Enumerable.Range(0, images.Count).Select(images.LabelOf)];
        var (options, lowered) = FewerQueries ? Fitting(labels, images.Classes) : (Options, null);
        var episodes = EpisodeFile is not null && File.Exists(EpisodeFile)
            ? EpisodeList.Load(EpisodeFile) : EpisodeList.Draw(labels, images.Classes, options);
        if (episodes.Options != options)
            throw new SchaneException($"'{Printable.Escape(EpisodeFile!)}' holds other episodes ({Shape(episodes.Options)}) than were " +
                $"asked for ({Shape(options)}); name another file, or ask for its own.");

        using var scope = NewDisposeScope();
        using var model = Source.Open(stop);
        var embeddings = Source.Embed(model, images, "test", stop).Embeddings;
        List<EmbeddingSet> views = [.. Enumerable.Range(1, SupportViews)
            .Select(view => Source.EmbedAugmented(model, images, Options.Seed + view, stop))];
        FewShotClassifier[] classifiers = [FewShotClassifier.CosineCentroid, FewShotClassifier.CosineNeighbour,
            FewShotClassifier.LogisticRegression, .. Transduction ? (FewShotClassifier[])[FewShotClassifier.TransductiveCentroid] : []];
        var results = classifiers.Select(classifier => FewShot.Run(embeddings, episodes, classifier, views, RegressionC))
            .Select(r => new FewShotAccuracy(r.Classifier, r.Accuracy, Interval.NormalOf(r.Episodes))).ToList();
        if (EpisodeFile is not null && !File.Exists(EpisodeFile))
            episodes.Save(EpisodeFile);
        return new(images.Name, model.Classifier.Backbone.Info.Name, images.Count, images.Classes.Count, options, results,
            [.. lowered is null ? (string[])[] : [lowered],
                .. Overlaps.Of(model.Classes, Source.WeightsOf(model), images.Name, images.Classes)]);
    }

    /// <summary>The options with as many queries as the smallest class leaves beside the shots, and the sentence that says so;
    /// unchanged where that is none.</summary>
    private (FewShotOptions, string?) Fitting(int[] labels, IReadOnlyList<string> classes)
    {
        var (smallest, count) = labels.CountBy(label => label).MinBy(c => c.Value);
        var left = count - Options.Shots;
        return left < 1 || left >= Options.Queries ? (Options, null)
            : (Options with { Queries = left }, $"Queries are lowered from {Options.Queries} to {left} of each class, since " +
                $"'{Printable.Escape(classes[smallest])}' has {count} images.");
    }

    private static string Shape(FewShotOptions o) =>
        $"{o.Ways} ways, {o.Shots} shots, {o.Queries} queries, {o.Episodes} episodes, seed {o.Seed}";
}

/// <summary>Few-shot accuracy of a model on a data set.</summary>
/// <param name="Data">Name of the data set.</param>
/// <param name="Model">Architecture.</param>
/// <param name="Images">Images embedded.</param>
/// <param name="Classes">Classes the episodes were drawn from.</param>
/// <param name="Options">Shape and seed of the episodes.</param>
/// <param name="Results">One entry a classifier.</param>
/// <param name="Warnings">Sentences that say where the model has seen the classes before, so that the figures are
/// no measure of new ones.</param>
internal sealed record FewShotReport(string Data, string Model, int Images, int Classes, FewShotOptions Options,
    IReadOnlyList<FewShotAccuracy> Results, IReadOnlyList<string> Warnings);

/// <summary>Accuracy of one way to classify.</summary>
/// <param name="Classifier">How queries were classified.</param>
/// <param name="Accuracy">Mean over the episodes with Student's t 95 % interval.</param>
/// <param name="Normal">The same with the normal interval, as papers on episodes have it.</param>
internal sealed record FewShotAccuracy(FewShotClassifier Classifier, Interval Accuracy, Interval Normal);
