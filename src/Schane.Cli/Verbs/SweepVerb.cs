using System.CommandLine;
using Schane.Evaluation.Statistics;
using Schane.Jobs.Studies;
using Schane.Losses;
using Schane.Recipes;
using Schane.Runs;

namespace Schane.Cli.Verbs;

/// <summary>Chooses settings by the validation part.</summary>
internal sealed class SweepVerb : Verb
{
    private const int TrialsShown = 5;

    private readonly RecipeFlags recipe = new();
    private readonly Option<string[]> over = new("--over")
    {
        HelpName = "[ARM:]KEY=V,V,...", Description = "A setting to vary and its values, or KEY=LOW..HIGH[:log] for --trials; again for " +
            "another. With ARM: for that loss alone."
    };
    private readonly Option<string> losses = new("--losses")
    {
        HelpName = "NAME,NAME,...",
        Description = "Tune several losses, each by the same number of trials. Default: --loss alone, or the arms of the recipe."
    };
    private readonly Option<int?> trials = new("--trials")
    { HelpName = "N", Description = "Combinations drawn at random for each loss. Default: all." };
    private readonly Option<int> searchSeed = new("--search-seed")
    { HelpName = "N", DefaultValueFactory = _ => 0, Description = "Decides which are drawn. Default: 0." };
    private readonly Option<int> seeds = new("--seeds")
    { HelpName = "N", DefaultValueFactory = _ => 1, Description = "Runs of each trial, from --seed on; their mean counts. Default: 1." };
    private readonly Option<int?> halving = new("--halving")
    {
        HelpName = "K", Description = "Successive halving: begin with short runs; the best of every K go on to runs K times as long. " +
            "Default: all runs are whole."
    };
    private readonly Option<string> metric = new("--metric")
    {
        HelpName = "NAME", Description = "Metric of the validation part to choose by: top1, mean_per_class, nll, ... Default: top1, or " +
            "error for one-shot runs."
    };
    private readonly Option<bool> noTest = new("--no-test")
    { Description = "Leave the test part alone. Default: the chosen trial of each loss is measured on it, once, at the end." };
    private readonly Option<int> jobs = new("--jobs")
    {
        HelpName = "J", DefaultValueFactory = _ => 1,
        Description = "Runs side by side, each a process with its share of the cores. Default: 1."
    };
    private readonly Option<string> output = new("--out")
    {
        HelpName = "FOLDER", Description = "Where the runs go, sweep.json, and best.yaml for `schane compare --recipe`; runs that are " +
            "there already are used again. Default: runs/sweep-DATA, or runs/sweep-RECIPE."
    };
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();
    private readonly Option<bool> offline = CommonFlags.Offline();

