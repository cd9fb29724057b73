using Schane.Checkpoints;
using Schane.Data;
using Schane.Distributed;
using Schane.Losses;
using Schane.Models;
using Schane.Tensors;
using Schane.Tests.Data;
using Schane.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Distributed;

/// <summary>Small trainings that any number of ranks must end alike: a transformer with drop path, 20 steps of AdamW, rows that no number of ranks divides.</summary>
internal static class SharedCases
{
    private const int Side = 16, Classes = 8;

    private static readonly Recipe Common = new()
    {
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
        ["cross-entropy"] = Common with { Loss = LossKind.Ce },
        ["SupCon"] = Common with { Loss = LossKind.SupCon, Temperature = 0.1 },
        ["SCHaNe with P×K batches"] = Common,
        ["micro-batches"] = Common with { MicroBatch = 4 },
        ["two views"] = Common with { Views = 2, ClassesPerBatch = 4, ImagesPerClass = 3, Loss = LossKind.SimClr },
        ["mixed images"] = Common with { Mixup = 0.8, Cutmix = 1, ClassesPerBatch = 8, ImagesPerClass = 7 },
        ["mixed images, clean pairs and micro-batches"] = Common with { Mixup = 0.8, Mixing = MixedPairs.Clean, MicroBatch = 5, ClassesPerBatch = 8, ImagesPerClass = 7 },
        ["a short last batch"] = Common with { Sampler = SamplerKind.Shuffled, Batch = 23 },
        ["averaged weights"] = Common with { Ema = 0.9 },
        ["hard classes"] = Common with { Sampler = SamplerKind.Hard },
        ["SGD"] = Common with { Optimizer = OptimizerKind.Sgd },
    };

    /// <summary>Trains; rank 0 writes the weights, their average and the loss of every step to <paramref name="file"/>.</summary>
    /// <param name="name">Which case.</param>
    /// <param name="type">Number type of everything.</param>
    /// <param name="file">Where to write.</param>
    /// <param name="ranks">Who trains.</param>
    /// <param name="run">Run folder that is kept, and gone on from where there is one; null: a new one that is not.</param>
    /// <param name="mishap">Is called before each batch with its step.</param>
    public static void Train(string name, ScalarType type, string file, ICollective ranks, string? run = null, Action<long, ImageClassifier>? mishap = null)
    {
        using var folder = new TemporaryFolder();
        var resume = run is not null && ranks.Any(ranks.Rank == 0 && Path.Exists(run));
        RunFolder? kept = null;
        ranks.OnFirst(() => kept = resume ? RunFolder.Open(run!) : RunFolder.Create(run ?? Path.Combine(folder.Path, "run"), false));
        var recipe = All[name] with { };
        var options = recipe.Objective();
        recipe = recipe with { Lambda = options.Lambda, Temperature = options.Temperature, Beta = options.Beta };
        var data = new Pictures8();
        int[] labels = [.. Enumerable.Range(0, data.Count).Select(data.LabelOf)];
        ISampler sampler = recipe.Sampler == SamplerKind.Shuffled ? new ShuffledSampler(labels.Length, recipe.Batch!.Value, recipe.Seed)
            : new BalancedSampler(labels, recipe.ClassesPerBatch!.Value, recipe.ImagesPerClass, recipe.Seed);
        using var hard = recipe.Sampler == SamplerKind.Hard ? new HardClasses((BalancedSampler)sampler, Classes, ranks) : null;
        var mixer = recipe.Mixer(Classes);
        using var model = Model(recipe, ranks.Rank, type);
        using var batches = new Converted(new BatchLoader(data, sampler, new Noisy(), new LoaderOptions { Seed = 9, Views = recipe.Views, Rank = ranks.Rank, Ranks = ranks.Size, ShareUnit = mixer?.GroupSize ?? 1 }), type,
            step => mishap?.Invoke(step, model));
        using var trainer = new Trainer(recipe, model, false, batches, null, RunFolder.Elsewhere(ranks.BroadcastText(kept?.Root ?? "")), new("a", "1 b", "1 c", "d"), ranks, hard);
        var losses = new Losses();
        trainer.Run(resume, losses, [], CancellationToken.None);
        if (ranks.Rank != 0)
            return;
        using var values = tensor(losses.ToArray(), ScalarType.Float64);
        Safetensors.Write(file, model.StateDict().Append(KeyValuePair.Create("losses", values)).ToDictionary(t => t.Key, t => t.Value), new Dictionary<string, string>());
    }

