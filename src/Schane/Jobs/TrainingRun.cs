using System.Security.Cryptography;
using System.Text;
using Schane.Data.Feeding;
using Schane.Data.Transforms;
using Schane.Distributed;
using Schane.Evaluation;
using Schane.Inference;
using Schane.Losses;
using Schane.Models;
using Schane.Planning;
using Schane.Recipes;
using Schane.Reporting;
using Schane.Runs;
using Schane.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Jobs;

/// <summary>One run from its resolved recipe to its results: builds the model, the loader and the evaluator, trains, and has what came of
/// it measured and kept.</summary>
internal static class TrainingRun
{
    private const int DiskFull = 28, DiskFullOnWindows = unchecked((int)0x80070070);          // ENOSPC

    /// <summary>Trains, from the first step or from the newest checkpoint.</summary>
    /// <param name="plan">With nothing open.</param>
    /// <param name="run">Where it is kept.</param>
    /// <param name="resume">Whether it goes on.</param>
    /// <param name="options">Where and with what.</param>
    /// <param name="clock">Time since the run was asked for.</param>
    /// <param name="cancellationToken">Saves and stops.</param>
    internal static RunResults Train(TrainingPlan plan, RunFolder run, bool resume, RunOptions options, Func<TimeSpan> clock,
        CancellationToken cancellationToken)
    {
        var (recipe, data, sampler) = (plan.Recipe, plan.Data, plan.Sampler);
        var (ranks, progress) = (options.AllRanks, options.Listener);
        set_num_threads(plan.Threads);
        using var scope = NewDisposeScope();
        using var model = NewModel(plan, out var loaded, options);
        var identity = Identity(model, data, sampler);
        MustAgree(ranks, identity);
        var evaluator = options.Evaluator ?? EvaluatorOf(recipe, data, model, ranks);
        var proof = new Lazy<ProofEvent>(() => options.Proof ?? RunProof.Of(recipe, data.Train, model, ranks, progress));
        if (!resume)
            _ = proof.Value;                                              // before all images pass a trunk that is frozen, or probed

        var embedding = clock();
        using var frozen = options.Evaluator is null && FrozenTrunk.Suits(recipe, model.Classifier)
            ? FrozenTrunk.Open(recipe, data, model, sampler, run, evaluator is not null, ranks, cancellationToken) : null;
        var probe = recipe.NoProbe == false ? ProbeStart.Begin(recipe, data, model, run, ranks, progress, cancellationToken) : null;
        TimeSpan? embedded = frozen is null && probe is null ? null : clock() - embedding;

        Pace? pace = null;
        var finish = new FinishedRun(recipe, data, run, ranks)
        {
            Leaves = options.Leaves,
            Folds = options.OutOfFold,
            Frozen = frozen,
            Left = recipe.ByTime ? () => pace!.Left : options.Limit is { } limit ? () => limit - clock() : null,
        };
        using var batches = frozen?.Batches ?? LoaderOf(plan, model, ranks);
        if (recipe.ByTime)
            pace = new Pace(plan.Budget, recipe.Steps!.Value, (long)RunPlan.MostEpochs * batches.BatchesPerEpoch,
                After(plan, finish, probe is not null, embedded), clock);

        var trained = frozen?.Heads ?? model.Classifier;
        using var optimization = new Optimization(recipe, trained, ranks.Any(plan.Weights.Exist), batches.BatchesPerEpoch);
        using var hard = recipe.Sampler == SamplerKind.Hard
            ? new HardClasses((BalancedSampler)sampler, data.Train.Classes.Count, ranks) : null;
        using var trainer = new Trainer(new TrainingParts(recipe, trained, optimization,
            new SharedObjective(new JointObjective(plan.Objective), ranks), batches, run, identity, ranks)
        {
            Evaluator = frozen is null ? evaluator : frozen.Judge,
            Hard = hard,
            Pace = pace,
        });
        return Leaving(trainer, run, options, () =>
        {
            RunEvent start = RunStart.Of(recipe, data, model, plan.Weights, loaded, sampler, ranks, frozen is not null);
            trainer.Run(resume, progress, probe is null ? [start] : [start, probe.Event], cancellationToken, options.AcceptChangedData,
                () => proof.Value);
            frozen?.GiveBack();
            model.Classifier.eval();
            var probed = probe?.Finish(recipe, data, model, finish.Left, ranks, progress, cancellationToken);
            return finish.Finish(model, new TrainedFor(trainer.StepsDone, trainer.Seconds)
            {
                ImagesPerSecond = trainer.ImagesPerSecond,
                StepsSkipped = trainer.StepsSkipped,
                ArithmeticError = trainer.Proof?.Error,
            }, probed, cancellationToken);
        }, cancellationToken);
    }

