using System.CommandLine;
using Schane.Evaluation.Episodes;
using Schane.Jobs;

namespace Schane.Cli.Verbs;

/// <summary>How well a model tells new classes apart from a few images of each.</summary>
internal sealed class FewShotVerb : Verb
{
    private static readonly FewShotOptions Defaults = new();

    private readonly Argument<string> run = new("RUN")
    {
        HelpName = "[RUN]", Arity = ArgumentArity.ZeroOrOne,
        Description = "Run folder whose model is measured; without it --model with --weights."
    };
    private readonly SourceFlags source = new(
        "Images of the classes to tell apart; honest only on classes that the model was not trained on.");
    private readonly Option<int> ways = Count("--ways", "N", "Classes in an episode.", Defaults.Ways);
    private readonly Option<int> shots = Count("--shots", "K", "Labelled images of each class.", Defaults.Shots);
    private readonly Option<int?> queries = new("--queries")
    {
        HelpName = "Q", Description = $"Images to classify of each class. Default: {Defaults.Queries}, or what the smallest class has left."
    };
    private readonly Option<int> episodes = Count("--episodes", "E", "Episodes.", Defaults.Episodes);
    private readonly Option<int> seed = Count("--seed", "N", "Seed of the draw.", (int)Defaults.Seed);
    private readonly Option<string> file = new("--episodes-file")
    { HelpName = "FILE.json", Description = "Keep the episodes: read from the file where it is there, else drawn and written to it." };

    private readonly Option<int> supportViews = Count("--support-views", "N",
        "Augmented views of each labelled image that stand beside it; queries are never augmented.", 0);
    private readonly Option<bool> transduction = new("--transduction")
    {
        Description = "Measure a classifier too that sees all queries of an episode together; not to be compared with the others. " +
            "Default: off."
    };

    private readonly Option<double> regressionC = new("--regression-c")
    {
        HelpName = "C",
        DefaultValueFactory = _ => 1,
        Description = "Weight of the data against the penalty of logistic regression. Default: 1.",
    };

    public FewShotVerb() : base("fewshot", "Measures how well a model tells new classes apart from a few images of each.")
    {
        Add(run);
        Flags("Model and data", source.Flags);
        Flags("Episodes", ways, shots, queries, episodes, seed, file, supportViews, transduction, regressionC);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane fewshot RUN --data new-classes", "5 ways, 1 shot, 15 queries (fewer on small classes), 1000 episodes"),
        new("schane fewshot --data photos --shots 5", "the weights at hand, without any training"),
        new("schane fewshot RUN --data photos --episodes-file e.json", "on the same episodes as another model"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var wanted = source.Read(parsed, parsed.GetValue(run));
        var report = LongWork.Show(screen, show => (new FewShotJob
        {
            Data = wanted.Data
                ?? throw new SchaneException("schane fewshot needs --data FOLDER|NAME[:PART]: the images of the classes to tell apart."),
            Source = wanted with { Progress = new ShownTraining(show) },
            FewerQueries = parsed.GetValue(queries) is null,
            EpisodeFile = parsed.GetValue(file),
            SupportViews = parsed.GetValue(supportViews),
            Transduction = parsed.GetValue(transduction),
            RegressionC = parsed.GetValue(regressionC),
            Options = new()
            {
                Ways = parsed.GetValue(ways),
                Shots = parsed.GetValue(shots),
                Queries = parsed.GetValue(queries) ?? Defaults.Queries,
                Episodes = parsed.GetValue(episodes),
                Seed = parsed.GetValue(seed),
            },
        }).Measure(stop));
        screen.Table(["classifier", "accuracy", "95 %, Student t", "95 %, normal"], report.Results.Select(r => (string[])
            [r.Classifier.ToString(), $"{r.Accuracy.Mean:0.0000}", r.Accuracy.HalfWidth is { } half
                ? $"± {half:0.0000}" : "needs two episodes", r.Normal.HalfWidth is { } normal ? $"± {normal:0.0000}" : ""]),
            $"{report.Options.Ways} ways, {report.Options.Shots} shots, {report.Options.Queries} queries, {report.Options.Episodes} " +
            $"episodes of seed {report.Options.Seed} on {report.Images} images of {report.Classes} classes:");
        foreach (var warning in report.Warnings)
            screen.Say($"warning: {warning}");
        return new(report);
    }

    private static Option<int> Count(string name, string value, string description, int otherwise) =>
        new(name) { HelpName = value, DefaultValueFactory = _ => otherwise, Description = $"{description} Default: {otherwise}." };
}