    /// <summary>The gradient of the first step at equal weights, which rank 0 writes by parameter.</summary>
    public static void Gradient(string name, string file, ICollective ranks)
    {
        using var scope = NewDisposeScope();
        var recipe = All[name];
        var data = new Pictures8();
        int[] labels = [.. Enumerable.Range(0, data.Count).Select(data.LabelOf)];
        var mixer = recipe.Mixer(Classes);
        var sampler = new BalancedSampler(labels, recipe.ClassesPerBatch!.Value, recipe.ImagesPerClass, recipe.Seed);
        using var loader = new BatchLoader(data, sampler, new Noisy(), new LoaderOptions { Seed = 9, Views = recipe.Views, Rank = ranks.Rank, Ranks = ranks.Size, ShareUnit = mixer?.GroupSize ?? 1 });
        using var model = Model(recipe, rank: 0, ScalarType.Float32);
        model.train();
        using var parameters = new FlatParameters([.. model.NamedParameters().Select(p => ((Tensor)p.Parameter, new ParameterTreatment(1, 0)))]);
        var step = new TrainingStep(model, new SharedObjective(new JointObjective(recipe.Objective()), ranks), recipe.MicroBatch, CPU, recipe.Seed, mixer);
        using var batch = loader.Next();
        step.Run(batch, 0).Dispose();
        ranks.Sum(parameters.Gradients);
        if (ranks.Rank == 0)
            Safetensors.Write(file, model.NamedParameters().ToDictionary(p => p.Name, p => p.Parameter.grad!), new Dictionary<string, string>());
    }

    // Ranks begin with different weights, so that only rank 0's may count.
    private static ImageClassifier Model(Recipe recipe, int rank, ScalarType type)
    {
        var model = new ImageClassifier(ModelRegistry.Create("vit_tiny_patch16_224:patch=8,width=24,depth=2,heads=3", seed: 1 + rank, inputSize: Side, dropPath: recipe.DropPath), Classes);
        model.to(type);
        return model;
    }

    /// <summary>Each image one colour, which the class has a say in.</summary>
    private sealed class Pictures8 : IImageDataset
    {
        public string Name => "eight";

        public IReadOnlyList<string> Classes { get; } = [.. "abcdefgh".Select(c => $"{c}")];

        public int Count => 61;                                           // two batches of 23 and a last one of 15

        public int LabelOf(int index) => index % SharedCases.Classes;

        public string NameOf(int index) => $"{index}";

        public Image8 Read(int index) => new(1, 1, 3, [(byte)(index * 4), (byte)(LabelOf(index) * 30), (byte)(255 - index)]);
    }

    /// <summary>The colour with noise on every pixel.</summary>
    private sealed class Noisy : IImageTransform
    {
        public (int Channels, int Height, int Width) Output => (3, Side, Side);

        public void Apply(Image8 image, ref SampleRandom random, Span<float> destination)
        {
            for (var i = 0; i < destination.Length; i++)
                destination[i] = image.Pixels[i / (Side * Side)] / 128f - 1 + (float)random.NextDouble();
        }
    }

    /// <summary>Batches whose images have another type of numbers.</summary>
    private sealed class Converted(BatchLoader inner, ScalarType type, Action<long> before) : IBatchSource
    {
        public int BatchesPerEpoch => inner.BatchesPerEpoch;

        public TimeSpan Waited => inner.Waited;

        public IReadOnlyList<BadImage> BadImages => inner.BadImages;

        public Batch Next(CancellationToken cancel = default)
        {
            var batch = inner.Next(cancel);
            before(batch.Step);
            return batch with { Images = batch.Images.to(type).DetachFromDisposeScope() };
        }

        public void SeekTo(long step) => inner.SeekTo(step);

        public void Dispose() => inner.Dispose();
    }

    private sealed class Losses : List<double>, IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Loss is { } loss)
                Add(loss);
        }
    }
}
