using System.Text.Json;
using Schane.Checkpoints;
using Schane.Data.Feeding;
using Schane.Distributed;
using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Episodes;
using Schane.Losses;
using Schane.Models;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tests.Data;
using Schane.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Distributed;

/// <summary>Small trainings that any number of ranks must end alike: a transformer with drop path, 20 steps of AdamW, rows that no
/// number of ranks divides.</summary>
internal static partial class SharedCases
{
    private const int Side = 16, Classes = 8;
    private const string Transformer = "vit_tiny_patch16_224:patch=8,width=24,depth=2,heads=3";

    private static readonly Recipe Common = new()
    {
        Model = Transformer,
        Steps = 20,
        Kernel = LossKernel.OpGraph,
        Sampler = SamplerKind.Balanced,
        ClassesPerBatch = 5,
        ImagesPerClass = 5,
        LearningRate = 1e-3,
        ClipNorm = 1,
        EvaluateEvery = 7,
        SaveEvery = 5,
        DropPath = 0.2,
        Seed = 4,
    };

    /// <summary>The cases by name. Labels go round, so that 23 images of a shuffled batch hold positives.</summary>
    public static readonly IReadOnlyDictionary<string, Recipe> All = new Dictionary<string, Recipe>
    {
        ["cross-entropy"] = Common with { Loss = new CrossEntropyAlone() },
        ["SupCon"] = Common with { Loss = new SupConLoss(), Temperature = 0.1 },
        ["SCHaNe with P×K batches"] = Common,
        ["micro-batches"] = Common with { MicroBatch = 4 },
        ["two views"] = Common with { Views = 2, ClassesPerBatch = 4, ImagesPerClass = 3, Loss = new SimClrLoss() },
        ["mixed images"] = Common with { Mixup = 0.8, Cutmix = 1, ClassesPerBatch = 8, ImagesPerClass = 7 },
        ["mixed images, clean pairs and micro-batches"] = Common with
        { Mixup = 0.8, Mixing = MixedPairs.Clean, MicroBatch = 5, ClassesPerBatch = 8, ImagesPerClass = 7 },
        ["a short last batch"] = Common with { Sampler = SamplerKind.Shuffled, Batch = 23 },
        ["averaged weights"] = Common with { Ema = 0.9 },
        ["hard classes"] = Common with { Sampler = SamplerKind.Hard },
        ["SGD"] = Common with { Optimizer = OptimizerKind.Sgd },
        ["accumulated micro-batches"] = Common with { MicroBatch = 10, Accumulate = true },
        ["a last batch of fewer mixed groups than ranks"] = Common with { Sampler = SamplerKind.Shuffled, Batch = 40, Mixup = 0.8 },
        ["a last batch of fewer micro-batches than ranks"] = Common with
        { Sampler = SamplerKind.Shuffled, Batch = 40, MicroBatch = 14, Accumulate = true },
        ["several classes an image"] = Common with
        { Sampler = SamplerKind.Shuffled, Batch = 23, MultiLabel = true, Mixup = 0.4, Focal = 1, MicroBatch = 7 },
        ["batch norm over ranks"] = Common with { Model = "schane_tiny", DropPath = 0, SyncBatchnorm = true },
        ["batch norm over ranks, mixed images and clean pairs"] = Common with
        {
            Steps = 5,
            Model = "schane_tiny",
            DropPath = 0,
            SyncBatchnorm = true,
            Mixup = 0.8,
            Mixing = MixedPairs.Clean,
            ClassesPerBatch = 8,
            ImagesPerClass = 7
        },
        ["early stopping by averaged weights"] = Common with
        {
            Steps = 60,
            LearningRate = 0.02,
            Warmup = 0,
            Ema = 0.5,
            EvaluateEvery = 2,
            Patience = 2,
            BestMetric = "ema_nll",
            FinalWeights = FinalWeights.Best
        },
    };

    /// <summary>Trains; rank 0 writes the weights, their average and the loss of every step to <paramref name="file"/>.</summary>
    /// <param name="name">Which case.</param>
    /// <param name="type">Number type of everything.</param>
    /// <param name="file">Where to write.</param>
    /// <param name="ranks">Who trains.</param>
    /// <param name="run">Run folder that is kept, and gone on from where there is one; null: a new one that is not.</param>
    /// <param name="mishap">Is called before each batch with its step.</param>
    public static void Train(string name, ScalarType type, string file, ICollective ranks, string? run = null,
        Action<long, ImageClassifier>? mishap = null)
    {
        using var folder = new TemporaryFolder();
        var resume = run is not null && ranks.Any(ranks.Rank == 0 && Path.Exists(run));
        RunFolder? kept = null;
        ranks.OnFirst(() => kept = resume ? RunFolder.Open(run!) : RunFolder.Create(run ?? Path.Combine(folder.Path, "run"), false));
        var recipe = All[name] with { };
        recipe = recipe.WithTerm(scratch: false) with { Lambda = recipe.Objective().Lambda };
        var data = new Pictures8(61);
        var sampler = SamplerOf(recipe, data);
        using var hard = recipe.Sampler == SamplerKind.Hard ? new HardClasses((BalancedSampler)sampler, Classes, ranks) : null;
        using var model = Model(recipe, ranks.Rank, type);
        using var batches = new Converted(Loader(recipe, data, sampler, ranks), type, step => mishap?.Invoke(step, model));
        var judge = recipe.Patience is null
            ? null : new ValidationAccuracy(new Pictures8(300), new Noisy(), CPU, new LoaderOptions { Seed = 3 }, ranks);
        using var optimization = new Optimization(recipe, model, preTrained: false, batches.BatchesPerEpoch);
        using var trainer = new Trainer(new TrainingParts(recipe, model, optimization,
            new SharedObjective(new JointObjective(recipe.Objective()), ranks), batches,
            RunFolder.Elsewhere(ranks.BroadcastText(kept?.Root ?? "")), new("a", "1 b", "1 c", "d"), ranks)
        { Evaluator = judge, Hard = hard });
        var losses = new Losses();
        trainer.Run(resume, losses, [new StartEvent()], CancellationToken.None);
        if (ranks.Rank != 0)
            return;
        using var values = tensor(losses.ToArray(), ScalarType.Float64);
        using var seen = tensor(Evaluations(kept!), ScalarType.Float64);
        Safetensors.Write(file, model.StateDict().Append(KeyValuePair.Create("losses", values))
            .Append(KeyValuePair.Create("evaluations", seen)).ToDictionary(t => t.Key, t => t.Value), new Dictionary<string, string>());
    }

