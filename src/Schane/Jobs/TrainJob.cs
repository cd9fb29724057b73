using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Schane.Checkpoints;
using Schane.Data;
using Schane.Data.Transforms;
using Schane.Distributed;
using Schane.Evaluation;
using Schane.Inference;
using Schane.Losses;
using Schane.Losses.Tiled;
using Schane.Models;
using Schane.Reporting;
using Schane.Tensors;
using Schane.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Jobs;

/// <summary>Trains on a data set from start to report: what <c>schane train</c> does.</summary>
public static class TrainJob
{
    /// <summary>Trains a new run.</summary>
    /// <param name="recipe">What to do; unset values take the defaults of the data, the model and the loss.</param>
    /// <param name="folder">Run folder to make; null: <c>runs/DATA-LOSS-N</c> with the next free N.</param>
    /// <param name="force">Replaces an existing run in <paramref name="folder"/>.</param>
    /// <param name="dataRoot">Folder of the named data sets; null: <c>$SCHANE_DATA</c>, then the user's data folder.</param>
    /// <param name="progress">Told of a download, the plan, each step and each evaluation.</param>
    /// <param name="hub">Where downloaded weights are kept and whether the network may be used; null for the defaults, which come from the environment.</param>
    /// <param name="ranks">The processes that train together (<see cref="Ranks.Join"/>), each of which calls this and sees the data under the same name; rank 0 alone writes. Null: this one alone.</param>
    /// <param name="batchTimes">Makes the recipe's batches this many times as large, for instance once per rank; the learning rate stays. 1 by default.</param>
    /// <param name="stop">Saves a checkpoint and stops within a step.</param>
    /// <exception cref="SchaneException">The data, the recipe or the folder breaks a rule.</exception>
    /// <exception cref="RankLostException">A rank gives no sign of life, or holds other weights.</exception>
    /// <exception cref="OperationCanceledException">Stopped; <see cref="Resume"/> goes on.</exception>
    /// <exception cref="DivergedException">The loss or a gradient is not finite.</exception>
    public static (RunFolder Folder, RunResults Results) Run(
        Recipe recipe, string? folder = null, bool force = false, string? dataRoot = null, IProgress<TrainingProgress>? progress = null, HubOptions? hub = null,
        ICollective? ranks = null, int batchTimes = 1, CancellationToken stop = default) => Make(recipe, folder, force, dataRoot, progress, hub, view: null, stop, ranks, batchTimes);

