using System.CommandLine;
using Schane.Data;
using Schane.Data.Reading;
using Schane.Planning;
using Schane.Recipes;

namespace Schane.Cli.Verbs;

/// <summary>The data sets that can be had by name.</summary>
internal sealed class DataListVerb() : Verb("list", "Lists the data sets that --data takes by name.")
{
    public override IReadOnlyList<Example> Examples => [new("schane data list", "names, parts and what they are")];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        screen.Table(["data set", "images (classes)", "metric", "what it is"], DatasetCatalog.Entries.Select(e => (string[])
            [e.Name, string.Join(", ", e.Facts.Select(f => $"{f.Part} {f.Images:N0} ({f.Classes:N0})")), e.Metric,
                $"{e.Summary}{(e.Archives.Count > 0 ? "; can be fetched" : "")}"]));
        return new(DatasetCatalog.Entries.Select(e =>
            new { e.Name, e.Parts, e.Facts, e.Metric, e.Summary, bytes_to_fetch = e.Archives.Sum(a => a.Bytes) }));
    }
}

/// <summary>Problems that would stop a training on a folder, or what a named data set lacks.</summary>
internal sealed class DataCheckVerb : Verb
{
    private const int MostShown = 20;

    /// <summary>From so many times the images on, a class is said to be common.</summary>
    private const int ManyTimes = 5;

    private readonly Argument<string> data = new("FOLDER|NAME")
    { Description = "What train --data takes: FOLDER/CLASS/..., a list, Parquet files; or a data set by name." };
    private readonly RecipeFlags recipe = new();
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();
    private readonly Option<int> least = new("--min-images")
    {
        HelpName = "N", DefaultValueFactory = _ => new FolderCheck().MinImages,
        Description = $"Report classes with fewer readable training images. Default: {new FolderCheck().MinImages}."
    };

    private readonly Option<int?> largest = new("--max-megapixels")
    { HelpName = "N", Description = "Report images of more pixels as too large. Default: 100." };

    private readonly Option<string> findings = new("--findings")
    { HelpName = "FILE.csv", Description = "Write all that is found as a table: kind, file, detail. Default: shown, long lists cut." };