    /// <summary>What a model that is not trained makes of images, in batches that the ranks share out, and what follows from
    /// it; rank 0 writes it.</summary>
    public static void Judge(string file, ICollective ranks)
    {
        using var scope = NewDisposeScope();
        using var model = Model(Common, rank: 0, ScalarType.Float32);
        model.eval();
        using var outputs = ModelOutputs.Of(model, new Pictures8(300), new Noisy(), CPU, new LoaderOptions { Seed = 3 }, batch: 32, ranks);
        var classified = Classification.Of(outputs.Logits, outputs.Labels);
        var set = EmbeddingSet.Of(outputs.Embeddings, outputs.Labels);
        var episodes = EpisodeList.Draw(set.Labels, set.Classes, new FewShotOptions { Episodes = 20, Queries = 5 });
        double[] found = [classified.Top1, classified.MeanPerClass, classified.Nll, classified.Calibration.Error,
            FewShot.Run(set, episodes, FewShotClassifier.CosineCentroid).Accuracy.Mean];
        if (ranks.Rank == 0)
            Safetensors.Write(file, new Dictionary<string, Tensor>
            {
                ["embeddings"] = outputs.Embeddings,
                ["logits"] = outputs.Logits,
                ["labels"] = outputs.Labels,
                ["images"] = tensor((long[])[.. outputs.Indices.Select(i => (long)i)]),
                ["metrics"] = tensor(found, ScalarType.Float64),
            }, new Dictionary<string, string>());
    }

    /// <summary>The gradient of a step at equal weights, which rank 0 writes by parameter: the first, or that of the last batch of an epoch
    /// where that is a short one.</summary>
    public static void Gradient(string name, string file, ICollective ranks)
    {
        using var scope = NewDisposeScope();
        var recipe = All[name];
        var data = new Pictures8(61);
        var sampler = SamplerOf(recipe, data);
        if (recipe.Sampler == SamplerKind.Hard)
            sampler = ((BalancedSampler)sampler).By(new(Classes,
                [.. Enumerable.Range(0, Classes * Classes).Select(pair => pair / Classes == pair % Classes ? 0L : pair % 5)]));
        using var loader = Loader(recipe, data, sampler, ranks);
        loader.SeekTo(recipe.Sampler == SamplerKind.Shuffled ? sampler.BatchesPerEpoch - 1 : 0);
        using var model = Model(recipe, rank: 0, ScalarType.Float32);
        model.train();
        using var parameters = new FlatParameters(
            [.. model.NamedParameters().Select(p => ((Tensor)p.Parameter, new ParameterTreatment(1, 0)))]);
        using var statistics = new SharedStatistics(model, ranks, recipe.SyncBatchnorm);
        var step = new TrainingStep(model, new SharedObjective(new JointObjective(recipe.Objective()), ranks), recipe.MicroBatch, CPU,
            recipe.Seed, recipe.Mixer(Classes), recipe.Accumulate);
        using var batch = loader.Next();
        statistics.During(() => step.Run(batch, 0)).Dispose();
        ranks.Sum(parameters.Gradients);
        if (ranks.Rank == 0)
            Safetensors.Write(file, model.NamedParameters().ToDictionary(p => p.Name, p => p.Parameter.grad!),
                new Dictionary<string, string>());
    }

    // Ranks begin with different weights, so that only rank 0's may count.
    private static ImageClassifier Model(Recipe recipe, int rank, ScalarType type)
    {
        var model = new ImageClassifier(ModelRegistry.Create(recipe.Model!, seed: 1 + rank, inputSize: Side,
            dropPath: recipe.DropPath), Classes);
        model.to(type);
        return model;
    }

    private static ISampler SamplerOf(Recipe recipe, Pictures8 data) =>
        recipe.Sampler == SamplerKind.Shuffled ? new ShuffledSampler(data.Count, recipe.Batch!.Value, recipe.Seed)
        : new BalancedSampler([.. Enumerable.Range(0, data.Count).Select(data.LabelOf)], recipe.ClassesPerBatch!.Value,
            recipe.ImagesPerClass, recipe.Seed);

    private static BatchLoader Loader(Recipe recipe, Pictures8 data, ISampler sampler, ICollective ranks) =>
        new(data, sampler, new Noisy(), new LoaderOptions
        {
            Seed = 9,
            Views = recipe.Views,
            Rank = ranks.Rank,
            Ranks = ranks.Size,
            ShareUnit = BatchShape.ShareUnit(recipe, Classes),
            MultiLabel = recipe.MultiLabel == true,
        });

    /// <summary>Every metric of every evaluation, in the journal's order.</summary>
    private static double[] Evaluations(RunFolder run) =>
        [.. File.ReadLines(run.Journal).Select(line => JsonDocument.Parse(line).RootElement)
            .Where(e => e.GetProperty("event").GetString() == "evaluation")
            .SelectMany(e => e.GetProperty("metrics").EnumerateObject()).Select(metric => metric.Value.GetDouble())];
}
