using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Reporting.Sections;
using Schane.Runs;

namespace Schane.Reporting;

/// <summary>The images that a report shows: where the model puts those of the measured part, what it answered, and which of
/// them are worth a look.</summary>
internal sealed class RunImages
{
    /// <summary>Pairs and mistakes shown.</summary>
    public const int Shown = 24;

    private readonly EmbeddedImages images;
    private readonly Thumbnails thumbnails;
    private readonly Dictionary<string, PredictedItem> answers;

    private RunImages(EmbeddedImages images, Dictionary<string, PredictedItem> answers, Thumbnails thumbnails)
    {
        (this.images, this.answers, this.thumbnails) = (Occurring(images), answers, thumbnails);
        Part = images.Parts[0];
        Drawn = EvenShare.Rows(Set.Labels, Thumbnails.MostOfPart);
        // A character may stand in two one-shot runs as two classes, which would be the pairs most alike.
        Pairs = Part == "runs" ? [] : HardestNegatives.Of(Set).Pairs(Shown);
        JustRight = [.. Enumerable.Range(0, Set.Count)
            .Where(row => Answer(row) is { Right: true } answer && double.IsFinite(answer.Confidence))
            .GroupBy(Class).Select(kind => kind.MinBy(row => Answer(row)!.Confidence))
            .OrderBy(row => Answer(row)!.Confidence).Take(Shown / 2)];
        Mistakes = [.. SurestMistakes.Of(Enumerable.Range(0, Set.Count), Answer, Shown)];
    }

    /// <summary>Those of the measured part, which are the training images where folds measured them; also the training images where the
    /// measured ones have no embeddings. Null where the run has kept none.</summary>
    /// <exception cref="SchaneException">A file of the run is damaged.</exception>
    public static RunImages? Of(RunFolder run, string? measured, Thumbnails thumbnails)
    {
        if (!File.Exists(run.Embeddings))
            return null;
        var all = EmbeddedImages.Load(run.Embeddings);
        if ((measured is null ? null : all.Part(PartOf(measured))) is not { } part)
            return all.Part("train") is { } train ? new(train, [], thumbnails) : null;
        var answers = File.Exists(run.Predictions)
            ? PredictedItem.Load(run.Predictions).GroupBy(item => item.Image).ToDictionary(same => same.Key, same => same.First()) : [];
        return new(part, answers, thumbnails);
    }

    /// <summary>The part that images stand in which a run was measured on.</summary>
    public static string PartOf(string measured) => measured == "folds" ? "train" : measured;

    /// <summary>The same with those classes alone that occur.</summary>
    private static EmbeddedImages Occurring(EmbeddedImages images)
    {
        var set = images.Embeddings;
        int[] kept = [.. set.Labels.Distinct().Order()];
        return kept.Length == set.Classes.Count ? images
            : images with
            {
                Embeddings = new(set.Values, set.Width, [.. set.Labels.Select(label => Array.BinarySearch(kept, label))],
                    [.. kept.Select(label => set.Classes[label])])
            };
    }

    /// <summary>Part of the data they stand in.</summary>
    public string Part { get; }

    /// <summary>Their embeddings.</summary>
    public EmbeddingSet Set => images.Embeddings;

    /// <summary>Rows on the map.</summary>
    public int[] Drawn { get; }

    /// <summary>The most alike of different classes.</summary>
    public IReadOnlyList<HardestNegatives.Pair> Pairs { get; }

    /// <summary>Rows whose answer was wrong, the surest first.</summary>
    public int[] Mistakes { get; }

    /// <summary>Rows whose answer was right, of each class the one that the model was least sure of.</summary>
    public int[] JustRight { get; }

    /// <summary>Names of the images that are shown.</summary>
    public IEnumerable<string> Pictures =>
        Pairs.SelectMany(pair => (int[])[pair.First, pair.Second]).Concat(Mistakes).Concat(JustRight).Distinct().Select(Name);

    /// <summary>Names of those on the map, which pointing at them shows.</summary>
    public IEnumerable<string> OnMap => Drawn.Select(Name);

    public string Name(int row) => images.Images[row];

    public string Class(int row) => Set.Classes[Set.Labels[row]];

    /// <summary>The model's answer; null where there is none.</summary>
    public PredictedItem? Answer(int row) => answers.GetValueOrDefault(Name(row));

    /// <summary>The image's thumbnail; null where none is kept.</summary>
    public byte[]? Thumbnail(int row) => thumbnails.Find(Part, Name(row));

    /// <summary>Where in the image the model saw the class that it took it for; null where that is not kept.</summary>
    public byte[]? Activation(int row) => thumbnails.Find(Thumbnails.Activations(Part), Name(row));
}

/// <summary>Makes what a page shows and the run has not kept yet.</summary>
internal interface IImageKeeper
{
    /// <summary>Thumbnails of images of a part, by their names.</summary>
    /// <param name="part">Part of the data.</param>
    /// <param name="images">Their names.</param>
    /// <param name="atLeisure">Only while the run has time: the page can be read without them.</param>
    void KeepThumbnails(string part, IEnumerable<string> images, bool atLeisure = false);

    /// <summary>Where in images of a part, by their names, the model saw the class that it took each for.</summary>
    void KeepActivations(string part, IReadOnlyDictionary<string, string> takenFor);
}
