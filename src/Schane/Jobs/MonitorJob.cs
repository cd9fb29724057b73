using Schane.Data.Feeding;
using Schane.Data.Reading;
using Schane.Evaluation;
using Schane.Evaluation.Drift;
using Schane.Evaluation.Embeddings;
using Schane.Inference;
using Schane.Jobs.Folds;
using Schane.Planning;
using Schane.Reporting.Drift;
using Schane.Runs;
using Schane.Tensors;
using Schane.Training;

namespace Schane.Jobs;

/// <summary>What to look at, and how.</summary>
internal sealed record MonitorOptions
{
    /// <summary>Images of a time when all was well, which take the place of the images that the run was measured on; null: these.</summary>
    public IReadOnlyList<string>? Against { get; init; }

    /// <summary>How often images of the same kind may be said to have drifted, 0.005 to 0.5; 0.05 by default.</summary>
    public double Alpha { get; init => field = Require.InRange(value, 0.005, 0.5); } = 0.05;

    /// <summary>Where the page goes; null: <c>monitor.html</c> in the run folder.</summary>
    public string? Page { get; init; }

    /// <summary>Where to compute.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Whether the machine is proven before.</summary>
    public bool Prove { get; init; } = true;

    /// <summary>Told how many images are done, and what loading the model has to tell.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }
}

/// <summary>What <see cref="MonitorJob"/> found.</summary>
/// <param name="Drift">The tests.</param>
/// <param name="Shares">Share of each class that was answered, the largest change first.</param>
/// <param name="Farthest">Images that lie farthest from the training images, the farthest first.</param>
/// <param name="Seen">Images left out, since the run was trained or measured on them.</param>
/// <param name="Enrolled">Images left out, since they are of enrolled classes, which the reference can't have.</param>
/// <param name="Problems">A sentence for each file that can't be read.</param>
/// <param name="Page">Where the page was written.</param>
internal sealed record Monitored(DriftReport Drift, IReadOnlyList<ClassShare> Shares, IReadOnlyList<Prediction> Farthest, int Seen,
    int Enrolled, IReadOnlyList<string> Problems, string Page);

/// <summary>Whether images that come in are still of the kind that a run was measured on: what <c>schane monitor</c> does.</summary>
internal static class MonitorJob
{
    private const int Shown = 24;