    /// <summary>The model with its initial weights, on the recipe's device.</summary>
    private static RunModel NewModel(TrainingPlan plan, out LoadingReport? loaded, RunOptions options)
    {
        var (recipe, ranks, progress) = (plan.Recipe, options.AllRanks, options.Listener);
        var model = new RunModel(plan.NewClassifier(), plan.Data.Train.Classes, recipe.Augmentation!) { Notes = plan.Weights.Metadata() };
        loaded = plan.Weights.Into(model.Classifier, recipe.KeepHead, progress);
        if (model.Classifier.Adapters is { } adapters)
            progress?.Report(TrainingProgress.Note(RunStart.Sentence(adapters, model.Classifier)));
        model.Classifier.to(device(recipe.Device));
        if (ranks.Size > 1 && !recipe.SyncBatchnorm && model.Classifier.Buffers().Any(b => SharedStatistics.IsOne(b.Name)))
            progress?.Report(TrainingProgress.Note(
                $"{recipe.Model} normalises batches: each of the {ranks.Size} ranks normalises its own rows, so the result is not " +
                "exactly that of one process; --sync-batchnorm makes it so."));
        SharedStatistics.Check(model.Classifier, recipe.SyncBatchnorm);
        var epoch = plan.Sampler.Batches(0);
        BatchShape.CheckRanks(recipe, epoch[0].Length, epoch[^1].Length, ranks.Size,
            BatchShape.ShareUnit(recipe, model.Classifier.Classes));
        return model;
    }

    /// <summary>What comes after the last step, by which a budget tells when that is.</summary>
    /// <param name="plan">With nothing open.</param>
    /// <param name="finish">What is left to do then.</param>
    /// <param name="probes">Whether a linear probe is measured beside the model.</param>
    /// <param name="embedded">What it took to pass training and validation images once; null where that was not done.</param>
    private static WorkAfter After(TrainingPlan plan, FinishedRun finish, bool probes, TimeSpan? embedded)
    {
        var validation = plan.Data.Validation?.Count ?? 0;
        return new(finish.Passes(probes), validation, plan.Sampler.Batches(0)[0].Length * plan.Recipe.Views,
            embedded?.TotalSeconds / (plan.Data.Train.Count + validation))
        { Pictures = WorkAfter.OfThumbnails(finish.ThumbnailCount, plan.Budget) };
    }

    /// <summary>Trains, and where that ends before its end leaves the page and a sentence with the way to go on.</summary>
    private static RunResults Leaving(
        Trainer trainer, RunFolder run, RunOptions options, Func<RunResults> train, CancellationToken cancellationToken)
    {
        try
        {
            return train();
        }
        catch (DivergedException) when (options.Leaves == RunLeaves.Page)
        {
            options.AllRanks.OnFirst(() => RunReport.Write(run.Root, run.Report));
            throw;
        }
        catch (IOException e) when (e.HResult is DiskFull or DiskFullOnWindows && run.HasBegun)
        {
            throw new IOException($"{e.Message.TrimEnd('.')}. Make room, then go on from the last checkpoint with " +
                $"`schane train --resume {run.Root}`.", e);
        }
        catch (OperationCanceledException e)
        {
            if (options.Leaves == RunLeaves.Page)
                options.AllRanks.OnFirst(() => RunReport.Write(run.Root, run.Report));
            throw new OperationCanceledException($"Interrupted at step {trainer.StepsDone} of {trainer.StepsExpected}, which is saved; " +
                $"go on with `schane train --resume {run.Root}`.", e, cancellationToken);
        }
    }

    private static BatchLoader LoaderOf(TrainingPlan plan, RunModel model, ICollective ranks)
    {
        var recipe = plan.Recipe;
        return new(plan.Data.Train, plan.Sampler, TransformPreset.Find(recipe.Augmentation!).Training(model.Input), new LoaderOptions
        {
            Seed = recipe.Seed,
            Views = recipe.Views,
            Workers = Math.Max(1, plan.Threads - 1),
            OnBadImage = recipe.OnBadImage,
            MultiLabel = recipe.MultiLabel == true,
            KeepBytes = true,
            PinMemory = device(recipe.Device).type == DeviceType.CUDA,
            Rank = ranks.Rank,
            Ranks = ranks.Size,
            ShareUnit = BatchShape.ShareUnit(recipe, model.Classifier.Classes),
        });
    }

    /// <summary>All ranks must train the same model on the same images.</summary>
    private static void MustAgree(ICollective ranks, RunIdentity identity)
    {
        var all = ranks.GatherTexts(string.Join('\n', identity.Parts.Select(p => $"{p.Name} {p.Value}")));
        for (var rank = 1; rank < all.Count; rank++)
            if (all[rank].Split('\n').Except(all[0].Split('\n')).FirstOrDefault() is { } part)
                throw new SchaneException($"Rank {rank} on {ranks.Hosts[rank]} has other {part.Split(' ')[0]} than rank 0 on " +
                    $"{ranks.Hosts[0]}; give every machine the same data under the same name.");
    }

    private static RunIdentity Identity(RunModel model, DataSetup data, ISampler sampler)
    {
        static string Listed(IEnumerable<string> words, int count) =>
            $"{count} {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', words))))}";
        return new($"{model.Input.Channels}×{model.Input.Size}×{model.Input.Size} {model.Classifier.Backbone.Info.Name}",
            Listed(data.Train.Classes, data.Train.Classes.Count),
            $"{data.Train.Count} {data.Fingerprint()}",
            Listed(sampler.Batches(0).Select(batch => string.Join(',', batch)), sampler.BatchesPerEpoch));
    }

    private static ValidationAccuracy? EvaluatorOf(Recipe recipe, DataSetup data, RunModel model, ICollective ranks) =>
        data.Validation is null || !recipe.TrainsClassifier() ? null
        : new ValidationAccuracy(data.Validation, TransformPreset.Find(recipe.Augmentation!).Evaluation(model.Input),
            device(recipe.Device), new LoaderOptions { OnBadImage = recipe.OnBadImage, MultiLabel = recipe.MultiLabel == true }, ranks);
}
