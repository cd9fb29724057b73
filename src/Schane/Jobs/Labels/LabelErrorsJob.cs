using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Text;
using Schane.Checkpoints;
using Schane.Checkpoints.Hub;
using Schane.Data;
using Schane.Data.Dividing;
using Schane.Data.Feeding;
using Schane.Data.Reading;
using Schane.Data.Transforms;
using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Episodes;
using Schane.Inference;
using Schane.Jobs.Studies;
using Schane.Planning;
using Schane.Recipes;
using Schane.Reporting.Labels;
using Schane.Runs;
using Schane.Tensors;
using Schane.Training;
using static TorchSharp.torch;

namespace Schane.Jobs.Labels;

/// <summary>Finds training images whose label looks wrong: what <c>schane data labels</c> does.</summary>
internal static class LabelErrorsJob
{
    private const int RowsAtOnce = 512, MostOnPage = 500, ExamplesOfClass = 4;

    /// <summary>
    /// Trains the run's recipe once a fold without the fold, and asks each model about the images it has not seen: its classifier,
    /// the votes of the nearest images it has seen, and the nearest of them of another class. Finished folds are used again.
    /// No more images are candidates than <see cref="LabelNoise"/> expects wrong labels. Writes <c>label-errors.csv</c> and the page that
    /// goes through it.
    /// </summary>
    /// <param name="folder">Run folder whose training images are judged by its recipe.</param>
    /// <param name="folds">At least 2.</param>
    /// <param name="dataRoot">Folder of the named data sets.</param>
    /// <param name="progress">Told how far all folds together are.</param>
    /// <param name="hub">Where weights come from.</param>
    /// <param name="stop">Saves the fold at work and stops.</param>
    /// <exception cref="SchaneException">No such run, its data are gone, or it has only one class.</exception>
    public static LabelErrorReport Run(
        string folder, int folds = 5, string? dataRoot = null, IProgress<TrainingProgress>? progress = null, HubOptions? hub = null,
        CancellationToken stop = default)
    {
        Require.AtLeast(folds, 2, nameof(folds));
        var run = RunFolder.Open(folder);
        // labels that people gave, and no others
        var recipe = SavedRun.RecipeOf(run) with { Unlabelled = null, PseudoLabels = null, PseudoPrecision = null };
        if (recipe.MultiLabel == true)
            throw LabelSetChoice.Refused("a label is doubted where another fits better", "look through predictions.parquet of the run");
        if (recipe.ByTime)
            recipe = recipe with { ByTime = false, Steps = checked((int)RunResults.Load(run.Results).Steps) };    // a fold takes as many
        var images = DataSetup.Open(recipe, dataRoot, SavedRun.SplitsOf(run)).Train;
        int[] labels = [.. Enumerable.Range(0, images.Count).Select(images.LabelOf)];
        if (labels.Distinct().Count() < 2)
            throw new SchaneException($"The training images of '{folder}' are all of one class, " +
                $"'{Printable.Escape(images.Classes[labels[0]])}'; no label can be contradicted.");
        var places = Enumerable.Range(0, images.Count).ToDictionary(images.NameOf, i => i, StringComparer.Ordinal);
        List<int[]> parts = [.. Splits.WithFolds(images, folds, recipe.Seed).Folds.Select(fold => fold.Select(i => places[i]).ToArray())];
        recipe = recipe with { ClassesPerBatch = Math.Min(recipe.ClassesPerBatch ?? int.MaxValue, labels.Distinct().Count()) };
        HashSet<string> Names(int[] part) => [.. part.Select(images.NameOf)];
        var work = parts.Select((part, fold) => new PlannedRun(Path.Combine(run.LabelFolds, $"fold-{fold}"), recipe,
            $"fold {fold + 1} of {parts.Count}", RunView.Without(Names(part)))).ToList();
        if (new ManyRuns("labels", jobs: 1, command: null, dataRoot, hub).Make(work, progress, stop).Select(o => o.Error)
            .FirstOrDefault(e => e is not null) is { } error)
            ExceptionDispatchInfo.Throw(error);

        var (judged, logits, votes, gaps) = (new List<int>(), new List<float[]>(), new List<double[]>(), new List<double>());
        for (var fold = 0; fold < parts.Count; fold++)
        {
            using var scope = NewDisposeScope();
            using var model = RunModel.Load(RunFolder.Open(work[fold].Path).Model, recipe.Device);
            var seen = DataSetup.Open(recipe, dataRoot, SavedRun.SplitsOf(run)).HoldingOut(Names(parts[fold]));
            using var reference = Outputs(model, seen.Train, recipe, stop);
            using var query = Outputs(model, seen.Test!, recipe, stop);
            var (from, to) = (EmbeddingSet.Of(query.Embeddings, query.Labels, images.Classes),
                EmbeddingSet.Of(reference.Embeddings, reference.Labels, images.Classes));
            judged.AddRange(query.Indices.Select(i => parts[fold][i]));
            logits.AddRange(Copy.Floats(query.Logits).Chunk(images.Classes.Count));
            votes.AddRange(NearestNeighbours.Of(from, to).Scores);
            gaps.AddRange(PairGaps(from, to));
        }
        int[] given = [.. judged.Select(i => labels[i])];
        var found = Find(given, logits, votes, gaps);
        List<LabelErrorCandidate> candidates = [.. found.Candidates.Select((s, rank) => new LabelErrorCandidate(
            images.NameOf(judged[s.Row]), images.Classes[s.Label], images.Classes[s.Suggested], s.Score, rank + 1))];
        AtomicFile.WriteText(run.LabelErrors, Csv(candidates));
        File.Delete(run.LabelPage);
        if (candidates.Count > 0)
            AtomicFile.WriteText(run.LabelPage, Page(candidates, images, Path.GetFileName(Path.TrimEndingDirectorySeparator(run.Root))));
        return new(run.LabelErrors, judged.Count, labels.Length - judged.Count,
            logits.Zip(given).Count(row => Array.IndexOf(row.First, row.First.Max()) == row.Second), found.Noise.Rate, candidates)
        {
            Ranked = [.. found.Ranked.Select(s => judged[s.Row])],
            ConfidentLearning = LabelErrors.ConfidentLearning(given, [.. logits.Select(row => CalibratedConfidence.Softmax(row, 1))])
                is var (rows, flagged) ? ([.. rows.Select(r => judged[r])], flagged) : default,
        };
    }

