using System.CommandLine;
using Schane.Checkpoints;
using Schane.Jobs;

namespace Schane.Cli.Verbs;

/// <summary>Trains a model on a data set, or goes on with a run.</summary>
internal sealed class TrainVerb : Verb
{
    private readonly RecipeFlags recipe = new();
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();
    private readonly Option<string> output = new("--out") { HelpName = "RUN", Description = "Run folder to make. Default: runs/DATA-LOSS-N." };
    private readonly Option<string> resume = new("--resume") { HelpName = "[RUN]", Arity = ArgumentArity.ZeroOrOne, Description = "Go on with a run that was stopped; without RUN the one of --out, else the latest in runs/." };
    private readonly Option<bool> acceptChangedData = new("--accept-changed-data") { Description = "Resume although training images came or went since the run began." };
    private readonly Option<bool> offline = CommonFlags.Offline();
    private readonly Option<bool> force = new("--force") { Description = "Replace the run that stands in --out." };

    public TrainVerb() : base("train", "Trains a model on a folder of images; without --data on look-alikes that are drawn at run time.")
    {
        Flags("Data", [recipe.Data[0], dataRoot, .. recipe.Data.Skip(1)]);
        Flags("Model", [.. recipe.Model, offline]);
        Flags("Objective: (1 - λ)·cross-entropy + λ·contrastive", recipe.Objective);
        Flags("Batches", recipe.Batches);
        Flags("Length", recipe.Length);
        Flags("Optimiser", recipe.Optimizer);
        Flags("Machine", recipe.Machine);
        Flags("Run", [recipe.File, output, resume, acceptChangedData, force, .. recipe.Saving]);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane train", "fine-tune the embedded model on the embedded data"),
        new("schane train --data photos --budget 10m", "on photos/CLASS/*.jpg, in about ten minutes"),
        new("schane train --data photos --loss ce --out runs/plain", "cross-entropy alone, for comparison"),
        new("schane train --recipe my.yaml --seed 3", "settings from a file, another seed"),
        new("schane train --resume runs/plain", "go on after Ctrl-C"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var root = parsed.GetValue(dataRoot);
        var hub = parsed.Hub(offline);
        var (folder, results) = LongWork.Show(screen, show =>
        {
            var progress = new ShownTraining(show);
            if (parsed.GetResult(resume) is null && recipe.Stages(parsed) is { Count: > 0 } stages)
                return StagedTraining.Run(stages, parsed.GetValue(output), parsed.GetValue(force), root, progress, hub, stop);
            if (parsed.GetResult(resume) is null)
                return TrainJob.Run(recipe.Read(parsed), parsed.GetValue(output), parsed.GetValue(force), root, progress, hub, stop);
            if (recipe.FirstGiven(parsed) is { } flag)
                throw new SchaneException($"--resume goes on with the run's own recipe; leave out {flag}, or start a new run.");
            return TrainJob.Resume(parsed.GetValue(resume) ?? parsed.GetValue(output) ?? RunFolder.Latest("runs").Root, root, progress, parsed.GetValue(acceptChangedData), hub, stop);
        });
        Measures.Show(screen, results.Metrics, $"Measured on {results.Images} images ({results.Part}):");
        screen.Say($"The run is in {folder.Root}; open {folder.Report} to see it.");
        return new(new { run = folder.Root, results });
    }
}
