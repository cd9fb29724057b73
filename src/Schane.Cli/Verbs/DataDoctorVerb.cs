using System.CommandLine;
using Schane.Planning;

namespace Schane.Cli.Verbs;

/// <summary>What the batches of a training would hold, and how to fix them.</summary>
internal sealed class DataDoctorVerb : Verb
{
    private readonly RecipeFlags recipe = new();
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();
    private readonly Option<bool> offline = CommonFlags.Offline();

    public DataDoctorVerb() : base("doctor",
        "Looks at the batches before training: positives, negatives and classes in them, each problem with its fix.")
    {
        Flags("Recipe", recipe.File);
        Flags("Data", [recipe.Data[0], dataRoot, .. recipe.Data.Skip(1)]);
        Flags("Model", [.. recipe.Model, offline]);
        Flags("Objective", recipe.Objective);
        Flags("Batches", recipe.Batches);
        Flags("Machine", recipe.Machine);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane data doctor --data photos", "exit code 1 if something should be mended"),
        new("schane data doctor --data photos --sampler shuffled --batch 32", "what shuffled batches would do to the contrastive term"),
        new("schane data doctor --recipe my.yaml --json", "all the numbers, for a program"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var report = LongWork.Show(screen, show =>
            BatchDoctor.Examine(
                recipe.ReadOrEmbedded(parsed), parsed.GetValue(dataRoot), new ShownTraining(show), parsed.Hub(offline), stop));
        screen.Table(["", ""], (string[][])
        [
            ["rows in a batch", $"{report.Rows:0.#}"],
            ["classes in a batch", $"{report.ClassesPerBatch:0.#} of {report.Classes}"],
            ["anchors without a positive", $"{report.WithoutPositives:P1}"],
            ["anchors with views of their own image alone", $"{report.CopiesOnly:P1}"],
            ["positives of an anchor", $"{report.Positives:0.0}"],
            ["negatives of an anchor", $"{report.Negatives:0.0}"],
            ["effective negatives, initial weights", report.EffectiveNegatives is { } effective ? $"{effective:0.0}" : "none"],
            ["mean cosine inside / between classes, initial weights",
                $"{Cosine(report.PositiveSimilarity)} / {Cosine(report.NegativeSimilarity)}"],
        ], $"{report.Batches} of {report.BatchesPerEpoch} batches of an epoch, loss {report.Loss}:");
        foreach (var finding in report.Findings)
            screen.Answer($"{finding.What} {finding.Fix}");
        screen.Answer(report.Findings.Count == 0
            ? "Nothing to mend." : $"{report.Findings.Count} {(report.Findings.Count == 1 ? "thing" : "things")} to mend before training.");
        return new(report, report.Findings.Count == 0 ? Exit.Done : Exit.Failed);
    }

    private static string Cosine(double? value) => value is { } known ? $"{known:0.000}" : "none";
}
