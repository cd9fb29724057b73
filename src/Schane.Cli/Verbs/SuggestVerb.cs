using System.CommandLine;
using System.Globalization;
using Schane.Data.Listing;
using Schane.Evaluation.Selection;
using Schane.Inference;
using Schane.Jobs.Labels;

namespace Schane.Cli.Verbs;

/// <summary>Which images to label next.</summary>
internal sealed class SuggestVerb : Verb
{
    private static readonly SuggestOptions Defaults = new();
    private readonly Argument<string> run = new("RUN") { Description = "Run folder of `schane train`, whose model is to learn more." };
    private readonly Option<string[]> from = new("--from")
    {
        HelpName = "PLACE...", Required = true, AllowMultipleArgumentsPerToken = true,
        Description = "Images without a label: files, folders, patterns ('new/**/*.jpg'), or - for a list on stdin, one a line."
    };
    private readonly Option<int> count = new("--count")
    {
        HelpName = "N", DefaultValueFactory = _ => Defaults.Count, Description = $"How many to choose. Default: {Defaults.Count}."
    };
    private readonly Option<string> method = new("--method")
    {
        HelpName = "NAME",
        Description = "margin: those between whose two most probable classes the model can decide least. badge: unsure ones that differ " +
            "from each other. typical: typical ones of kinds that have no label yet. random: any. auto: " +
            $"typical below a mean of {NextLabels.FewLabels} training images a class, margin from there on. Default: auto."
    };
    private readonly Option<int> seed = new("--seed") { HelpName = "N", Description = "Seed of what is drawn. Default: 0." };
    private readonly Option<bool> csv = new("--csv") { Description = "Print one line an image on stdout." };
    private readonly Option<string> output = new("--out")
    {
        HelpName = "FILE.html|FOLDER",
        Description = "Write a contact sheet, one HTML file that needs nothing beside it; in a folder it is called suggest.html."
    };
    private readonly Option<string> links = new("--links")
    {
        HelpName = "FOLDER", Description = "Make links to the images, FOLDER/CLASS/NAME by the class that the model takes each for."
    };
    private readonly Option<bool> force = new("--force") { Description = "Replace the page of --out and the links in --links." };
    private readonly Option<string> device = CommonFlags.Device();

    public SuggestVerb() : base("suggest", "Chooses the images without a label of which a run would learn most if they had one.")
    {
        Add(run);
        Flags("Flags", from, count, method, seed, csv, output, links, force, device);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane suggest runs/photos-schane-1 --from new", "the twenty images to label next"),
        new("schane suggest RUN --from new --count 50 --out sheet.html", "with a contact sheet of them"),
        new("schane suggest RUN --from new --links to-label", "as links by predicted class, for you to move those that are wrong"),
        new("schane suggest RUN --from new --csv > next.csv", "as a table, for another program"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        if (parsed.GetValue(count) < 1)
            throw new SchaneException($"--count must be at least 1 but is {parsed.GetValue(count)}.");
        var (asCsv, asked) = (parsed.GetValue(csv), parsed.GetValue(count));
        if (asCsv && screen.IsJson)
            throw new SchaneException("--csv and --json both print on stdout; keep one.");
        var wanted = new SuggestOptions
        {
            Count = asked,
            Method = MethodOf(parsed.GetValue(method) ?? "auto"),
            Seed = parsed.GetValue(seed),
            Page = parsed.GetValue(output),
            Links = parsed.GetValue(links),
            Force = parsed.GetValue(force),
            Device = parsed.GetRequiredValue(device),
        };
        var account = new InputAccount();
        var found = LongWork.Show(screen, show => SuggestJob.Run(parsed.GetRequiredValue(run),
            ImageFiles.Find(parsed.GetRequiredValue(from), Console.In, account), wanted, new ShownTraining(show), stop));
        foreach (var sentence in (IEnumerable<string>)[.. found.Problems, .. account.Sentences])
            screen.Say(sentence);
        if (asCsv)
            Console.Out.Write(found.Csv());
        else if (found.Suggestions.Count > 0)
            screen.Table(["rank", "image", "class", "probability", "or", "probability"], found.Suggestions.Select(s => (string[])
                [$"{s.Rank}", s.Image, s.Unknown ? $"unknown (nearest: {s.Class})" : s.Class, Sure(s.Probability), s.Second ?? "",
                    Sure(s.SecondProbability)]));
        foreach (var sentence in Sentences(found, asked))
            screen.Say(sentence);
        if (found.Problems.Count > 0)
            screen.Say($"error: {found.Problems.Count} of {found.Images} images can't be read and could not be chosen; mend or remove " +
                "what is named above.");
        return new(found, found.Problems.Count > 0 ? Exit.Failed : Exit.Done);
    }

    private static IEnumerable<string> Sentences(SuggestReport found, int asked)
    {
        if (found.Labelled > 0)
            yield return $"{Images(found.Labelled)} of {found.Images} left out: the run has a label for " +
                $"{(found.Labelled == 1 ? "it" : "them")}.";
        if (found.Copies > 0)
            yield return $"{Images(found.Copies)} left out: copies of others.";
        if (found.Suggestions.Count < asked && found.Suggestions.Count > 0)
            yield return $"There are no more than {Images(found.Suggestions.Count)} to choose from, so all are given.";
        yield return $"Chosen by {found.Method} from {Images(found.Images - found.Labelled - found.Copies - found.Problems.Count)}.";
        if (found.Page is not null)
            yield return $"The contact sheet is {found.Page}.";
        if (found.Links is not null)
            yield return $"The links are in {found.Links}; a link in the folder of a wrong class is to be moved.";
    }

    private static string Images(int count) => $"{count} {(count == 1 ? "image" : "images")}";

    private static string Sure(double? probability) => probability?.ToString("0.00", CultureInfo.InvariantCulture) ?? "";

    private static SelectionMethod MethodOf(string name) => Enum.GetValues<SelectionMethod>().Cast<SelectionMethod?>()
        .FirstOrDefault(method => name.Equals($"{method}", StringComparison.OrdinalIgnoreCase))
        ?? throw new SchaneException($"--method must be auto, margin, badge, typical or random but is '{name}'.");
}
