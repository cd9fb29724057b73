using System.Globalization;
using Schane.Checkpoints;
using Schane.Data.Reading;
using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Selection;
using Schane.Inference;
using Schane.Planning;
using Schane.Reporting.Labels;
using Schane.Runs;
using Schane.Training;

namespace Schane.Jobs.Labels;

/// <summary>What is wanted of <see cref="SuggestJob"/>.</summary>
internal sealed record SuggestOptions
{
    /// <summary>How many images, at least 1.</summary>
    public int Count { get; init; } = 20;

    /// <summary>How they are chosen.</summary>
    public SelectionMethod Method { get; init; }

    /// <summary>Key of what is drawn.</summary>
    public long Seed { get; init; }

    /// <summary>Where the contact sheet shall stand: a file that ends with .html, or a folder; null for none.</summary>
    public string? Page { get; init; }

    /// <summary>Folder of links to the images, by the class that the model takes them for; null for none.</summary>
    public string? Links { get; init; }

    /// <summary>Whether the page, and links in the folder, are replaced where there are some.</summary>
    public bool Force { get; init; }

    /// <summary>Where to compute.</summary>
    public string Device { get; init; } = "cpu";
}

/// <summary>Which images to label next, so that the run's model learns most: what <c>schane suggest</c> does.</summary>
internal static class SuggestJob
{
    private const int MostOnPage = 500, PictureSide = 2 * Thumbnails.Side, PictureBytes = 4 * Thumbnails.MostBytes;

    /// <summary>
    /// Passes the images through the model, leaves out those that the run has a label for and copies, and chooses. Images are told by their
    /// embeddings, whatever they are called and wherever the training images are by now.
    /// </summary>
    /// <param name="folder">Run folder.</param>
    /// <param name="images">Files, in any order.</param>
    /// <param name="wanted">How many and how.</param>
    /// <param name="progress">Told how many images have passed.</param>
    /// <param name="stop">Stops between images.</param>
    /// <exception cref="SchaneException">The run keeps no embeddings, all images have a label, or a place to write to is taken.</exception>
    public static SuggestReport Run(string folder, IEnumerable<string> images, SuggestOptions wanted,
        IProgress<TrainingProgress>? progress = null, CancellationToken stop = default)
    {
        var run = RunFolder.Open(folder);
        var page = wanted.Page?.EndsWith(".html", StringComparison.OrdinalIgnoreCase) != false ? wanted.Page
            : Path.Combine(wanted.Page, "suggest.html");
        if (page is not null && Path.Exists(page) && !wanted.Force)
            throw new SchaneException($"'{Printable.Escape(page)}' is there already; replace it with --force or name another with " +
                "--out.");
        var links = wanted.Links is null ? null : new LinkFolder(wanted.Links, wanted.Force);
        // By name, so that the order in which a list names them changes nothing.
        string[] files = [.. images.DistinctBy(Path.GetFullPath).Order(StringComparer.Ordinal)];
        if (links is not null && files.FirstOrDefault(links.Holds) is { } inside)
            throw new SchaneException($"The folder of links '{Printable.Escape(wanted.Links!)}' holds '{Printable.Escape(inside)}', one " +
                "of the images to choose from; name another with --links.");
        using var classifier = Classifier.Load(folder, new() { Device = wanted.Device });
        if (classifier.IsMultiLabel)
            throw LabelSetChoice.Refused("what to label next is chosen by one class an image", "look at schane predict RUN --csv instead");
        if (classifier.Notice is { } notice)
            progress?.Report(TrainingProgress.Note(notice));
        var kept = Labelled(run, classifier.EmbeddingWidth);
        var (labelled, learnt) = (kept.Embeddings, (kept.Part("train") ?? kept).Embeddings);

        var looked = OpenImages.Look(classifier, labelled, files, progress, stop);
        if (looked.Answers.Count == 0)
            throw new SchaneException($"None of the {files.Length} images can be read; the first: {looked.Problems[0]}");
        if (looked.Open.Count == 0 && looked.Problems.Count == 0)
            throw new SchaneException($"Run '{run.Name}' has a label for each of the {files.Length} images; name some that have none " +
                "with --from.");
        var pool = new UnlabelledImages(looked.Embeddings, labelled.Width, looked.Probabilities, classifier.Classes.Count);
        var method = NextLabels.Resolve(wanted.Method, learnt);
        List<Suggestion> chosen = [.. NextLabels.Choose(method, pool, learnt, wanted.Count, wanted.Seed)
            .Select((place, i) => Of(i + 1, looked.Answers[looked.Open[place]]))];
        links?.Write(chosen.Select(s => (s.Image, s.Class)));
        if (page is not null && chosen.Count > 0)
            WritePage(page, chosen, method, run.Name, classifier.Limits);
        return new(method.ToString().ToLowerInvariant(), chosen, files.Length, looked.Known, looked.Copies, looked.Problems,
            chosen.Count > 0 ? page : null, wanted.Links);
    }

    private static Suggestion Of(int rank, Prediction answer) =>
        new(rank, answer.Image, answer.Top[0].Class, answer.Top[0].Probability, answer.Top.ElementAtOrDefault(1)?.Class,
            answer.Top.ElementAtOrDefault(1)?.Probability, answer.Unknown);

    /// <summary>The images that the run has a label for: what it learnt from, and what it was chosen and measured on.</summary>
    private static EmbeddedImages Labelled(RunFolder run, int width)
    {
        if (!File.Exists(run.Embeddings))
            throw new SchaneException($"Run '{run.Name}' has no embeddings.safetensors, by which images are told that have a label " +
                "already; train it again with this version.");
        var labelled = EmbeddedImages.Load(run.Embeddings);
        return labelled.Embeddings.Width == width ? labelled : throw new SchaneException($"The embeddings of run '{run.Name}' are " +
            $"{labelled.Embeddings.Width} wide and the model's are {width}; train it again with this version.");
    }

    private static void WritePage(string page, List<Suggestion> chosen, SelectionMethod method, string run, ImageLimits limits)
    {
        // A sheet may be sent to others: no path beyond the image's own folder.
        static string Short(string image) => string.Join('/', Path.GetFullPath(image).Split(Path.DirectorySeparatorChar)[^2..]);
        static string Sure(string name, double probability) => string.Create(CultureInfo.InvariantCulture, $"{name} {probability:0.00}");
        SuggestedImage[] shown = [.. chosen.Take(MostOnPage).AsParallel().AsOrdered().Select(s => new SuggestedImage(Short(s.Image),
            [Sure(s.Class, s.Probability), .. s.Second is { } second ? [Sure(second, s.SecondProbability!.Value)] : (string[])[]],
            s.Unknown, Thumbnails.Of(ImageDecoder.DecodeFile(s.Image, limits: limits), PictureSide, PictureBytes)))];
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(page))!);
            AtomicFile.WriteText(page, SuggestionPage.Render(shown, chosen.Count, HowOf(method), run));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SchaneException($"'{Printable.Escape(page)}' can't be written ({Printable.Escape(e.Message.TrimEnd('.'))}); name " +
                "another place with --out.", e);
        }
    }

    private static string HowOf(SelectionMethod method) => method switch
    {
        SelectionMethod.Margin => "those between whose two most probable classes the model can decide least",
        SelectionMethod.Badge => "unsure ones that differ from each other",
        SelectionMethod.Typical => "typical ones of kinds that have no label yet",
        _ => "drawn at random",
    };
}