    /// <summary>As <see cref="Run"/>, where <paramref name="view"/> is given on other data than the recipe says and without what is for people.</summary>
    internal static (RunFolder Folder, RunResults Results) Make(
        Recipe recipe, string? folder, bool force, string? dataRoot, IProgress<TrainingProgress>? progress, HubOptions? hub, RunView? view, CancellationToken stop, ICollective? ranks = null, int batchTimes = 1)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ranks ??= new SingleProcess();
        RunFolder? made = null;
        IDisposable? held = null;
        try
        {
            var (run, results) = Begin(recipe, resolved =>
            {
                made = RunFolder.Create(folder ?? NextFree(resolved), force);
                held = made.Lock();
                return made;
            }, dataRoot, progress, hub, stop, view, ranks, batchTimes);
            return (run, results);
        }
        finally
        {
            held?.Dispose();
        }
    }

    /// <summary>Trains in a folder that rank 0 makes and holds once the recipe has been found right.</summary>
    internal static (RunFolder Folder, RunResults Results) Begin(
        Recipe recipe, Func<Recipe, RunFolder> make, string? dataRoot, IProgress<TrainingProgress>? progress, HubOptions? hub, CancellationToken stop, RunView? view = null, ICollective? ranks = null, int batchTimes = 1)
    {
        ranks ??= new SingleProcess();
        progress = ranks.Rank == 0 ? progress : null;
        Devices.Find(recipe.Device);
        var data = DataSetup.Open(recipe, dataRoot);
        data = view?.Of(data) ?? data;
        PrecisionChoice.Check(recipe.Precision, device(recipe.Device));
        var weights = InitialWeights.Nothing;
        var root = "";
        ranks.Barrier();                                                                       // all have read their lists, which may lie in the run that is replaced
        ranks.OnFirst(() =>
        {
            data = view is null ? data.WarnOfCopies(stop) : data;
            weights = WeightsOf(recipe, data, hub, progress, stop);
            recipe = Resolve(Enlarged(recipe, data, batchTimes), data, weights, progress, ranks);
            // Read first, for the same reason.
            var (excluded, relabelled) = (recipe.Exclude is { } e ? File.ReadAllText(e) : null, recipe.Relabel is { } r ? File.ReadAllText(r) : null);
            var made = make(recipe);
            weights.Save(made.Weights);
            AtomicFile.WriteText(made.Recipe, RecipeFile.Write(recipe with { Data = Shareable(recipe.Data), Exclude = recipe.Exclude is { } left ? Shareable(left) : null, Relabel = recipe.Relabel is { } renamed ? Shareable(renamed) : null }));
            foreach (var (text, copy) in ((string?, string)[])[(excluded, made.Exclude), (relabelled, made.Relabel)])
                if (text is not null)
                    AtomicFile.WriteText(copy, text);
            AtomicFile.WriteText(made.Source, JsonSerializer.Serialize(new[] { Located(recipe.Data), weights.Location }));
            data.Splits?.Save(made.Splits);
            root = made.Root;
        });
        recipe = RecipeFile.Parse(ranks.BroadcastText(RecipeFile.Write(recipe)), "the recipe of rank 0");
        var run = RunFolder.Elsewhere(ranks.BroadcastText(root));
        return (run, Train(recipe, data, weights, run, resume: false, view is not null, progress, ranks, acceptChangedData: false, stop));
    }

    /// <summary>Goes on with a run that was stopped or killed, from its newest whole checkpoint, to the weights it would have had.</summary>
    /// <param name="folder">Run folder.</param>
    /// <param name="dataRoot">Folder of the named data sets.</param>
    /// <param name="progress">Told of each step and each evaluation.</param>
    /// <param name="acceptChangedData">Goes on although training images came or went; the result is then no longer that of an uninterrupted run.</param>
    /// <param name="hub">As for <see cref="Run"/>.</param>
    /// <param name="ranks">As for <see cref="Run"/>; any number of them. Each must see the run folder.</param>
    /// <param name="stop">Saves a checkpoint and stops within a step.</param>
    /// <exception cref="SchaneException">No such run, or its checkpoint is of another model, of other classes, data or batches.</exception>
    /// <exception cref="RankLostException">A rank gives no sign of life, or holds other weights.</exception>
    /// <exception cref="OperationCanceledException">Stopped again.</exception>
    /// <exception cref="DivergedException">The loss or a gradient is not finite.</exception>
    public static (RunFolder Folder, RunResults Results) Resume(
        string folder, string? dataRoot = null, IProgress<TrainingProgress>? progress = null, bool acceptChangedData = false, HubOptions? hub = null,
        ICollective? ranks = null, CancellationToken stop = default)
    {
        ranks ??= new SingleProcess();
        var run = RunFolder.Open(ranks.BroadcastText(folder));
        using var _ = ranks.Rank == 0 ? run.Lock() : null;
        if (!File.Exists(run.Stages))
            return (run, GoOn(run, dataRoot, progress, acceptChangedData, hub, stop, view: null, ranks));
        return ranks.Size == 1 ? (run, StagedTraining.GoOn(run, dataRoot, progress, acceptChangedData, hub, stop))
            : throw new SchaneException($"Run '{run.Root}' is trained in stages, which is the work of one process, but {ranks.Size} were started; resume without mpirun.");
    }

    /// <summary><see cref="Resume"/> in a folder that is held already.</summary>
    internal static RunResults GoOn(RunFolder run, string? dataRoot, IProgress<TrainingProgress>? progress, bool acceptChangedData, HubOptions? hub, CancellationToken stop, RunView? view = null, ICollective? ranks = null)
    {
        ranks ??= new SingleProcess();
        progress = ranks.Rank == 0 ? progress : null;
        var recipe = RecipeOf(run);
        Devices.Find(recipe.Device);
        var splits = SplitsOf(run);
        var data = DataSetup.Open(recipe, dataRoot, acceptChangedData && splits is not null ? splits with { AllowsMissing = true } : splits);
        if (data.Unlisted > 0 && !acceptChangedData)
            throw new SchaneException($"The data has changed since the run began: {data.Unlisted} images are new. Go on without them with --accept-changed-data, or start a new run.");
        data = view?.Of(data) ?? data;
        var weights = InitialWeights.Nothing;
        ranks.OnFirst(() =>
        {
            weights = InitialWeights.Find(recipe.Weights, recipe.Model!, hub, progress, stop);
            weights.MustBe(InitialWeights.Saved(run.Weights));
        });
        return Train(recipe, data, weights, run, resume: true, view is not null, progress, ranks, acceptChangedData, stop);
    }

    /// <summary>What <see cref="Run"/> would make of a recipe: every choice that is left to the data, the model, the budget or the machine, made.</summary>
    internal static Recipe Resolved(Recipe recipe, string? dataRoot, HubOptions? hub)
    {
        Devices.Find(recipe.Device);
        var data = DataSetup.Open(recipe, dataRoot);
        return Resolve(recipe, data, WeightsOf(recipe, data, hub, progress: null, CancellationToken.None), progress: null, new SingleProcess());
    }

    /// <summary>The resolved recipe of a run, with the data where they lay when it was made.</summary>
    internal static Recipe RecipeOf(RunFolder run)
    {
        var recipe = RecipeFile.Load(run.Recipe);
        // The lists as they were when the run was made, which it keeps.
        recipe = recipe with { Exclude = File.Exists(run.Exclude) ? run.Exclude : null, Relabel = File.Exists(run.Relabel) ? run.Relabel : null };
        return File.Exists(run.Source) && JsonSerializer.Deserialize<string[]>(File.ReadAllText(run.Source)) is [var data, var weights] ? recipe with { Data = data, Weights = weights } : recipe;
    }

    /// <summary>The first setting that <paramref name="wanted"/> sets and a run's resolved recipe has otherwise; null if there is none.</summary>
    internal static string? Differs(Recipe resolved, Recipe wanted)
    {
        foreach (var property in typeof(Recipe).GetProperties())
            if (property.GetValue(wanted) is { } value && !(property.Name == nameof(Recipe.Weights) && InitialWeights.Meets(resolved.Weights!, (string)value, resolved.Model)) && !value.Equals(property.GetValue(resolved)) && !(value is string path && Shareable(path).Equals(property.GetValue(resolved))) && value is not (LossKernel.Auto or Precision.Auto))
                return $"{property.Name} is {property.GetValue(resolved) ?? "unset"}, wanted {(property.Name == nameof(Recipe.Weights) ? InitialWeights.Shown((string)value) : value)}";
        return null;
    }

    /// <summary>The saved division of a run's images; null for data that come divided.</summary>
    internal static Splits? SplitsOf(RunFolder run) => File.Exists(run.Splits) ? Splits.Load(run.Splits) : null;

    private static RunResults Train(Recipe recipe, DataSetup data, InitialWeights weights, RunFolder run, bool resume, bool brief, IProgress<TrainingProgress>? progress, ICollective ranks, bool acceptChangedData, CancellationToken stop)
    {
        var threads = recipe.Threads ?? Threads(ranks);
        set_num_threads(threads);
        using var scope = NewDisposeScope();
        using var model = new RunModel(NewClassifier(recipe, data, recipe.InputSize!.Value), data.Train.Classes, recipe.Augmentation!) { Notes = weights.Metadata() };
        var loaded = weights.Into(model.Classifier, recipe.KeepHead, progress);
        model.Classifier.to(device(recipe.Device));
        if (ranks.Size > 1 && model.Classifier.Buffers().Any(b => SharedStatistics.IsOne(b.Name)))
            progress?.Report(new TrainingProgress("plan", 0, recipe.Steps!.Value, 0, null, 0, null,
                $"{recipe.Model} normalises batches: each of the {ranks.Size} ranks normalises its own rows, so the result is not exactly that of one process."));
        var sampler = SamplerOf(recipe, data.Train);
        if (ranks.Size > 1 && recipe.Accumulate)
            throw new SchaneException($"accumulate gives each micro-batch a loss of its own, and with {ranks.Size} ranks micro-batches are others than with one; leave out --accumulate, so that every anchor sees the whole batch.");
        var identity = Identity(model, data, sampler);
        MustAgree(ranks, identity);
        var judge = JudgeOf(recipe, data, model, ranks);
        using var frozen = ranks.Size == 1 && FrozenTrunk.Suits(recipe, model.Classifier) ? FrozenTrunk.Open(recipe, data, model, sampler, run, judge is not null, stop) : null;
        using var batches = frozen?.Batches ?? LoaderOf(recipe, data, model, sampler, threads, ranks);
        using var hard = recipe.Sampler == SamplerKind.Hard ? new HardClasses((BalancedSampler)sampler, data.Train.Classes.Count, ranks) : null;
        using var trainer = new Trainer(recipe, frozen?.Heads ?? model.Classifier, ranks.Any(weights.Exist), batches, frozen is null ? judge : frozen.Judge, run, identity, ranks, hard);
        try
        {
            trainer.Run(resume, progress, Start(recipe, data, model, weights, loaded, sampler, ranks), stop, acceptChangedData);
            frozen?.GiveBack();
            model.Classifier.eval();
            RunResults? results = null;
            ranks.OnFirst(() => results = Finish(recipe, data, model, trainer, run, brief, stop));
            return RunResults.Parse(ranks.BroadcastText(results?.Text ?? ""));
        }
        catch (DivergedException) when (!brief)
        {
            ranks.OnFirst(() => RunReport.Write(run.Root, run.Report));
            throw;
        }
        catch (OperationCanceledException e)
        {
            if (!brief)
                ranks.OnFirst(() => RunReport.Write(run.Root, run.Report));
            throw new OperationCanceledException($"Interrupted at step {trainer.StepsDone} of {recipe.Steps}, which is saved; go on with `schane train --resume {run.Root}`.", e, stop);
        }
    }

    private static BatchLoader LoaderOf(Recipe recipe, DataSetup data, RunModel model, ISampler sampler, int threads, ICollective ranks) => new(data.Train, sampler, TransformPreset.Find(recipe.Augmentation!).Training(model.Input), new LoaderOptions
    {
        Seed = recipe.Seed,
        Views = recipe.Views,
        Workers = Math.Max(1, threads - 1),
        OnBadImage = recipe.OnBadImage,
        KeepBytes = true,
        PinMemory = device(recipe.Device).type == DeviceType.CUDA,
        Rank = ranks.Rank,
        Ranks = ranks.Size,
        ShareUnit = recipe.Mixer(model.Classifier.Classes)?.GroupSize ?? 1,
    });

    /// <summary>Keeps pictures of some training images, which servers show beside an answer; then of those that the report asks for.</summary>
    private static Action<string, IEnumerable<string>> Pictures(DataSetup data, EmbeddedImages embedded, RunFolder run, CancellationToken stop)
    {
        var thumbnails = new Thumbnails(run.Thumbnails);
        if (embedded.Part("train") is { } train)
            Keep("train", EvenShare.Rows(train.Embeddings.Labels, Thumbnails.MostOfPart).Select(row => train.Images[row]));
        return Keep;

        void Keep(string part, IEnumerable<string> images) => thumbnails.Keep(part, part switch { "test" => data.Test!, "val" => data.Validation!, _ => data.Train }, images, stop);
    }

    /// <summary>Threads for this rank: the cores it may use, divided by the ranks that may use the same.</summary>
    private static int Threads(ICollective ranks)
    {
        const string status = "/proc/self/status";
        var cores = File.Exists(status) ? File.ReadLines(status).FirstOrDefault(line => line.StartsWith("Cpus_allowed_list", StringComparison.Ordinal)) : null;
        var own = $"{ranks.Hosts[ranks.Rank]} {cores}";
        return Math.Max(1, Environment.ProcessorCount / ranks.GatherTexts(own).Count(other => other == own));
    }

    /// <summary>All ranks must train the same model on the same images.</summary>
    private static void MustAgree(ICollective ranks, RunIdentity identity)
    {
        var all = ranks.GatherTexts(string.Join('\n', identity.Parts.Select(p => $"{p.Name} {p.Value}")));
        for (var rank = 1; rank < all.Count; rank++)
            if (all[rank].Split('\n').Except(all[0].Split('\n')).FirstOrDefault() is { } part)
                throw new SchaneException($"Rank {rank} on {ranks.Hosts[rank]} has other {part.Split(' ')[0]} than rank 0 on {ranks.Hosts[0]}; give every machine the same data under the same name.");
    }

    /// <summary>A recipe whose batches are some times as large: more classes in a balanced batch, more images of each where there are no more classes.</summary>
    internal static Recipe Enlarged(Recipe recipe, DataSetup data, int times)
    {
        if (Require.AtLeast(times, 1) == 1)
            return recipe;
        var few = Math.Min(recipe.ClassesPerBatch ?? 16, data.Train.Classes.Count);
        var classes = Math.Min(few * times, data.Train.Classes.Count);
        var rows = few * recipe.ImagesPerClass * times;
        return recipe with { ClassesPerBatch = classes, ImagesPerClass = (rows + classes - 1) / classes, Batch = recipe.Batch * times };
    }

    private static RunResults Finish(Recipe recipe, DataSetup data, RunModel model, Trainer trainer, RunFolder run, bool brief, CancellationToken stop)
    {
        var (confidence, validation) = Validation(recipe, data, model, stop);
        (model with { Confidence = confidence }).Save(run.Model);
        var measured = EvaluateJob.Measure(recipe, data, model, trainer.StepsDone, trainer.Seconds, stop);
        var results = measured.Results with { ImagesPerSecond = trainer.ImagesPerSecond };
        if (brief)
        {
            results.Save(run.Results);
            return results;
        }
        PredictedItem.Save(run.Predictions, measured.Items);
        var embedded = SaveEmbeddings(recipe, data, model, measured, validation, run, stop);
        results.Save(run.Results);
        RunReport.Write(run.Root, run.Report, recipe.NoThumbnails == true ? null : Pictures(data, embedded, run, stop));
        return results;
    }

    private static EmbeddedImages SaveEmbeddings(Recipe recipe, DataSetup data, RunModel model, Measured measured, EmbeddedImages? validation, RunFolder run, CancellationToken stop)
    {
        var train = measured.Results.Part == "train" ? null : EvaluateJob.Embed(model, data.Train, "train", recipe, stop);
        var all = EmbeddedImages.Join([.. ((EmbeddedImages?[])[train, measured.Results.Part == "val" ? null : validation, measured.Embedded]).OfType<EmbeddedImages>()]);
        all.Save(run.Embeddings);
        return all;
    }

    /// <summary>What the validation images say of the model's confidence, and where they lie.</summary>
    private static (CalibratedConfidence?, EmbeddedImages?) Validation(Recipe recipe, DataSetup data, RunModel model, CancellationToken stop)
    {
        if (data.Validation is null)
            return (null, null);
        using var outputs = ModelOutputs.Of(model.Classifier, data.Validation, TransformPreset.Find(model.Augmentation).Evaluation(model.Input), device(recipe.Device),
            new LoaderOptions { OnBadImage = recipe.OnBadImage }, cancel: stop);
        return (CalibratedConfidence.Fit(outputs.Logits, outputs.Labels), EmbeddedImages.Of(outputs, data.Validation, "val"));
    }

    private static RunIdentity Identity(RunModel model, DataSetup data, ISampler sampler)
    {
        static string Listed(IEnumerable<string> words, int count) => $"{count} {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', words))))}";
        return new($"{model.Input.Channels}×{model.Input.Size}×{model.Input.Size} {model.Classifier.Backbone.Info.Name}", Listed(data.Train.Classes, data.Train.Classes.Count),
            $"{data.Train.Count} {data.Fingerprint()}", Listed(sampler.Batches(0).Select(batch => string.Join(',', batch)), sampler.BatchesPerEpoch));
    }

    private static ValidationAccuracy? JudgeOf(Recipe recipe, DataSetup data, RunModel model, ICollective ranks) => data.Validation is null || recipe is { Lambda: 1, LambdaFinal: null or 1 } ? null
        : new ValidationAccuracy(data.Validation, TransformPreset.Find(recipe.Augmentation!).Evaluation(model.Input), device(recipe.Device), new LoaderOptions { OnBadImage = recipe.OnBadImage }, ranks);

    private static (string, object?)[] Start(Recipe recipe, DataSetup data, RunModel model, InitialWeights weights, LoadingReport? loaded, ISampler sampler, ICollective ranks)
    {
        var objective = recipe.Objective();
        return
        [
            ("time", TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'")), ("schane", RunFolder.Version), ("data", Shareable(recipe.Data)), ("model", recipe.Model),
            ("weights", weights.Reference), ("weights_revision", weights.Revision), ("weights_files", weights.Files.Select(f => new { name = f.Name, bytes = f.Bytes, sha256 = f.Sha256 })),
            ("loading", loaded is null ? null : new { used = loaded.Used.Count, resized = loaded.Resized, reinitialised = loaded.Reinitialised, ignored = loaded.Ignored }), ("loss", recipe.Loss.ToString().ToLowerInvariant()), ("lambda", objective.Lambda), ("temperature", objective.Temperature),
            ("beta", objective.Beta), ("seed", recipe.Seed), ("parameters", model.Classifier.NamedParameters().Sum(p => p.Parameter.numel())),
            ("classes", data.Train.Classes.Count), ("train_images", data.Train.Count), ("val_images", data.Validation?.Count ?? 0), ("test_images", data.Test?.Count ?? 0),
            ("steps", recipe.Steps), ("steps_per_epoch", sampler.BatchesPerEpoch), ("epochs", (double)recipe.Steps!.Value / sampler.BatchesPerEpoch),
            ("batch", sampler.Batches(0)[0].Length), ("views", recipe.Views), .. Passes(recipe, model, sampler.Batches(0)[0].Length * recipe.Views, ranks.Size), ("device", recipe.Device), ("threads", get_num_threads()), ("ranks", ranks.Size), ("engine", ranks.Engine),
            ("mixing", recipe.Mixup == 0 && recipe.Cutmix == 0 ? "none" : objective.Mixed == MixedPairs.Clean && objective.Contrasts ? "clean: the unmixed images pass too, about twice the compute" : objective.Mixed.ToString().ToLowerInvariant()),
            ("precision", recipe.Precision.ToString().ToLowerInvariant()), ("kernel", recipe.Kernel.ToString().ToLowerInvariant()),
        ];
    }

    /// <summary>How a batch goes through the model: what the contrastive term and what batch statistics see of it.</summary>
    private static IEnumerable<(string, object?)> Passes(Recipe recipe, RunModel model, int rows, int ranks)
    {
        var pass = Math.Min(recipe.MicroBatch ?? rows, (rows + ranks - 1) / ranks);
        yield return ("micro_batch", pass);
        yield return ("negatives", recipe.Accumulate && pass < rows ? $"of a micro-batch of {pass}: accumulation adds none" : $"of the whole batch of {rows}");
        if (FrozenTrunk.Suits(recipe, model.Classifier))
            yield return ("trunk", "frozen: each image passed it once, and its embedding was kept");
        else if (model.Classifier.Backbone.HasBatchStatistics)
            yield return ("batch_statistics", $"of {pass} images (the ghost batch); running statistics move in one pass a step");
    }

    /// <summary>Fills in what the recipe leaves open, measuring the rate where the budget decides, and tells the plan.</summary>
    internal static Recipe Resolve(Recipe recipe, DataSetup data, InitialWeights weights, IProgress<TrainingProgress>? progress, ICollective ranks)
    {
        var objective = recipe.Objective();
        recipe = recipe with
        {
            Model = recipe.Model ?? data.Model,
            Weights = weights.Reference,
            Augmentation = recipe.Augmentation ?? data.Augmentation,
            Lambda = objective.Lambda,
            Temperature = objective.Temperature,
            Beta = objective.Beta,
            ClassesPerBatch = BatchShape.ClassesPerBatch(recipe, data.Train.Classes.Count),
            Epochs = recipe.Steps is null ? recipe.Epochs ?? data.Epochs : recipe.Epochs,
        };
        TransformPreset.Find(recipe.Augmentation!);
        var info = ModelRegistry.InfoOf(recipe.Model!);
        if (recipe.Kernel == LossKernel.Auto)
        {
            using var like = zeros(1, 1, device: device(recipe.Device));
            recipe = recipe with { Kernel = TiledPairs.Takes(like) ? LossKernel.Tiled : LossKernel.OpGraph };
        }
        var sampler = SamplerOf(recipe, data.Train);
        BatchShape.Check(recipe, sampler.Batches(0)[0].Length);
        set_num_threads(recipe.Threads ?? Math.Max(1, Environment.ProcessorCount / ranks.Beside()));
        if (recipe.Precision == Precision.Auto)
        {
            var (precision, why) = PrecisionFor(recipe, data, info, sampler, ranks);
            recipe = recipe with { Precision = precision };
            progress?.Report(new TrainingProgress("plan", 0, recipe.Steps ?? 0, 0, null, 0, null, $"Precision {precision.ToString().ToLowerInvariant()}: {why}."));
        }

        string how;
        if (recipe.Steps is null && recipe.Epochs is null)
        {
            int[] sizes = recipe.InputSize is { } fixedSize ? [fixedSize] : info.InputSize == 64 ? [64, 96, 128] : [info.InputSize];
            var rows = sampler.Batches(0)[0].Length * recipe.Views;                                // of all ranks, which share them out
            var plan = RunPlan.Fit(recipe.Budget, sampler.BatchesPerEpoch, sizes,
                size => RunPlan.Measure(side => NewClassifier(recipe, data, side), size, Math.Max(1, rows / ranks.Size), objective, device(recipe.Device)));
            recipe = recipe with { InputSize = plan.InputSize, Steps = plan.Steps };
            how = $"about {Spoken(plan.Estimate)} at a measured {rows / plan.SecondsPerStep:F0} images/s";
        }
        else
        {
            recipe = recipe with { InputSize = recipe.InputSize ?? info.InputSize, Steps = recipe.Steps ?? recipe.Epochs * sampler.BatchesPerEpoch };
            how = "as the recipe says";
        }
        progress?.Report(new TrainingProgress("plan", 0, recipe.Steps!.Value, 0, null, 0, null,
            $"{recipe.Model} at {recipe.InputSize} px, {data.Train.Classes.Count} classes, {data.Train.Count} training images; " +
            $"{recipe.Steps} steps ({(double)recipe.Steps!.Value / sampler.BatchesPerEpoch:0.#} epochs), {how}."));
        foreach (var warning in data.Warnings)
            progress?.Report(new TrainingProgress("plan", 0, recipe.Steps!.Value, 0, null, 0, null, warning));
        if (recipe.Weights == InitialWeights.None && info.Weights is { } published)
            progress?.Report(new TrainingProgress("plan", 0, recipe.Steps!.Value, 0, null, 0, null,
                $"Training starts from random weights; --weights {InitialWeights.Published} takes {published} (licence {info.WeightsLicense})."));
        if (sampler is BalancedSampler { ClassesWithOneImage: > 0 } balanced)
            progress?.Report(new TrainingProgress("plan", 0, recipe.Steps!.Value, 0, null, 0, null,
                $"{balanced.ClassesWithOneImage} {(balanced.ClassesWithOneImage == 1 ? "class has" : "classes have")} one image: other augmentations of it are its only positives."));
        return recipe;
    }

    private static (Precision, string) PrecisionFor(Recipe recipe, DataSetup data, BackboneInfo info, ISampler sampler, ICollective ranks)
    {
        var rows = Math.Max(1, sampler.Batches(0)[0].Length * recipe.Views / ranks.Size);
        var length = (recipe.Steps ?? recipe.Epochs * sampler.BatchesPerEpoch) is { } steps ? steps * rows : (double?)null;
        return PrecisionChoice.Decide(() => NewClassifier(recipe, data, recipe.InputSize ?? info.InputSize), Math.Min(recipe.MicroBatch ?? rows, rows), length, recipe.Budget, device(recipe.Device), Machine.Examine().Features);
    }

    internal static ImageClassifier NewClassifier(Recipe recipe, DataSetup data, int inputSize)
    {
        var backbone = ModelRegistry.Create(recipe.Model!, recipe.Seed, inputSize: inputSize, dropPath: recipe.DropPath);
        backbone.Recomputes = recipe.CheckpointActivations;
        return new(backbone, data.Train.Classes.Count, new ClassifierOptions { Seed = recipe.Seed, ProjectionWidth = recipe.Projection, HeadInitScale = recipe.HeadInitScale })
        {
            Precision = recipe.Precision == Precision.Auto ? Precision.Float32 : recipe.Precision,                     // auto: a run from before there was a choice
        };
    }

    /// <summary>The weights a new run starts from; the embedded ones are of look-alikes, so these are not trained from them.</summary>
    internal static InitialWeights WeightsOf(Recipe recipe, DataSetup data, HubOptions? hub, IProgress<TrainingProgress>? progress, CancellationToken stop) =>
        InitialWeights.Find(recipe.Weights ?? (recipe.Data == "lookalikes:base" ? InitialWeights.None : null), recipe.Model ?? data.Model, hub, progress, stop);

    internal static ISampler SamplerOf(Recipe recipe, IImageDataset train)
    {
        int[] labels = [.. Enumerable.Range(0, train.Count).Select(train.LabelOf)];
        var size = recipe.Batch ?? recipe.ClassesPerBatch!.Value * recipe.ImagesPerClass;
        if (recipe.Sampler == SamplerKind.Hard && (recipe.Lambda == 1 || recipe.Mixup > 0 || recipe.Cutmix > 0))
            throw new SchaneException($"sampler hard goes by what the classifier confuses, but {(recipe.Lambda == 1 ? "lambda 1 trains no classifier" : "mixed images are of no one class")}; set {(recipe.Lambda == 1 ? "lambda below 1" : "mixup and cutmix to 0")} or sampler to balanced.");
        return recipe.Sampler switch
        {
            SamplerKind.Balanced or SamplerKind.Hard => new BalancedSampler(labels, recipe.ClassesPerBatch!.Value, recipe.ImagesPerClass, recipe.Seed),
            SamplerKind.Shuffled => new ShuffledSampler(labels.Length, size, recipe.Seed),
            SamplerKind.Weighted => WeightedSampler.ByClass(labels, recipe.SamplingPower, size, recipe.Seed),
            _ => throw new ArgumentOutOfRangeException(nameof(recipe), recipe.Sampler, "No such sampler."),
        };
    }

    /// <summary>A data name or relative path as it is; of a full path only the last folder, since a run may be shared.</summary>
    internal static string Shareable(string data) => Path.IsPathRooted(data) ? $"./{Path.GetFileName(Path.TrimEndingDirectorySeparator(data))}" : data;

    /// <summary>The full path of what lies on this disk, so that a run can be resumed from another folder.</summary>
    internal static string Located(string named) => Path.Exists(named) ? Path.GetFullPath(named) : named;

    internal static string NextFree(Recipe recipe)
    {
        var name = string.Concat(Path.GetFileName(Path.TrimEndingDirectorySeparator(recipe.Data)).Select(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '-'));
        for (var n = 1; ; n++)
            if (Path.Combine("runs", $"{name}-{recipe.Loss.ToString().ToLowerInvariant()}-{n}") is var path && !Path.Exists(path))
                return path;
    }

    private static string Spoken(TimeSpan time) => time.TotalSeconds < 90 ? $"{time.TotalSeconds:F0} s" : $"{time.TotalMinutes:F0} min";
}
