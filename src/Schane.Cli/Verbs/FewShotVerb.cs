using System.CommandLine;
using Schane.Evaluation;
using Schane.Jobs;

namespace Schane.Cli.Verbs;

/// <summary>How well a model tells new classes apart from a few images of each.</summary>
internal sealed class FewShotVerb : Verb
{
    private static readonly FewShotOptions Defaults = new();

    private readonly Argument<string> run = new("RUN") { HelpName = "[RUN]", Arity = ArgumentArity.ZeroOrOne, Description = "Run folder whose model is measured; without it --model with --weights." };
    private readonly Option<string> data = new("--data") { HelpName = "FOLDER|NAME[:PART]", Description = "Images of the classes to tell apart; honest only on classes that the model was not trained on." };
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();
    private readonly Option<string> model = new("--model") { HelpName = "NAME", Description = "Architecture where there is no RUN. Default: schane_tiny." };
    private readonly Option<string> weights = new("--weights") { HelpName = CommonFlags.WeightsForm, Description = "Its weights, as schane train takes them. Default: embedded." };
    private readonly Option<bool> offline = CommonFlags.Offline();
    private readonly Option<int> ways = Count("--ways", "N", "Classes in an episode.", Defaults.Ways);
    private readonly Option<int> shots = Count("--shots", "K", "Labelled images of each class.", Defaults.Shots);
    private readonly Option<int> queries = Count("--queries", "Q", "Images to classify of each class.", Defaults.Queries);
    private readonly Option<int> episodes = Count("--episodes", "E", "Episodes.", Defaults.Episodes);
    private readonly Option<int> seed = Count("--seed", "N", "Seed of the draw.", (int)Defaults.Seed);
    private readonly Option<string> file = new("--episodes-file") { HelpName = "FILE.json", Description = "Keep the episodes: read from the file where it is there, else drawn and written to it." };
    private readonly Option<string> device = CommonFlags.Device();

    public FewShotVerb() : base("fewshot", "Measures how well a model tells new classes apart from a few images of each.")
    {
        Add(run);
        Flags("Model and data", data, dataRoot, model, weights, offline, device);
        Flags("Episodes", ways, shots, queries, episodes, seed, file);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane fewshot RUN --data new-classes", "5 ways, 1 shot, 15 queries, 1000 episodes"),
        new("schane fewshot --data photos --shots 5", "the embedded model, without any training"),
        new("schane fewshot RUN --data photos --episodes-file e.json", "on the same episodes as another model"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var named = parsed.GetValue(run);
        if (named is not null && ((Option[])[model, weights]).FirstOrDefault(o => parsed.GetResult(o) is { Implicit: false }) is { } flag)
            throw new SchaneException($"A run has its own model; leave out {flag.Name}, or leave out '{named}'.");
        var start = new FewShotJob { Data = parsed.GetValue(data) ?? throw new SchaneException("schane fewshot needs --data FOLDER|NAME[:PART]: the images of the classes to tell apart.") };
        var report = LongWork.Show(screen, show => (start with
        {
            Hub = parsed.Hub(offline),
            Progress = new ShownTraining(show),
            Run = named,
            Model = parsed.GetValue(model) ?? start.Model,
            Weights = parsed.GetValue(weights) ?? start.Weights,
            DataRoot = parsed.GetValue(dataRoot),
            EpisodeFile = parsed.GetValue(file),
            Device = parsed.GetRequiredValue(device),
            Options = new()
            {
                Ways = parsed.GetValue(ways),
                Shots = parsed.GetValue(shots),
                Queries = parsed.GetValue(queries),
                Episodes = parsed.GetValue(episodes),
                Seed = parsed.GetValue(seed),
            },
        }).Measure(stop));
        screen.Table(["classifier", "accuracy", "95 % interval"], report.Results.Select(r => (string[])
            [r.Classifier.ToString(), $"{r.Accuracy.Mean:0.0000}", r.Accuracy.HalfWidth is { } half ? $"± {half:0.0000}" : "needs two episodes"]),
            $"{report.Options.Ways} ways, {report.Options.Shots} shots, {report.Options.Queries} queries, {report.Options.Episodes} episodes of seed {report.Options.Seed} on {report.Images} images of {report.Classes} classes:");
        return new(report);
    }

    private static Option<int> Count(string name, string value, string description, int otherwise) =>
        new(name) { HelpName = value, DefaultValueFactory = _ => otherwise, Description = $"{description} Default: {otherwise}." };
}
