using System.CommandLine;
using System.Globalization;
using Schane.Jobs.Studies;
using Schane.Recipes;
using Schane.Reporting;
using CompareOptions = Schane.Jobs.Studies.CompareOptions;

namespace Schane.Cli.Verbs;

/// <summary>Trains several settings on the same seeds and says which did better.</summary>
internal sealed class CompareVerb : Verb
{
    /// <summary>Below this many images of undivided data, folds say more than one draw of the parts.</summary>
    internal const int FewImages = 500;

    private const int DefaultFolds = 5, DefaultRepeats = 2, DefaultSeeds = 8;

    private readonly RecipeFlags recipe = new();
    private readonly Option<int?> seeds = new("--seeds")
    { HelpName = "N", Description = $"Seeds of every arm: 0 to N-1. Default: {DefaultSeeds}." };
    private readonly Option<int?> repeats = new("--repeats")
    {
        HelpName = "R", Description = $"With --folds K: R divisions into K folds, K·R runs of every arm. Below {FewImages} images that " +
            $"come undivided the default is --folds {DefaultFolds} --repeats {DefaultRepeats}."
    };
    private readonly Option<string> labels = new("--labels")
    { HelpName = "N,N,...", Description = "Several comparisons, with N training images of each class." };
    private readonly Option<string> against = new("--against")
    {
        HelpName = "ARM",
        Description = "Compare every other arm with this one alone, as for ablations. Default: each arm with all before it."
    };
    private readonly Option<int> jobs = new("--jobs")
    {
        HelpName = "J", DefaultValueFactory = _ => 1,
        Description = "Runs side by side, each a process with its share of the cores. Default: 1."
    };
    private readonly Option<string> output = new("--out")
    {
        HelpName = "FOLDER", Description = "Where the runs go, and compare.json and compare.html; runs that are there already are used " +
            "again. Default: runs/compare-DATA, or runs/RECIPE."
    };
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();
    private readonly Option<bool> offline = CommonFlags.Offline();
    private readonly Option<string[]> mean = new("--mean")
    {
        HelpName = "FOLDER", AllowMultipleArgumentsPerToken = true,
        Description = "Train nothing: join finished comparisons of the same arms and seeds on different data, seed by seed."
    };