    /// <summary>Compares images with those that the run was measured on, or with others, and writes the page.</summary>
    /// <param name="folder">Run folder.</param>
    /// <param name="images">Images that came in.</param>
    /// <param name="options">How.</param>
    /// <param name="stop">Stops between images.</param>
    /// <exception cref="SchaneException">No run, nothing to compare with, or no image that can be read.</exception>
    public static Monitored Run(string folder, IReadOnlyList<string> images, MonitorOptions options, CancellationToken stop = default)
    {
        if (File.Exists(folder))
            throw new SchaneException($"'{Printable.Escape(folder)}' is a file, which tells nothing of the images that its run was " +
                "measured on; name the run folder.");
        var run = RunFolder.Open(folder);
        using var classifier = Classifier.Load(folder, new() { Device = options.Device, Prove = options.Prove });
        if (classifier.IsMultiLabel)
            throw LabelSetChoice.Refused("drift is tested on one answer an image", "measure labelled images with schane evaluate RUN " +
                "--data instead");
        if (classifier.Notice is { } notice)
            options.Progress?.Report(TrainingProgress.Note(notice));
        var (known, trained) = (KnownImages.Load(run), classifier.Card.Classes.ToList());
        var reference = options.Against is null ? MeasuredOn(run, trained, classifier.EmbeddingWidth) : null;
        var (problems, done, seen, enrolled) = (new List<string>(), 0, 0, 0);
        var (own, total) = (OwnImages(run, classifier.EmbeddingWidth), images.Count + (options.Against?.Count ?? 0));
        var (old, recent) = (options.Against is null ? [] : Look(options.Against), Look(images));
        reference ??= Of(old);
        var incoming = Of(recent);
        var drift = DriftReport.Of(reference, incoming, known?.Threshold, options.Alpha);
        var shares = ClassShare.Of(trained, reference.Answers, incoming.Answers);
        List<Prediction> farthest = known is null ? [] : [.. recent.OrderByDescending(p => p.Distance).Take(Shown)];
        var page = options.Page ?? Path.Combine(run.Root, "monitor.html");
        DriftPage.Write(page, run.Name, drift, shares, reference.Distances, incoming.Distances, known?.Threshold,
            [.. farthest.Select(p => new DriftImage(p.Image, p.Top[0].Class, p.Distance!.Value,
                Thumbnails.Of(ImageDecoder.DecodeFile(p.Image, limits: classifier.Limits))))]);
        return new(drift, shares, [.. farthest.Select(p => p with { Embedding = null })], seen, enrolled, problems, page);

        List<Prediction> Look(IReadOnlyList<string> files)
        {
            var found = new List<Prediction>();
            var wanted = new PredictOptions { Top = 1, Embedding = true, OnBadImage = OnBadImage.Skip };
            foreach (var prediction in classifier.PredictFiles(files, wanted, cancellationToken: stop))
            {
                options.Progress?.Report(new("look", ++done, total, 0, null, 0, null));
                if (prediction.Problem is { } problem)
                    problems.Add(problem);
                else if (trained.Contains(prediction.Top[0].Class))
                    found.Add(prediction);
                else
                    enrolled++;
            }
            var width = classifier.EmbeddingWidth;
            var first = UnitRows.FirstOfSame(UnitRows.Of([.. own, .. found.SelectMany(p => p.Embedding!)], width), width);
            List<Prediction> others = [.. found.Where((_, i) => first[own.Length / width + i] >= own.Length / width)];
            seen += found.Count - others.Count;
            return others.Count > 0 ? others : throw new SchaneException(seen > 0
                ? $"All images that can be read ({seen}) are ones that run '{run.Name}' was trained or measured on, which tell nothing " +
                    "of what comes in; name new ones."
                : problems.Count > 0 ? $"None of the {files.Count} images can be read; the first: {problems[0]}"
                : $"All images ({enrolled}) are of enrolled classes, which the images that the run was measured on can't have; name " +
                    "others.");
        }

        Observed Of(List<Prediction> found) => new([.. found.SelectMany(p => p.Embedding!)], classifier.EmbeddingWidth,
            known is null ? null : [.. found.Select(p => p.Distance!.Value)], [.. found.Select(p => trained.IndexOf(p.Top[0].Class))]);
    }

    /// <summary>Embeddings of the images that the run was trained and measured on, row by row; none where it keeps none of this
    /// width.</summary>
    private static float[] OwnImages(RunFolder run, int width) =>
        File.Exists(run.Embeddings) && EmbeddedImages.Load(run.Embeddings).Embeddings is var own && own.Width == width ? own.Values : [];

    /// <summary>The images that the run was measured on, by models that had not seen them.</summary>
    private static Observed MeasuredOn(RunFolder run, List<string> classes, int width)
    {
        SchaneException Nothing(string what) => new($"Run '{run.Name}' {what}, so there is nothing to compare with; name images of a " +
            "time when all was well with --against.");
        if (!File.Exists(run.Results) || !File.Exists(run.Predictions) || !File.Exists(run.Embeddings))
            throw Nothing("was not measured to its end");
        var results = RunResults.Load(run.Results);
        var answers = PredictedItem.Load(run.Predictions).Select(item => classes.IndexOf(item.Predicted)).ToArray();
        var embedded = EmbeddedImages.Load(run.Embeddings);
        if (embedded.Part("train") is not { } train || answers.Contains(-1))
            throw Nothing("was measured on other classes than it was trained on");
        if (train.Embeddings.Width != width)
            throw Nothing("was trained with a projection");
        if (results.Folds is null)
            return embedded.Part(results.Part) is { } measured
                ? new(measured.Embeddings.Values, width, [.. KnownImages.Distances([new(train.Embeddings, measured.Embeddings)])], answers)
                : throw Nothing($"keeps no embeddings of its {results.Part} part");
        // Folds are embedded by models of their own, which the run's can only be compared with where all have the trunk it began with.
        var held = FoldEmbeddings.Of(run, results, embedded);
        return new(results.Probe is { Kept: true } ? train.Embeddings.Values : null, width, [.. KnownImages.Distances(held)], answers);
    }
}