    public SweepVerb() : base("sweep", "Chooses settings by the validation part; the test part is touched once, at the end.")
    {
        Flags("Sweep", over, losses, trials, searchSeed, seeds, halving, metric, noTest, jobs, output, recipe.File);
        Flags("Data", [recipe.Data[0], dataRoot, .. recipe.Data.Skip(1)]);
        Flags("Model", [.. recipe.Model, offline]);
        Flags("Objective, where it is not varied", recipe.Objective);
        Flags("Batches", recipe.Batches);
        Flags("Length of each run", recipe.Length);
        Flags("Optimiser", recipe.Optimizer);
        Flags("Machine", recipe.Machine);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane sweep --data photos --over lr=1e-4,1e-3 --over temperature=0.1,0.5", "four runs; the best on the validation images"),
        new("schane sweep --data photos --losses ce,schane --over lr=1e-4..1e-2:log --trials 9 --halving 3",
            "nine random trials of each loss, most of them short"),
        new("schane compare --recipe runs/sweep-photos/best.yaml", "then compare the losses, each with its own best settings"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var options = Wanted(parsed);
        var found = LongWork.Show(screen, show => SweepJob.Run(options, new ShownJobs(show), stop));
        screen.Table(["loss", "trial", found.Metric, "steps", "settings"],
            found.Trials.GroupBy(t => t.Arm).SelectMany(arm => arm.Take(TrialsShown)).Select(t => (string[])
            [t.Arm, $"{t.Number}", double.IsNaN(t.Score) ? "diverged" : Shown(found.Metric, t.Score), $"{t.Steps}", string.Join(", ",
                t.Settings.Select(s => $"{s.Key} {s.Value}"))]), $"{found.Data}, validation part, the best {TrialsShown} of each loss:");
        if (found.Winners.All(w => w.Test is not null))
            screen.Table(["loss", "trial", "validation", "test", "95 % interval"], found.Winners.Select(w => (string[])
                [w.Arm, $"{w.Trial}", Shown(found.Metric, w.Validation), $"{w.Test!.Mean:P2}", w.Test.Low is { } low
                    ? $"{low:P2} to {w.Test.High:P2} ({(w.Test.Kind == IntervalKind.Wilson ? "Wilson" : "Student t over seeds")})" : ""]),
                "The chosen trials:");
        screen.Answer(found.TestUse);
        screen.Answer("The validation figure of a chosen trial is the best of many, so it is too good" +
            $"{FewImages.Words(found.Images ?? FewImages.Enough)}; the test figure is not.");
        if (options.Arms[0].Recipe.Folds is null
            && CompareJob.UndividedImages(options.Arms[0].Recipe, options.DataRoot) is < CompareVerb.FewImages)
            screen.Answer("Compare with --seeds N, which leaves the same images for the test; folds would test on images that these " +
                "settings were chosen by.");
        screen.Answer($"The runs are in {options.Folder}; `schane compare --recipe {Path.Combine(options.Folder, "best.yaml")}` compares " +
            "the losses with these settings.");
        return new(found, FailedRuns.Say(screen, found.Failed));
    }

    private SweepOptions Wanted(ParseResult parsed)
    {
        var file = parsed.GetValue(recipe.File);
        var (shared, arms) = file is null ? (new Recipe(), []) : RecipeFile.LoadArms(file);
        shared = recipe.Override(parsed, shared);
        IReadOnlyList<(string, Recipe)> tuned = parsed.GetValue(losses) is { } named
            ? [.. named.Split(',').Distinct().Select(name => (name, arms.FirstOrDefault(arm => arm.Name == name) is { Recipe: { } own }
                ? recipe.Override(parsed, own) : WithLoss(shared, name)))]
            : arms.Count > 0 ? [.. arms.Select(arm => (arm.Name, recipe.Override(parsed, arm.Recipe)))]
            : [(shared.Loss.Name, shared)];
        if (parsed.GetValue(over) is not { Length: > 0 } axes)
            throw new SchaneException("Say what to vary: --over lr=1e-4,1e-3 for example, again for another setting.");
        foreach (var (count, flag) in ((int?, string)[])[(parsed.GetValue(trials), "--trials"), (parsed.GetValue(seeds), "--seeds"),
            (parsed.GetValue(jobs), "--jobs"), (parsed.GetValue(halving) - 1, "--halving less one")])
            if (count < 1)
                throw new SchaneException($"{flag} must be at least 1 but is {count}.");
        return new SweepOptions
        {
            Arms = tuned,
            Axes = [.. axes.Select(SweepAxis.Parse)],
            Folder = parsed.GetValue(output) ?? Path.Combine("runs", "sweep-" + (file is null
                ? Path.GetFileName(Path.TrimEndingDirectorySeparator(shared.Data)).Replace(':', '-')
                : Path.GetFileNameWithoutExtension(file))),
            Trials = parsed.GetValue(trials),
            SearchSeed = parsed.GetValue(searchSeed),
            Seeds = parsed.GetValue(seeds),
            Halving = parsed.GetValue(halving),
            Metric = parsed.GetValue(metric),
            MeasuresTest = !parsed.GetValue(noTest),
            Jobs = parsed.GetValue(jobs),
            Command = Itself.Command,
            DataRoot = parsed.GetValue(dataRoot),
            Hub = parsed.Hub(offline),
        };
    }

    private static Recipe WithLoss(Recipe shared, string loss) => RecipeFile.With(shared, "loss", loss, "--losses") is var recipe
        && recipe.Loss.Positives == Positives.None ? recipe with { Lambda = null, LambdaFinal = null } : recipe;

    private static string Shown(string metric, double value) => metric == "nll" ? $"{value:0.0000}" : $"{value:P2}";
}
