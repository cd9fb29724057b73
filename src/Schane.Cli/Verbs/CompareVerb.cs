using System.CommandLine;
using Schane.Evaluation;
using Schane.Jobs;
using Schane.Reporting;
using Schane.Training;

namespace Schane.Cli.Verbs;

/// <summary>Trains the arms of a recipe on the same seeds and says which did better.</summary>
internal sealed class CompareVerb : Verb
{
    private readonly Option<string> recipe = new("--recipe") { HelpName = "FILE.yaml", Description = "Settings, and below each line '---' an arm: its name and what it changes." };
    private readonly Option<int> seeds = new("--seeds") { HelpName = "N", DefaultValueFactory = _ => 8, Description = "Seeds of every arm: 0 to N-1. Default: 8." };
    private readonly Option<int> jobs = new("--jobs") { HelpName = "J", DefaultValueFactory = _ => 1, Description = "Runs side by side, each with its share of the cores. Default: 1." };
    private readonly Option<string> output = new("--out") { HelpName = "FOLDER", Description = "Where the runs go, and compare.json; runs that are there already are used again. Default: runs/RECIPE." };
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();
    private readonly Option<string[]> mean = new("--mean") { HelpName = "FOLDER", AllowMultipleArgumentsPerToken = true, Description = "Train nothing: join finished comparisons of the same arms and seeds on different data, seed by seed." };

    public CompareVerb() : base("compare", "Trains the arms of a recipe on the same seeds and compares them pair by pair.") =>
        Flags("Comparison", recipe, seeds, jobs, output, dataRoot, mean);

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane compare --recipe recipes/lookalikes.yaml --seeds 5", "CE, SupCon and SCHaNe on the embedded data"),
        new("schane compare --recipe my.yaml --jobs 2 --out runs/mine", "go on after Ctrl-C with the same line"),
        new("schane compare --mean runs/omniglot-small1 runs/omniglot-small2", "mean of two comparisons"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var comparison = parsed.GetValue(mean) is { Length: > 0 } folders ? CompareJob.Mean(folders) : LongWork.Show(screen, show => Train(parsed, show, stop));
        var table = ComparisonTable.Of(comparison);
        screen.Table([table.Metric, "mean", "95 % interval over seeds"], table.Objectives.Select(o => (string[])[o.Objective.Label, Percent(o.Mean.Mean), Range(o.Mean)]),
            $"{comparison.Data}, {table.Objectives[0].Seeds.Count} seeds:");
        screen.Table(["paired difference", "mean", "95 % interval", "p (Holm)", "verdict"], table.Differences.Select(d =>
            (string[])[$"{d.First.Label} - {d.Second.Label}", Percent(d.Paired.Difference.Mean), Range(d.Paired.Difference), d.HolmP is { } p ? $"{p:0.0000}" : "", Said(d.Verdict)]));
        screen.Say("Intervals are over seeds and hold for these test items.");
        return new(new { comparison, table });
    }

    private Comparison Train(ParseResult parsed, Action<Moment> show, CancellationToken stop)
    {
        var file = parsed.GetValue(recipe) ?? throw new SchaneException("schane compare needs --recipe FILE.yaml with two or more arms.");
        if (parsed.GetValue(seeds) < 1 || parsed.GetValue(jobs) < 1)
            throw new SchaneException($"--seeds and --jobs must be at least 1 but are {parsed.GetValue(seeds)} and {parsed.GetValue(jobs)}.");
        return CompareJob.Run(file, parsed.GetValue(output) ?? Path.Combine("runs", Path.GetFileNameWithoutExtension(file)), [.. Enumerable.Range(0, parsed.GetValue(seeds))],
            parsed.GetValue(jobs), parsed.GetValue(dataRoot), new Shown(show), stop);
    }

    private static string Percent(double share) => $"{100 * share:0.00} %";

    private static string Range(Interval interval) => interval is { Low: { } low, High: { } high } ? $"{100 * low:0.00} to {100 * high:0.00} %" : "";

    private static string Said(Verdict verdict) => verdict switch { Verdict.Helped => "helped", Verdict.Hurt => "hurt", _ => "no evidence" };

    private sealed class Shown(Action<Moment> show) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            show(new(value.Phase, value.Step, value.Steps, Message: value.Message));
            show(new(value.Phase, value.Step, value.Steps));
        }
    }
}