    /// <summary>Ranks images by what models that have not seen them say, and takes as many for candidates as <see cref="LabelNoise"/>
    /// expects wrong labels.</summary>
    /// <param name="given">[n] labels.</param>
    /// <param name="logits">[n][C] of the classifier.</param>
    /// <param name="votes">[n][C] of the neighbours, any scale.</param>
    /// <param name="gaps">[n] of <see cref="PairGaps"/>.</param>
    internal static (LabelNoise Noise, IReadOnlyList<SuspectedLabel> Ranked, IReadOnlyList<SuspectedLabel> Candidates) Find(
        IReadOnlyList<int> given, IReadOnlyList<float[]> logits, IReadOnlyList<double[]> votes, IReadOnlyList<double> gaps)
    {
        var noise = LabelNoise.Fit(logits, given);
        var ranked = LabelErrors.Rank(given, [.. logits.Select(row => CalibratedConfidence.Softmax(row, noise.Temperature))], votes,
            noise.Wrong, gaps);
        return (noise, ranked, [.. ranked.Where(s => s.Contradicted).Take(noise.Expected)]);
    }

    private static ModelOutputs Outputs(RunModel model, IImageDataset images, Recipe recipe, CancellationToken stop) =>
        ModelOutputs.Of(model.Classifier, images, TransformPreset.Find(model.Augmentation).Evaluation(model.Input), device(recipe.Device),
            new LoaderOptions { OnBadImage = recipe.OnBadImage }, cancel: stop);

