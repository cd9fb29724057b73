using Microsoft.Extensions.Logging;
using Schane.Checkpoints.Hub;
using Schane.Data;
using Schane.Data.Dividing;
using Schane.Data.Feeding;
using Schane.Distributed;
using Schane.Jobs.Folds;
using Schane.Planning;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tensors;
using Schane.Training;

namespace Schane.Jobs;

/// <summary>Where and with what a recipe is run: all that may differ from machine to machine while the run stays the same, and parts of
/// one's own.</summary>
public sealed record RunOptions
{
    /// <summary>Run folder to make. Null: <c>runs/DATA-LOSS-N</c> with the next free N.</summary>
    public string? Folder { get; init; }

    /// <summary>Whether an existing run in <see cref="Folder"/> is replaced.</summary>
    public bool Force { get; init; }

    /// <summary>Folder of the named data sets. Null: <c>$SCHANE_DATA</c>, then the user's data folder.</summary>
    public string? DataRoot { get; init; }

    /// <summary>Where downloaded weights are kept and whether the network may be used. Null: the defaults, which come from the
    /// environment.</summary>
    public HubOptions? Hub { get; init; }

    /// <summary>
    /// The processes that train together (<see cref="Distributed.Ranks.Join"/>), each of which runs the same and sees the data and the run
    /// folder under the same name; rank 0 alone writes. A run may go on with another number of them. Null: this process alone.
    /// </summary>
    public ICollective? Ranks { get; init; }

    /// <summary>Makes the recipe's batches this many times as large, for instance once per rank; the learning rate stays. At least 1, the
    /// default.</summary>
    public int BatchTimes { get; init => field = Require.AtLeast(value, 1); } = 1;

    /// <summary>Whose time a budget is.</summary>
    internal TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Time of the budget that is gone before a run begins.</summary>
    internal TimeSpan Spent { get; init; }

    /// <summary>Time of the whole run where its length is left to that; null where the recipe says the steps.</summary>
    internal TimeSpan? Limit { get; init; }

    /// <summary>What proved the machine for this run already, on the same model.</summary>
    internal ProofEvent? Proof { get; init; }

    /// <summary>Whether the images were opened already, and looked through for copies.</summary>
    internal bool Looked { get; init; }

    /// <summary>Time from now on, and what is spent.</summary>
    internal Func<TimeSpan> Clock()
    {
        var began = Time.GetTimestamp();
        return () => Spent + Time.GetElapsedTime(began);
    }

    /// <summary>Told of a download, the plan, each step and each evaluation.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>Told the same sentences as <see cref="Progress"/>: plan, evaluations, warnings.</summary>
    public ILogger? Logger { get; init; }

    /// <summary>Whether a run goes on although training images came or went; the result is then no longer that of an uninterrupted
    /// run.</summary>
    public bool AcceptChangedData { get; init; }

    /// <summary>Images of one's own in place of the recipe's data; a run that goes on must be given them again.</summary>
    public TrainingData? Data { get; init; }

    /// <summary>
    /// Makes the batches from the training images, in place of the recipe's sampler. It is called a few times and must give the same
    /// batches each time; a run that goes on must be given it again.
    /// </summary>
    public Func<IImageDataset, ISampler>? Sampler { get; init; }

    /// <summary>What looks at the model during training, in place of accuracy on the validation part; the recipe's best metric must be one
    /// of its metrics.</summary>
    public IEvaluator? Evaluator { get; init; }

    /// <summary>What a run that goes on does about images that can't be read; null: what its recipe says.</summary>
    internal OnBadImage? OnBadImage { get; init; }

    /// <summary>Other data than the recipe says, and nothing for people.</summary>
    internal RunView? View { get; init; }

    /// <summary>The images of the recipe's data, where they have been listed already.</summary>
    internal IImageDataset? Listed { get; init; }

    /// <summary>What measures the run where no part is kept aside.</summary>
    internal OutOfFold? OutOfFold { get; init; }

    /// <summary>Whether the run makes its page; else this is left to <see cref="ReportJob"/>.</summary>
    internal bool Page { get; init; } = true;

    internal RunLeaves Leaves => View is { } view ? view.Leaves : Page ? RunLeaves.Page : RunLeaves.Data;

    /// <summary>The processes that train together, this one alone where none are named.</summary>
    internal ICollective AllRanks => Ranks ?? alone;

    private static readonly SingleProcess alone = new();

    /// <summary>Whom the first rank tells what happens.</summary>
    internal IProgress<TrainingProgress>? Listener => AllRanks.Rank > 0 ? null : Logger is null ? Progress : new Logged(Progress, Logger);

    /// <summary>Refuses a folder that is taken, before anything is read.</summary>
    internal void RequireFreeFolder()
    {
        if (Folder is { } folder)
            AllRanks.OnFirst(() => RunFolder.RequireFree(folder, Force));
    }

    /// <summary>The data of a recipe, or those given.</summary>
    internal DataSetup Open(Recipe recipe, Splits? splits = null)
    {
        var data = DataSetup.Open(recipe, DataRoot, splits, Data, Listed).WithPseudoLabels(recipe, DataRoot) with
        { OwnSampler = Sampler };
        if (Sampler is not null && (BatchTimes > 1 || recipe.Sampler == SamplerKind.Hard))
            throw new SchaneException("A sampler of the program's own decides the batches, so " +
                $"{(BatchTimes > 1 ? "BatchTimes must be 1" : "the recipe's sampler must not be hard")}.");
        return View?.Of(data) ?? data;
    }

    private sealed class Logged(IProgress<TrainingProgress>? progress, ILogger logger) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            progress?.Report(value);
            if (value.Message is { } message && logger.IsEnabled(LogLevel.Information))
                logger.LogInformation("{Message}", message);
        }
    }
}
