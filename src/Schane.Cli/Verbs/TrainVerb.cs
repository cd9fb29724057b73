using System.CommandLine;
using System.Globalization;
using Schane.Distributed;
using Schane.Jobs;
using Schane.Runs;

namespace Schane.Cli.Verbs;

/// <summary>Trains a model on a data set, or goes on with a run.</summary>
internal sealed class TrainVerb : Verb
{
    private readonly RecipeFlags recipe = new();
    private readonly Option<string> dataRoot = CommonFlags.DataRoot();
    private readonly Option<string> output = new("--out")
    { HelpName = "RUN", Description = "Run folder to make. Default: runs/DATA-LOSS-N." };
    private readonly Option<string> resume = new("--resume")
    {
        HelpName = "[RUN]", Arity = ArgumentArity.ZeroOrOne,
        Description = "Go on with a run that was stopped, with another --on-bad-image if need be; without RUN the one of --out, " +
            "else the latest in runs/."
    };
    private readonly Option<bool> acceptChangedData = new("--accept-changed-data")
    { Description = "Resume although training images came or went since the run began." };
    private readonly Option<bool> offline = CommonFlags.Offline();
    private readonly Option<bool> scaleBatch = new("--scale-batch")
    {
        Description = "Multiply the batch by the number of processes, where mpirun or srun starts several; the learning rate stays. " +
            "Default: they share the recipe's batch out."
    };
    private readonly Option<string> deadline = new("--rank-deadline")
    {
        HelpName = "10m",
        Description = "How long the other processes wait for one that gives no sign of life before all end: 5s, 10m. Default: 10m."
    };
    private readonly Option<bool> bf16OnTheWire = new("--bf16-on-the-wire")
    { Description = "Let NCCL carry gradients in bfloat16: half the bytes, three digits. Default: float32." };
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
        Flags("Several processes, started by mpirun or srun", [scaleBatch, deadline, bf16OnTheWire]);
        Flags("Run", [recipe.File, output, resume, acceptChangedData, force, .. recipe.Saving]);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane train", "fine-tune the embedded model on the embedded data, with settings that were chosen for them"),
        new("schane train --data photos --budget 10m", "on photos/CLASS/*.jpg, in about ten minutes"),
        new("schane train --data photos --loss ce --out runs/plain", "cross-entropy alone, for comparison"),
        new("schane train --recipe my.yaml --seed 3", "settings from a file, another seed"),
        new("schane train --resume runs/plain", "go on after Ctrl-C"),
        new("mpirun -np 2 schane train --data photos", "the same training by two processes, on one machine or several"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        using var ranks = Ranks.Join(new RankOptions
        { Deadline = DeadlineOf(parsed.GetValue(deadline) ?? "10m"), BFloat16OnTheWire = parsed.GetValue(bf16OnTheWire) });
        return SharedWork.Run(ranks, screen, quiet =>
        {
            var (folder, results) = LongWork.Show(quiet, show =>
            {
                var options = new RunOptions
                {
                    Folder = parsed.GetValue(output),
                    Force = parsed.GetValue(force),
                    DataRoot = parsed.GetValue(dataRoot),
                    Hub = parsed.Hub(offline),
                    Ranks = ranks,
                    BatchTimes = parsed.GetValue(scaleBatch) ? ranks.Size : 1,
                    Progress = new ShownTraining(show),
                    AcceptChangedData = parsed.GetValue(acceptChangedData),
                };
                if (parsed.GetResult(resume) is null && recipe.Stages(parsed) is { Count: > 0 } stages)
                    return StagedTraining.Run(stages, options, stop);
                if (parsed.GetResult(resume) is null)
                    return TrainJob.Run(recipe.ReadOrEmbedded(parsed), options with { Spent = Itself.Age() }, stop);
                if (recipe.FirstFixed(parsed) is { } flag)
                    throw new SchaneException($"--resume goes on with the run's own recipe; leave out {flag}, or start a new run.");
                return TrainJob.Resume(parsed.GetValue(resume) ?? options.Folder ?? RunFolder.Latest("runs").Root,
                    options with { OnBadImage = recipe.OnBadImage(parsed) }, stop);
            });
            Measures.Show(quiet, results.Metrics, results.Folds is { } folds
                ? $"Measured on {results.Images} images by {folds} folds; the model has learnt from all of them:"
                : $"Measured on {results.Images} images ({results.Part}){FewImages.Words(results.Images)}:");
            if (results.ThresholdNote is { } note)
                quiet.Say(note);
            if (results.SkippedSteps is { } skipped)
                quiet.Say($"{skipped} of {results.Steps} steps were left out because the loss or a gradient was not finite; the journal " +
                    "names them.");
            quiet.Answer($"The run is in {folder.Root}; open {folder.Report} to see it.");
            quiet.Say("Next, for example:");
            quiet.Say($"  schane evaluate {folder.Root}{(results.Folds is null ? "" : " --data NEW-IMAGES")}");
            quiet.Say($"  schane predict {folder.Root} IMAGE");
            quiet.Say($"  schane serve {folder.Root}");
            return new(new { run = folder.Root, results });
        });
    }

    private static TimeSpan DeadlineOf(string text)
    {
        var unit = text.Length > 0 ? text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, _ => 0 } : 0;
        return unit > 0 && double.TryParse(text.AsSpan()[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
            out var number) && number * unit is >= 1 and <= 1e6
            ? TimeSpan.FromSeconds(number * unit)
            : throw new SchaneException($"--rank-deadline must be a time of at least 1s, such as 30s or 10m, but is '{text}'.");
    }
}