    /// <summary>Cosine of the nearest image of another class less that of the nearest of an image's own.</summary>
    internal static double[] PairGaps(EmbeddingSet query, EmbeddingSet reference)
    {
        var gaps = new double[query.Count];
        Neighbours.Tiles(query, reference, Metric.Cosine, sameImages: false, RowsAtOnce, (start, similarity) =>
        {
            var (values, width) = (Copy.Doubles(similarity), reference.Count);
            for (var row = 0; row < similarity.shape[0]; row++)
            {
                var (own, other) = (-1.0, -1.0);
                for (var i = 0; i < width; i++)
                    if (reference.Labels[i] == query.Labels[start + row])
                        own = Math.Max(own, values[row * width + i]);
                    else
                        other = Math.Max(other, values[row * width + i]);
                gaps[start + row] = other - own;
            }
        });
        return gaps;
    }

    /// <summary>The page with the images, and with examples of their classes that are no candidates themselves.</summary>
    private static string Page(IReadOnlyList<LabelErrorCandidate> candidates, IImageDataset images, string run)
    {
        var shown = candidates.Take(MostOnPage).ToList();
        var suspects = candidates.Select(c => c.Path).ToHashSet(StringComparer.Ordinal);
        var places = Enumerable.Range(0, images.Count).ToDictionary(images.NameOf, i => i, StringComparer.Ordinal);
        byte[] Picture(int place, int side, int bytes) => Thumbnails.Of(images.Read(place), side, bytes);
        var examples = shown.SelectMany(c => new[] { c.Label, c.Suggested }).Distinct().ToDictionary(name => name, name =>
            (IReadOnlyList<byte[]>)[.. Enumerable.Range(0, images.Count)
                .Where(i => images.Classes[images.LabelOf(i)] == name && !suspects.Contains(images.NameOf(i)))
                .Take(ExamplesOfClass).Select(i => Picture(i, Thumbnails.Side, Thumbnails.MostBytes))]);
        return LabelPage.Render([.. shown.Select(c => new LabelCandidate(c.Path, c.Label, c.Suggested, c.Score,
            Picture(places[c.Path], 3 * Thumbnails.Side, 6 * Thumbnails.MostBytes)))], images.Classes, examples, run);
    }

    private static string Csv(IEnumerable<LabelErrorCandidate> candidates)
    {
        var text = new StringBuilder("path,label,suggested,score,rank\n");
        foreach (var c in candidates)
            text.Append(CultureInfo.InvariantCulture, $"{TextTable.Quoted(c.Path)},{TextTable.Quoted(c.Label)}," +
                $"{TextTable.Quoted(c.Suggested)},{c.Score:0.0000},{c.Rank}\n");
        return text.ToString();
    }
}

/// <summary>An image whose label looks wrong: a row of <c>label-errors.csv</c>.</summary>
/// <param name="Path">Name of the image inside its data set.</param>
/// <param name="Label">Class it has.</param>
/// <param name="Suggested">Class it looks like.</param>
/// <param name="Score">How much speaks against the label, ½ to 1.</param>
/// <param name="Rank">From 1, most suspect first.</param>
internal sealed record LabelErrorCandidate(string Path, string Label, string Suggested, double Score, int Rank);

/// <summary>What <see cref="LabelErrorsJob"/> found.</summary>
/// <param name="File">Where the candidates were written.</param>
/// <param name="Judged">Images that were judged.</param>
/// <param name="Alone">Images that could not be, since they are their class's only one or can't be read.</param>
/// <param name="Agreed">Judged images that the models which have not seen them put in the class of their label.</param>
/// <param name="WrongRate">Share of the labels that are expected to be wrong, 0 to 1.</param>
/// <param name="Candidates">Most suspect first; no more than are expected to be wrong.</param>
internal sealed record LabelErrorReport(
    string File, int Judged, int Alone, int Agreed, double WrongRate, IReadOnlyList<LabelErrorCandidate> Candidates)
{
    /// <summary>Every judged training image, most suspect first.</summary>
    internal IReadOnlyList<int> Ranked { get; init; } = [];

    /// <summary>The same by the confident-learning rule on the same classifiers, and how many it flags.</summary>
    internal (IReadOnlyList<int> Rows, int Flagged) ConfidentLearning { get; init; }
}