    public DataCheckVerb() : base("check", "Reads every image of a folder or a list once: counts, unreadable and misnamed files, " +
        "duplicates, small classes. Of a named data set: what is missing.")
    {
        Add(data);
        Flags("Flags", [findings, least, largest, .. recipe.Reading, dataRoot]);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane data check photos", "exit code 1 if a file is unreadable or a copy spoils a label or a test"),
        new("schane data check photos --findings found.csv", "everything found, in a table"),
        new("schane data check cub", "what is there of CUB-200-2011 beside the official counts, and where to get the rest"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var named = parsed.GetRequiredValue(data);
        var table = parsed.GetValue(findings);
        if (table is not null && Path.GetDirectoryName(Path.GetFullPath(table)) is { } folder && !Directory.Exists(folder))
            throw new SchaneException($"'{table}' can't be written: there is no folder '{folder}'. Make it, or name another file with " +
                "--findings.");
        if (DatasetCatalog.Entries.Any(e => e.Name == named))
            return table is not null ? throw new SchaneException($"--findings is for images in files; of '{named}' only what is missing " +
                "is looked for. Leave it out.") : Named(named, parsed.GetValue(dataRoot), screen, stop);
        var (wanted, root) = (recipe.Override(parsed, new Recipe { Data = named }), parsed.GetValue(dataRoot));
        var check = new FolderCheck
        {
            MinImages = parsed.GetValue(least), Workers = Environment.ProcessorCount, Limits = Limits(parsed.GetValue(largest)),
            DataRoot = root, Options = DataSetup.OptionsOf(wanted),
        };
        var report = check.Run(named, () => DataSetup.Refusal(wanted, root), cancel: stop);
        if (table is not null)
            report.Save(table);
        var parts = report.Classes.SelectMany(c => c.Parts.Keys).Distinct().ToList();
        screen.Table(["class", "images", .. parts],
            report.Classes.Select(c => (string[])[c.Class, $"{c.Images}", .. parts.Select(p => $"{c.Parts.GetValueOrDefault(p)}")]));
        if (report.Sizes is { } sizes)
            screen.Answer(string.Join(", ", report.Formats.Select(f => $"{f.Value:N0} {f.Key}")) +
                $"{(report.Formats.Count > 0 ? "; " : "")}{Size(sizes.Smallest)} to {Size(sizes.Largest)} pixels, " +
                $"the one in the middle {Size(sizes.Median)}.");
        if (report.Imbalance is >= ManyTimes and var times)
            screen.Answer($"The largest class has {times:0} times the images of the smallest: `schane train --sampler weighted` shows " +
                "rare classes as often as common ones.");
        List(screen, "Can't be read", report.Unreadable.Select(p => p.Problem));
        List(screen, "Named wrongly, read all the same", report.Misnamed.Select(p => p.Problem));
        List(screen, "Copies in different classes: a label is wrong", report.Duplicates.Where(d => d.AcrossClasses).Select(Files));
        List(screen, "Copies in different parts: what is tested was trained on",
            report.Duplicates.Where(d => d.AcrossParts && !d.AcrossClasses).Select(Files));
        List(screen, "May be nearly the same, in different classes", report.NearDuplicates.Where(d => d.AcrossClasses).Select(Files));
        List(screen, "May be nearly the same, in different parts: what is tested was then trained on",
            report.NearDuplicates.Where(d => d.AcrossParts && !d.AcrossClasses).Select(Files));
        List(screen, "Copies", report.Duplicates.Where(d => !d.AcrossParts && !d.AcrossClasses).Select(Files));
        List(screen, $"Classes with fewer than {check.MinImages} training images", report.TooSmall.Select(c => $"{c.Class}: {c.Images}"));
        foreach (var (reason, names) in report.NotUsed)
            List(screen, $"Not used, {reason}", names.Select(Printable.Escape));
        foreach (var warning in report.Warnings)
            screen.Answer(warning);
        if (report.Refusal is { } refusal)
            screen.Answer(refusal);
        screen.Answer($"{report.Images} images of {report.Classes.Count} {(report.Classes.Count == 1 ? "class" : "classes")}: " +
            $"{(report.IsClean ? "ready to train on" : "mend the above before training")}.");
        if (table is not null)
            screen.Say($"{report.Findings().Count():N0} findings are in {table}.");
        return new(report, report.IsClean ? Exit.Done : Exit.Failed);
    }

    private static ImageLimits Limits(int? megapixels) => megapixels switch
    {
        null => ImageLimits.Default,
        >= 1 => new() { MaxPixels = megapixels.Value * 1_000_000L, SettingOfPixels = "--max-megapixels" },
        _ => throw new SchaneException($"--max-megapixels must be at least 1 but is {megapixels}."),
    };

    private static Outcome Named(string name, string? dataRoot, Screen screen, CancellationToken stop)
    {
        var parts = DatasetCheck.Run(name, dataRoot, stop);
        screen.Table(["part", "images", "of", "classes", "of", "files missing"],
            parts.Select(p =>
                (string[])[p.Part, $"{p.Images}", $"{p.Expected.Images}", $"{p.Classes}", $"{p.Expected.Classes}", $"{p.MissingFiles}"]));
        foreach (var problem in parts.Select(p => p.Problem).OfType<string>().Distinct())
            screen.Answer(problem);
        var complete = parts.All(p => p.Problem is null);
        screen.Answer(complete ? $"{name} is complete."
            : $"{name} is not complete{(DatasetCatalog.Find(name).Archives.Count > 0 ? $"; `schane data fetch {name}` fetches it" : "")}.");
        return new(new { name, complete, parts }, complete ? Exit.Done : Exit.Failed);
    }

    private static string Size(int[] size) => $"{size[0]:N0} × {size[1]:N0}";

    private static string Files(DuplicateFiles duplicates) => string.Join(" = ", duplicates.Files);

    private static void List(Screen screen, string title, IEnumerable<string> lines)
    {
        var all = lines.ToList();
        if (all.Count == 0)
            return;
        screen.Answer($"{title} ({all.Count}):");
        foreach (var line in all.Take(MostShown))
            screen.Answer($"  {line}");
        if (all.Count > MostShown)
            screen.Answer($"  … and {all.Count - MostShown} more; --findings FILE.csv writes all.");
    }
}
