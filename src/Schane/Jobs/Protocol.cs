using System.Globalization;
using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Episodes;
using Schane.Evaluation.Statistics;
using Schane.Tensors;

namespace Schane.Jobs;

/// <summary>How embeddings are judged.</summary>
internal enum ProtocolKind
{
    /// <summary>The run's own classifier on the test part.</summary>
    Full,

    /// <summary>Weighted nearest neighbours among the training part (Wu et al. 2018; DINO's protocol).</summary>
    Knn,

    /// <summary>A linear classifier on the training part, its λ chosen on the validation part.</summary>
    Linear,

    /// <summary>Episodes of a few labels on the test part.</summary>
    FewShot,

    /// <summary>Nothing is fitted: retrieval, clustering, alignment, uniformity, neural collapse of the test part.</summary>
    Embeddings,
}

/// <summary>Judges embeddings by a protocol: what <c>schane evaluate --protocol</c> does.</summary>
internal sealed record Protocol
{
    /// <summary>Share of the training part that a linear probe's λ is chosen on where there is no validation part.</summary>
    private const double ValidationShare = 0.2;

    /// <summary>The protocol; not <see cref="ProtocolKind.Full"/>, which needs more than embeddings.</summary>
    public required ProtocolKind Kind { get; init; }

    /// <summary>Neighbours that vote in <see cref="ProtocolKind.Knn"/>.</summary>
    public int Neighbours { get; init => field = Require.AtLeast(value, 1); } = 20;

    /// <summary>How <see cref="ProtocolKind.Linear"/> is fitted.</summary>
    public ProbeSolver Solver { get; init; }

    /// <summary>Episodes of <see cref="ProtocolKind.FewShot"/>.</summary>
    public FewShotOptions Episodes { get; init; } = new();

    /// <summary>Measures.</summary>
    /// <param name="images">Embeddings with their parts. A protocol that fits wants <c>train</c>; all measure
    /// <c>test</c>, else <c>val</c>.</param>
    /// <exception cref="SchaneException">A part is missing, or too small for the protocol.</exception>
    public ProtocolReport Measure(EmbeddedImages images)
    {
        ArgumentNullException.ThrowIfNull(images);
        var (part, test) = Measured(images);
        var (metrics, settings) = Kind switch
        {
            ProtocolKind.Knn => Knn(Train(images), test),
            ProtocolKind.Linear => Linear(images, part, test),
            ProtocolKind.FewShot => FewShots(test),
            ProtocolKind.Embeddings => Quality(test),
            _ => throw new ArgumentOutOfRangeException(nameof(images), Kind, "The protocol needs a run, not embeddings."),
        };
        return new(Kind, part, test.Count, test.Labels.Distinct().Count(), metrics, settings);
    }

    private static (string Part, EmbeddingSet Images) Measured(EmbeddedImages images) =>
        images.Part("test") is { } test ? ("test", test.Embeddings) : images.Part("val") is { } val ? ("val", val.Embeddings)
        : throw new SchaneException(
            $"The embeddings have only the parts {string.Join(", ", images.Parts.Distinct())}; a protocol measures test, or val.");

    private static EmbeddingSet Train(EmbeddedImages images) => images.Part("train")?.Embeddings
        ?? throw new SchaneException(
            $"The protocol fits on the part train, but the embeddings have only {string.Join(", ", images.Parts.Distinct())}; embed data " +
            "that come with training images, or take the protocol embeddings or fewshot.");

    private (Dictionary<string, double>, Dictionary<string, string>) Knn(EmbeddingSet train, EmbeddingSet test)
    {
        var k = Math.Min(Neighbours, train.Count);
        var found = NearestNeighbours.Of(test, train, k);
        return (new()
        { ["top1"] = found.Accuracy.Mean, ["top1_low"] = found.Accuracy.Low!.Value, ["top1_high"] = found.Accuracy.High!.Value },
            new() { ["neighbours"] = $"{k}", ["temperature"] = "0.07", ["interval"] = "Wilson" });
    }

