using System.CommandLine;
using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Episodes;
using Schane.Jobs;
using Schane.Reporting;
using Schane.Reporting.Sections;
using Schane.Runs;

namespace Schane.Cli.Verbs;

/// <summary>How good a trained run, weights or embeddings are.</summary>
internal sealed class EvaluateVerb : Verb
{
    /// <summary>Kinds of mistakes, and mistakes, that are named.</summary>
    private const int MostShown = 5;

    private static readonly FewShotOptions Episodes = new();

    private readonly Argument<string> run = new("RUN")
    {
        HelpName = "[RUN|FILE]", Arity = ArgumentArity.ZeroOrOne, Description = "Run folder of `schane train`, which is not written to, " +
            "or a file of `schane embed`; without it --model with --weights."
    };
    private readonly Option<ProtocolKind> protocol = new("--protocol")
    {
        HelpName = "NAME",
        DefaultValueFactory = _ => ProtocolKind.Full,
        Description = "full: the run's classifier. knn and linear fit on the training part. fewshot: episodes. embeddings: retrieval, " +
            "clustering and shape. Default: full.",
    };
    private readonly SourceFlags source = new("Other images: of the run's classes for the protocol full. Default: the run's own parts.");
    private readonly Option<int> neighbours = new("--neighbours")
    { HelpName = "K", DefaultValueFactory = _ => 20, Description = "Voters of knn. Default: 20." };
    private readonly Option<ProbeSolver> solver = new("--solver")
    {
        HelpName = "lbfgs|sgd", DefaultValueFactory = _ => ProbeSolver.Lbfgs,
        Description = "How linear is fitted: by L-BFGS to the optimum, or by SGD on batches, for very many images. Default: lbfgs."
    };
    private readonly Option<int> ways = new("--ways")
    { HelpName = "N", DefaultValueFactory = _ => Episodes.Ways, Description = $"Classes in an episode. Default: {Episodes.Ways}." };
    private readonly Option<int> shots = new("--shots")
    {
        HelpName = "K", DefaultValueFactory = _ => Episodes.Shots,
        Description = $"Labelled images of each class of it. Default: {Episodes.Shots}."
    };

    public EvaluateVerb() : base("evaluate", "Measures a trained run, weights or embeddings on the test part or on other images.")
    {
        Add(run);
        Flags("Flags", [protocol, .. source.Flags]);
        Flags("Protocols", neighbours, solver, ways, shots);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane evaluate runs/photos-schane-1", "accuracy with its interval, calibration, per class"),
        new("schane evaluate RUN --data new-photos --json", "on images taken later, for a program"),
        new("schane evaluate RUN --protocol linear", "a linear classifier on the run's embeddings"),
        new("schane evaluate --model vit_small_patch16_224 --weights hf:... --data photos --protocol knn",
            "published weights, without any training"),
        new("schane evaluate photos.parquet --protocol embeddings", "how classes lie, from a file of schane embed"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var named = parsed.GetValue(run);
        var kind = parsed.GetValue(protocol);
        if (kind == ProtocolKind.Full)
            return Full(parsed, screen, named ?? throw new SchaneException(
                "The protocol full measures a run's own classifier: name a run, or choose --protocol knn, linear, fewshot or embeddings. " +
                "To fine-tune weights fully, `schane train --weights` them and evaluate that run."), stop);
        var images = named is not null && File.Exists(named) ? EmbeddedImages.Load(named)
            : LongWork.Show(screen, show => (source.Read(parsed, named) with { Progress = new ShownTraining(show) }).Embed(stop));
        var report = new Protocol
        {
            Kind = kind,
            Neighbours = parsed.GetValue(neighbours),
            Solver = parsed.GetValue(solver),
            Episodes = Episodes with { Ways = parsed.GetValue(ways), Shots = parsed.GetValue(shots) },
        }.Measure(images);
        Measures.Show(screen, report.Metrics, $"{report.Protocol.ToString().ToLowerInvariant()} on {report.Images} images of " +
            $"{report.Classes} classes ({report.Part}); {string.Join(", ", report.Settings.Select(s => $"{s.Key} {s.Value}"))}:");
        IReadOnlyList<string> warnings = kind == ProtocolKind.FewShot && !(named is not null && File.Exists(named))
            ? source.Read(parsed, named).Seen(images.Embeddings.Classes, stop) : [];
        foreach (var warning in warnings)
            screen.Say($"warning: {warning}");
        return new(report with { Warnings = warnings });
    }

    private Outcome Full(ParseResult parsed, Screen screen, string folder, CancellationToken stop)
    {
        var measured = LongWork.Show(screen,
            show => EvaluateJob.Again(folder, source.Read(parsed, folder) with { Progress = new ShownTraining(show) }, stop));
        var results = measured.Results;
        if (results.Folds is { } folds)
            screen.Say($"The model has learnt from every image of its data; these are the answers of {folds} folds that were trained " +
                "without the images. --data measures the model itself on others.");
        if (results.FoldsNote is { } left)
            screen.Say(left);
        Measures.Show(screen, results.Metrics, $"Measured on {results.Images} images ({results.Part}){FewImages.Words(results.Images)}:");
        if (results is { Classes: { } names, Confusion: { } counts })
            Mistakes(screen, ConfusionMatrix.Of(names, counts), measured.Items);
        if (results is { IsMultiLabel: true, PerClass: { } several })
            screen.Table(["class", "images", "AP", "F1", "recall", "precision", "threshold"], several.Select(c => (string[])
                [c.Class, $"{c.Images}", c.AveragePrecision is { } ap ? $"{ap:0.000}" : "", $"{c.F1:0.000}", $"{c.Recall:0.000}",
                    $"{c.Precision:0.000}", $"{c.Threshold:0.000}"]));
        else if (results.PerClass is { } classes)
            screen.Table(["class", "images", "recall", "precision"],
                classes.Select(c => (string[])[c.Class, $"{c.Images}", $"{c.Recall:0.000}", $"{c.Precision:0.000}"]));
        if (results.ThresholdNote is { } note)
            screen.Say(note);
        return new(results);
    }

    private static void Mistakes(Screen screen, ConfusionMatrix matrix, IReadOnlyList<PredictedItem> items)
    {
        if (matrix.Mistakes.Count == 0)
        {
            screen.Answer("No image was mistaken.");
            return;
        }
        screen.Table(["class", "taken for", "times", "of class"], matrix.Mistakes.Take(MostShown).Select(mistake => (string[])
            [matrix.Classes[mistake.Truth], matrix.Classes[mistake.Taken], $"{mistake.Count}", $"{mistake.Share:P0}"]),
            $"Most confused, of {Quantity.Of(matrix.Errors, "mistake", "mistakes")}:");
        screen.Table(["image", "class", "taken for", "sure"], SurestMistakes.Of(items, item => item, MostShown).Select(item => (string[])
            [item.Image, item.Label, item.Predicted, $"{item.Confidence:P0}"]), "Surest mistakes:");
    }
}