    public CompareVerb() : base("compare",
        "Trains cross-entropy, SupCon and SCHaNe (or the arms of a recipe) on the same seeds and says which did better.")
    {
        Flags("Comparison", recipe.File, seeds, repeats, labels, against, jobs, output, mean);
        Flags("Data", [recipe.Data[0], dataRoot, .. recipe.Data.Skip(1)]);
        Flags("Model", [.. recipe.Model, offline]);
        Flags("Objective, in all arms that don't say otherwise", [.. recipe.Objective.Where(flag => flag.Name != "--loss")]);
        Flags("Batches", recipe.Batches);
        Flags("Length of each run", recipe.Length);
        Flags("Optimiser", recipe.Optimizer);
        Flags("Machine", [.. recipe.Machine.Where(flag => flag.Name != "--seed")]);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane compare --data photos --budget 3m", "CE on shuffled batches, CE, SupCon and SCHaNe, 8 seeds, three minutes a run"),
        new("schane compare --recipe recipes/lookalikes.yaml --jobs 2",
            "the arms of a recipe, two runs side by side; go on after Ctrl-C with the same line"),
        new("schane compare --data photos --labels 5,10,20", "how the answer depends on the number of labels"),
        new("schane compare --recipe ablations.yaml --against schane",
            "what each change to the arm schane does: paired differences with it alone"),
        new("schane compare --mean runs/omniglot-small1 runs/omniglot-small2", "mean of two comparisons"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        if (parsed.GetValue(mean) is { Length: > 0 } folders)
            return Show(screen, [CompareJob.Mean(folders) is var joined && parsed.GetValue(against) is { } other
                ? joined with { Against = other } : joined], null);
        var options = Wanted(parsed);
        var counts = Labels(parsed);
        List<Comparison> found = [];
        foreach (var count in counts)
            found.Add(LongWork.Show(screen, show => CompareJob.Run(count is not { } n ? options : options with
            {
                Folder = Path.Combine(options.Folder, $"labels-{n}"),
                Arms = [.. options.Arms.Select(arm => (arm.Name, arm.Recipe with { LabelsPerClass = n }))],
            }, new ShownJobs(show), stop)));
        return Show(screen, found, options.Folder);
    }

    private CompareOptions Wanted(ParseResult parsed)
    {
        var file = parsed.GetValue(recipe.File);
        var (shared, arms) = file is null ? (new Recipe(), []) : RecipeFile.LoadArms(file);
        shared = recipe.Override(parsed, shared);
        if (file is not null && arms.Count is 1)
            throw new SchaneException($"Recipe '{file}' has one arm; a comparison needs two or more documents 'arm: NAME' after the " +
                "first, or none for CE, SupCon and SCHaNe.");
        IReadOnlyList<(string, Recipe)> compared = arms.Count == 0
            ? CompareOptions.DefaultArms(shared) : [.. arms.Select(arm => (arm.Name, recipe.Override(parsed, arm.Recipe)))];
        var root = parsed.GetValue(dataRoot);
        if (parsed.GetValue(seeds) is null && parsed.GetValue(repeats) is null && shared.Folds is null
            && CompareJob.UndividedImages(shared, root) is < FewImages)
        {
            compared = [.. compared.Select(arm => (arm.Item1, arm.Item2 with { Folds = DefaultFolds }))];
            shared = shared with { Folds = DefaultFolds };
        }
        if (shared.Folds is null && parsed.GetValue(repeats) is not null)
            throw new SchaneException("--repeats says how often data are divided into folds; give --folds K too, or --seeds N instead.");
        if (shared.Folds is not null && parsed.GetValue(seeds) is not null)
            throw new SchaneException("With --folds the runs are folds times repeats; give --repeats R instead of --seeds.");
        var count = shared.Folds is { } folds
            ? folds * (parsed.GetValue(repeats) ?? DefaultRepeats) : parsed.GetValue(seeds) ?? DefaultSeeds;
        if (count < 1 || parsed.GetValue(jobs) < 1)
            throw new SchaneException($"--seeds, --repeats and --jobs must be at least 1 but there would be {count} runs an arm, " +
                $"{parsed.GetValue(jobs)} at a time.");
        return new CompareOptions
        {
            Arms = compared,
            Folder = parsed.GetValue(output) ?? Path.Combine("runs",
                file is null ? $"compare-{Path.GetFileName(Path.TrimEndingDirectorySeparator(shared.Data)).Replace(':', '-')}"
                    : Path.GetFileNameWithoutExtension(file)),
            Seeds = [.. Enumerable.Range(0, count)],
            Against = parsed.GetValue(against),
            Jobs = parsed.GetValue(jobs),
            Command = Itself.Command,
            DataRoot = root,
            Hub = parsed.Hub(offline),
        };
    }

    private int?[] Labels(ParseResult parsed) => parsed.GetValue(labels) is not { } list ? [null]
        : [.. list.Split(',').Select(text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n > 0 ? n
            : (int?)null ?? throw new SchaneException($"--labels must be numbers from 1 on with commas between them but is '{list}'."))];

    private static Outcome Show(Screen screen, List<Comparison> comparisons, string? folder)
    {
        var tables = comparisons.Select(comparison => ComparisonTable.Of(comparison)).ToList();
        foreach (var (comparison, table) in comparisons.Zip(tables))
        {
            var units = comparison.TestPerTrain is null ? "seeds" : "folds";
            screen.Table([table.Metric, "mean", $"95 % interval over {units}"], table.Objectives.Select(o => (string[])[o.Objective.Label,
                Percent(o.Mean.Mean), o.Seeds.Count > 1 ? Range(o.Mean.Low, o.Mean.High) : Single(comparison, o)]),
                $"{comparison.Data}, {table.Objectives[0].Seeds.Count} {units}:");
            screen.Table(["paired difference", "mean", $"95 % over {units}", "over items and seeds", "p (Holm)", "p (sign flips)",
                "verdict"], table.Differences.Select(d => (string[])[
                $"{d.First.Label} - {d.Second.Label}", Percent(d.Paired.Difference.Mean),
                Range(d.Paired.Difference.Low, d.Paired.Difference.High),
                comparison.Bootstrap?.FirstOrDefault(b => b.First == d.First.Name && b.Second == d.Second.Name) is { } b
                    ? Range(b.Low, b.High) : "",
                P(d.HolmP), P(d.Paired.SignFlipP), Said(d.Verdict)]));
            foreach (var sentence in Outlook.Of(table, comparison.TestPerTrain))
                screen.Answer(sentence);
            if (EmbeddingFigures.All(name => comparison.Runs.All(run => run.Metrics.ContainsKey(name.Key))))
                screen.Table(["embeddings of the test", .. EmbeddingFigures.Select(f => f.Label)],
                    table.Objectives.Select(o => (string[])[o.Objective.Label,
                    .. EmbeddingFigures.Select(f =>
                        $"{comparison.Runs.Where(run => run.Objective == o.Objective.Name).Average(run => run.Metrics[f.Key]):0.000}")]),
                    $"Means over the {units}:");
            screen.Answer($"Intervals over {units} hold for these test items; those over items and seeds are a bootstrap." +
                (tables[0].Differences is [var first, ..]
                    ? $" With {first.Seeds.Count} {units} the sign-flip p can't be below {P(first.Paired.LeastSignFlipP)}." : ""));
        }
        if (folder is not null)
            screen.Answer($"The runs are in {folder}; open " +
                $"{Path.Combine(folder, comparisons.Count == 1 ? "" : "labels-*", "compare.html")} to see them " +
                "compared, and `schane report RUN` makes the page of one run.");
        IReadOnlyList<FailedRun> failed = [.. comparisons.SelectMany(comparison => comparison.Failed)];
        var code = FailedRuns.Say(screen, failed);
        return new(new
        {
            comparisons = comparisons.Zip(tables, (comparison, table) => new { comparison, table }),
            failed = failed.Select(run => $"{run}"),
        }, code);
    }

    private static readonly (string Key, string Label)[] EmbeddingFigures =
    [
        ("alignment", "alignment"), ("uniformity", "uniformity"), ("intra_class_cosine", "cosine inside classes"),
        ("inter_class_cosine", "between"),
        ("isotropy", "isotropy"), ("effective_rank", "effective rank"), ("neural_collapse", "NC1"),
    ];

    private static string Single(Comparison comparison, ObjectiveRow row) =>
        comparison.Runs.First(run => run.Objective == row.Objective.Name).Metrics is var m
            && m.TryGetValue($"{comparison.Metric}_low", out var low) && m.TryGetValue($"{comparison.Metric}_high", out var high)
            ? $"{Range(low, high)} (Wilson, over the test items of one run)" : "";

    private static string Percent(double share) => $"{100 * share:0.00} %";

    private static string Range(double? low, double? high) => low is { } l && high is { } h ? $"{100 * l:0.00} to {100 * h:0.00} %" : "";

    private static string P(double? p) => p is { } value ? $"{value:0.0000}" : "";

    private static string Said(Verdict verdict) =>
        verdict switch { Verdict.Helped => "helped", Verdict.Hurt => "hurt", _ => "no evidence" };
}