    private (Dictionary<string, double>, Dictionary<string, string>) Linear(EmbeddedImages images, string measured, EmbeddingSet test)
    {
        var train = Train(images);
        var validation = measured == "val" ? null : images.Part("val")?.Embeddings;
        if (validation is null)
        {
            var kept = Enumerable.Range(0, train.Count).GroupBy(i => train.Labels[i])
                .SelectMany(g => g.Take((int)(g.Count() * ValidationShare))).ToHashSet();
            if (kept.Count == 0)
                throw new SchaneException($"A linear probe needs at least {(int)(1 / ValidationShare)} training images of some class to " +
                    "choose its λ on; add images, or take the protocol knn.");
            (train, validation) = (train.Rows([.. Enumerable.Range(0, train.Count).Where(i => !kept.Contains(i))]),
                train.Rows([.. kept.Order()]));
        }
        var probe = LinearProbe.Of(train, validation, test, solver: Solver);
        return (probe.Test.Named(), new()
        {
            ["solver"] = Solver == ProbeSolver.Sgd ? "SGD" : "L-BFGS",
            ["lambda"] = probe.Lambda.ToString("G3", CultureInfo.InvariantCulture),
            ["lambdas tried"] = $"{probe.Sweep.Count}",
            ["interval"] = "Wilson of top1 and top5, else bootstrap over the images",
        });
    }

    private (Dictionary<string, double>, Dictionary<string, string>) FewShots(EmbeddingSet test)
    {
        var episodes = EpisodeList.Draw(test.Labels, test.Classes, Episodes);
        var metrics = new Dictionary<string, double>();
        foreach (var (name, classifier) in ((string, FewShotClassifier)[])
            [("centroid", FewShotClassifier.CosineCentroid), ("nearest", FewShotClassifier.CosineNeighbour),
                ("logistic_regression", FewShotClassifier.LogisticRegression)])
        {
            var found = FewShot.Run(test, episodes, classifier);
            metrics[name] = found.Accuracy.Mean;
            if (found.Accuracy is { Low: { } low, High: { } high }
                && Interval.NormalOf(found.Episodes) is { Low: { } normalLow, High: { } normalHigh })
                (metrics[$"{name}_low"], metrics[$"{name}_high"], metrics[$"{name}_normal_low"],
                    metrics[$"{name}_normal_high"]) = (low, high, normalLow, normalHigh);
        }
        return (metrics, new()
        {
            ["ways"] = $"{Episodes.Ways}", ["shots"] = $"{Episodes.Shots}", ["queries"] = $"{Episodes.Queries}",
            ["episodes"] = $"{Episodes.Episodes}", ["seed"] = $"{Episodes.Seed}",
            ["interval"] = "Student t over episodes, and the normal one as papers have it"
        });
    }

    private static (Dictionary<string, double>, Dictionary<string, string>) Quality(EmbeddingSet test)
    {
        var metrics = new Dictionary<string, double>();
        void Add(string name, double? value)
        {
            if (value is { } found)
                metrics[name] = found;
        }
        var retrieval = Retrieval.Of(test);
        foreach (var (k, share) in retrieval.RecallAt)
            Add($"recall_at_{k}", share);
        Add("map_at_r", retrieval.MapAtR);
        var classes = test.Labels.Distinct().Count();
        if (classes > 1)
        {
            Add("nmi", Clustering.Of(test.Labels, KMeans.Of(test, classes)).Nmi);
            Add("silhouette", Silhouette.Of(test, Evaluation.Embeddings.Metric.Cosine).Mean);
        }
        foreach (var (name, value) in EmbeddingQuality.Of(test).Named())
            Add(name, value);
        return (metrics, new() { ["clusters"] = $"{classes}, k-means", ["similarity"] = "cosine" });
    }
}

/// <summary>What a protocol found.</summary>
/// <param name="Protocol">Which.</param>
/// <param name="Part">Part that was measured.</param>
/// <param name="Images">Images of it.</param>
/// <param name="Classes">Classes that occur in it.</param>
/// <param name="Metrics">By name; an interval stands beside its metric as <c>_low</c> and <c>_high</c>, of episodes the normal one as
/// <c>_normal_low</c> and <c>_normal_high</c>.</param>
/// <param name="Settings">What the protocol was run with, for people.</param>
internal sealed record ProtocolReport(
    ProtocolKind Protocol, string Part, int Images, int Classes, IReadOnlyDictionary<string, double> Metrics,
    IReadOnlyDictionary<string, string> Settings)
{
    /// <summary>Warnings, in words, where the figures don't measure what they seem to.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
