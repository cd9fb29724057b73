using System.CommandLine;
using System.Globalization;
using Schane.Data.Feeding;
using Schane.Data.Listing;
using Schane.Inference;
using Schane.Runs;

namespace Schane.Cli.Verbs;

/// <summary>What images show, by a trained run.</summary>
internal sealed class PredictVerb : Verb
{
    private const int MostRows = 200;
    private readonly Argument<string> run = new("RUN")
    { Description = "Run folder of `schane train`, or a safetensors or ONNX file made from one." };
    private readonly Argument<string[]> images = new("IMAGE")
    {
        Arity = ArgumentArity.OneOrMore, Description = "Images, folders, patterns ('new/**/*.jpg'), or - for a list on stdin, one a line."
    };
    private readonly Option<int> top = new("--top")
    { HelpName = "N", DefaultValueFactory = _ => 5, Description = "Classes shown for each image. Default: 5." };
    private readonly Option<double?> abstain = new("--abstain-below")
    {
        HelpName = "PRECISION", Description = "Withhold answers that are less sure than this precision asked for on the validation " +
            "images: 0.95. Default: withhold none."
    };
    private readonly Option<bool> embeddings = new("--embeddings") { Description = "Add each image's embedding to --json or --csv." };
    private readonly Option<string> why = new("--why")
    {
        HelpName = "FOLDER", Description = "Write each image as the model sees it, in gray, with the places that speak for its most " +
            "probable class in orange: FOLDER/0001-NAME.png, in the order of the answers."
    };
    private readonly Option<bool> csv = new("--csv") { Description = "Print one line an image on stdout, as they come." };
    private readonly Option<string> onBadImage = new("--on-bad-image")
    {
        HelpName = "fail|skip",
        Description = "Stop at a file that is no image, or name it, go on and end with exit code 1. Default: fail for one file alone, " +
            "else skip."
    };
    private readonly Option<int> batch = new("--batch")
    {
        HelpName = "N", DefaultValueFactory = _ => InferenceOptions.Default.Batch,
        Description = $"Images read at once; no answer depends on it. Default: {InferenceOptions.Default.Batch}."
    };
    private readonly Option<string> device = CommonFlags.Device();
    private readonly Option<bool> noProof = CommonFlags.NoProof();

