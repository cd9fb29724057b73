using Schane.Checkpoints.Hub;
using Schane.Data.Feeding;
using Schane.Distributed;
using Schane.Losses;
using Schane.Models;
using Schane.Recipes;
using Schane.Tensors;
using Schane.Training;
using static TorchSharp.torch;

namespace Schane.Planning;

/// <summary>What a run will do: its data, its weights and every choice that they, the budget or the machine decide, made once. Making one
/// changes nothing but the cache of downloads.</summary>
/// <param name="Recipe">Every setting that will be used; none is open.</param>
/// <param name="Data">What is trained on and measured on.</param>
/// <param name="Weights">What training starts from.</param>
/// <param name="Sampler">The batches.</param>
/// <param name="Threads">Threads to compute with.</param>
/// <param name="Notes">What to tell people of the choices, a sentence each.</param>
internal sealed record TrainingPlan(
    Recipe Recipe, DataSetup Data, InitialWeights Weights, ISampler Sampler, int Threads, IReadOnlyList<string> Notes)
{
    /// <summary>Time that the run may take where neither steps nor epochs are known.</summary>
    public TimeSpan Budget => Recipe.Budget!.Value;

    /// <summary>The joint objective of the recipe, with the weights that its training images give the classes.</summary>
    public JointOptions Objective
    {
        get
        {
            var (objective, train) = (Recipe.Objective(), Data.Train);
            var images = new int[train.Classes.Count];
            for (var i = 0; i < train.Count; i++)
                foreach (var label in train.LabelsOf(i))
                    images[label]++;
            return objective with
            { CrossEntropy = objective.CrossEntropy with { ClassWeights = RecipeObjective.ClassWeights(Recipe.ClassWeights, images) } };
        }
    }

    /// <summary>Makes every open choice of a recipe. Weights are fetched where they have to be; a few steps are measured where the
    /// precision or the budget asks for it.</summary>
    /// <param name="recipe">As it was written.</param>
    /// <param name="data">Its data.</param>
    /// <param name="options">Where and for whom.</param>
    /// <param name="stop">Stops a download.</param>
    /// <exception cref="SchaneException">The recipe breaks a rule, or doesn't suit its data or weights.</exception>
    public static TrainingPlan Make(Recipe recipe, DataSetup data, PlanOptions options, CancellationToken stop)
    {
        Devices.Find(recipe.Device);
        data.RequireOthers(recipe);
        recipe = OpenChoices.Started(recipe, data, options, stop);
        if (AdaptersOf(recipe) is { } adapters)
            using (NewDisposeScope())                                     // refused before weights are fetched
                adapters.In(ModelRegistry.Uninitialised(recipe.Model ?? data.Model));
        var plan = Unmeasured(recipe, data, OpenChoices.WeightsOf(recipe, data, options, stop), options);
        return new MeasuredChoices(plan, options.Ranks, options.Clock).Make();
    }

    /// <summary>The plan before its measurements: the precision, and the length that a budget holds, may be open yet.</summary>
    /// <exception cref="SchaneException">The recipe breaks a rule, or doesn't suit its data or weights.</exception>
    public static TrainingPlan Unmeasured(Recipe recipe, DataSetup data, InitialWeights weights, PlanOptions options) =>
        Of(OpenChoices.Settled(OpenChoices.Enlarged(LabelSetChoice.Settled(recipe, data), data, options.BatchTimes), data, weights), data,
            weights, options.Sharers);

    /// <summary>The plan of a recipe that has no open choices, as the folder of a run keeps it.</summary>
    /// <param name="resolved">Every setting.</param>
    /// <param name="data">Its data.</param>
    /// <param name="weights">What it starts from.</param>
    /// <param name="sharers">Ranks on this one's processors, itself counted.</param>
    public static TrainingPlan Of(Recipe resolved, DataSetup data, InitialWeights weights, int sharers) =>
        new(resolved, data, weights, Samplers.For(resolved, data), ComputeThreads.For(resolved.Threads, sharers).Count, []);

    /// <summary>The untrained model at an input size, the recipe's by default.</summary>
    public ImageClassifier NewClassifier(int? inputSize = null) =>
        NewClassifier(Recipe, Data.Train.Classes.Count, inputSize ?? Recipe.InputSize);

    /// <summary>The untrained model of a recipe that names one.</summary>
    /// <param name="recipe">Names the model and what is set of it.</param>
    /// <param name="classes">Width of the classifier.</param>
    /// <param name="inputSize">Side in pixels; null for the model's own.</param>
    internal static ImageClassifier NewClassifier(Recipe recipe, int classes, int? inputSize)
    {
        var backbone = ModelRegistry.Create(recipe.Model!, recipe.Seed, inputSize: inputSize, dropPath: recipe.DropPath);
        if (backbone is AveragedBackbone)
            throw new SchaneException($"{recipe.Model} is a mean of trained nets, which is not trained on; train the nets themselves, " +
                "then make it with `schane average`.");
        backbone.Recomputes = recipe.CheckpointActivations;
        var classifier = new ImageClassifier(backbone, classes,
            new ClassifierOptions { Seed = recipe.Seed, ProjectionWidth = recipe.Projection, HeadInitScale = recipe.HeadInitScale })
        {
            // auto: not decided yet, or a run from before there was a choice
            Precision = recipe.Precision == Precision.Auto ? Precision.Float32 : recipe.Precision,
            OwnProducts = recipe.NoOwnProducts is { } left ? !left : null,
        };
        if (AdaptersOf(recipe) is { } adapters)
            classifier.Adapt(adapters);
        return classifier;
    }

    /// <summary>The adapters that a recipe asks for; null for none.</summary>
    /// <exception cref="SchaneException">It says how they are made and asks for none.</exception>
    internal static Adapters? AdaptersOf(Recipe recipe) =>
        recipe.Lora is { } rank ? new(rank, recipe.LoraAlpha ?? rank, recipe.LoraLayers ?? Adapters.Usual)
        : recipe is { LoraAlpha: null, LoraLayers: null } ? null
        : throw new SchaneException($"{(recipe.LoraAlpha is null ? "lora-layers" : "lora-alpha")} says how adapters are made, and " +
            "without lora there are none; set --lora RANK too, or leave it out.");
}

/// <summary>Where and for whom a plan is made.</summary>
internal sealed record PlanOptions
{
    /// <summary>Where weights come from; null for the defaults.</summary>
    public HubOptions? Hub { get; init; }

    /// <summary>Told what training starts from, and of downloads.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>The processes that share the batches.</summary>
    public ICollective Ranks { get; init; } = new SingleProcess();

    /// <summary>Of these, those on this one's processors, itself counted.</summary>
    public int Sharers { get; init; } = 1;

    /// <summary>How many times as large the batches are made.</summary>
    public int BatchTimes { get; init; } = 1;

    /// <summary>Time of the budget that is gone.</summary>
    public Func<TimeSpan> Clock { get; init; } = () => TimeSpan.Zero;
}