    public PredictVerb() : base("predict", "Names the most probable classes of images.")
    {
        Add(run);
        Add(images);
        Flags("Flags", top, abstain, why, embeddings, csv, onBadImage, batch, device, noProof);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane predict runs/photos-schane-1 cat.jpg", "the five most probable classes"),
        new("schane predict RUN new-photos --csv > new.csv", "every image below a folder, as a table"),
        new("schane predict RUN --top 1 --json 'new/**/*.jpg'", "the best class of each, for a program"),
        new("schane predict RUN new --why seen", "and where in each image the model saw its answer"),
        new("schane predict RUN new --abstain-below 0.95", "only answers that are right 95 times in 100"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        if (parsed.GetValue(top) < 1)
            throw new SchaneException($"--top must be at least 1 but is {parsed.GetValue(top)}.");
        if (parsed.GetValue(batch) < 1)
            throw new SchaneException($"--batch must be at least 1 but is {parsed.GetValue(batch)}.");
        var (asCsv, asJson) = (parsed.GetValue(csv), screen.IsJson);
        if (asCsv && asJson)
            throw new SchaneException("--csv and --json both print on stdout; keep one.");
        if (parsed.GetValue(embeddings) && !asCsv && !asJson)
            throw new SchaneException("--embeddings needs --json or --csv, which print them.");
        var places = parsed.GetRequiredValue(images);
        var wanted = new PredictOptions
        {
            Top = parsed.GetValue(top),
            AbstainBelow = parsed.GetValue(abstain),
            Embedding = parsed.GetValue(embeddings),
            Why = parsed.GetValue(why) is not null,
            OnBadImage = parsed.GetValue(onBadImage) switch
            {
                null => ImageFiles.IsOneFile(places) ? OnBadImage.Fail : OnBadImage.Skip,
                "fail" => OnBadImage.Fail,
                "skip" => OnBadImage.Skip,
                var other => throw new SchaneException($"--on-bad-image must be fail or skip but is '{other}'."),
            },
        };
        var account = new InputAccount();
        var files = ImageFiles.Find(places, Console.In, account);         // a place without images is refused before the model is read
        var maps = parsed.GetValue(why) is { } folder ? new ActivationFolder(folder) : null;
        using var classifier = Classifier.Load(parsed.GetRequiredValue(run),
            new() { Device = parsed.GetRequiredValue(device), Batch = parsed.GetValue(batch), Prove = !parsed.GetValue(noProof) });
        if (classifier.Notice is { } notice)
            screen.Say(notice);
        var found = classifier.PredictFiles(files, wanted, cancellationToken: stop);
        var predictions = new List<Prediction>();
        var (all, given, unknown, bad) = (0, 0, 0, 0);
        if (asCsv)
            Console.Out.WriteLine(PredictionTable.Header(classifier, wanted));
        foreach (var prediction in found)
        {
            all++;
            given += prediction.Class is not null ? 1 : 0;
            unknown += prediction.Unknown ? 1 : 0;
            bad += prediction.Problem is not null ? 1 : 0;
            if (prediction.Problem is { } problem)
                screen.Say(problem);
            maps?.Write(prediction, all);
            if (asCsv)
                Console.Out.WriteLine(PredictionTable.Line(prediction, wanted, classifier));
            else if (asJson || predictions.Count < MostRows)
                predictions.Add(prediction with { Why = null });
        }
        if (!asCsv)
            screen.Table(["image", "class", "probability"], predictions.SelectMany(p => Shown(p).Select((t, i) =>
                (string[])[i == 0 ? p.Image : "", i == 0 && p.Unknown ? $"unknown (nearest: {t.Class})" : i == 0 && p.Withheld
                    ? $"withheld ({t.Class})" : i == 0 && p.Classes is { Count: 0 } ? $"none (nearest: {t.Class})" : t.Class,
                    t.Probability.ToString("0.0000", CultureInfo.InvariantCulture)])));
        if (!asCsv && !asJson && all > predictions.Count)
            screen.Say($"The first {predictions.Count} of {all} images; --csv or --json gives them all.");
        if (unknown > 0)
            screen.Say($"{unknown} of {all - bad} images are unknown: farther from the training images than 95 % of the held-out " +
                "images.");
        if (wanted.AbstainBelow is { } precision && classifier.ThresholdAt(precision) is var point)
            screen.Say($"Answers below a confidence of {point.Threshold:0.000} are withheld: {given} of {all - bad} images are " +
                $"answered. On {classifier.Confidence!.Images} held-out images that answered " +
                $"{point.Coverage:P1}, of which {point.Accuracy:P1} were right{FewImages.Words(classifier.Confidence.Images)}.");
        if (wanted.AbstainBelow is null && classifier.Confidence is { Images: < FewImages.Enough and var few })
            screen.Say($"The probabilities are calibrated by a temperature{FewImages.Words(few)}.");
        if (classifier.IsMultiLabel)
            screen.Say("The model may name several classes: those at or above their thresholds are listed, and --top shows in --csv and " +
                "--json what else is probable.");
        else if (classifier.Confidence is null)
            screen.Say("The run had no validation images, so its probabilities are not calibrated.");
        foreach (var sentence in account.Sentences)
            screen.Say(sentence);
        if (bad > 0)
            screen.Say($"error: {bad} of {all} images can't be read and have no answer; mend or remove what is named above.");
        return new(predictions, bad > 0 ? Exit.Failed : Exit.Done);
    }

    /// <summary>The classes of a table: the most probable; where there may be several, those above their thresholds, or the nearest of
    /// none.</summary>
    private static IEnumerable<ClassProbability> Shown(Prediction prediction) => prediction.Classes switch
    {
        null => prediction.Top,
        { Count: 0 } => prediction.Top.Take(1),
        var several => several,
    };
}
