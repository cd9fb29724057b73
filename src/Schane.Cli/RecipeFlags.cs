using System.CommandLine;
using Schane.Losses;
using Schane.Recipes;

namespace Schane.Cli;

/// <summary>The settings of a recipe as flags: <c>--key value</c> is the recipe's line <c>key: value</c> and goes before it.</summary>
internal sealed class RecipeFlags
{
    private readonly List<Option> settings = [];

    public Option<string> File { get; } = new("--recipe") { HelpName = "FILE.yaml", Description = "Settings from a file; flags override it." };

    public IReadOnlyList<Option> Data { get; }

    public IReadOnlyList<Option> Model { get; }

    public IReadOnlyList<Option> Objective { get; }

    public IReadOnlyList<Option> Batches { get; }

    public IReadOnlyList<Option> Length { get; }

    public IReadOnlyList<Option> Optimizer { get; }

    public IReadOnlyList<Option> Machine { get; }

    public IReadOnlyList<Option> Saving { get; }

    public RecipeFlags()
    {
        Data =
        [
            Setting("data", "FOLDER|NAME[:PART]", "Images to train on: FOLDER/class/..., or a data set by name. Default: lookalikes, which is drawn at run time."),
            Setting("labels-per-class", "N", "Training images kept of each class, drawn by the seed. Default: all."),
            Setting("imbalance", "RATIO", "Long tail: training images kept fall from class to class until the smallest has 1/RATIO of the largest. Default: all."),
            Setting("group-by", "REGEX|COLUMN", "Images that stay in one part when data are divided: a column of the index, or what parentheses catch in the name. Default: each alone."),
            Setting("max-megapixels", "N", "Refuse pictures of more pixels, by their headers. Default: 100."),
            Setting("folds", "K", "Cross-validation: test on fold SEED mod K of division SEED / K. Default: parts drawn by the seed."),
            Setting("exclude", "FILE", "Leave out the images of this list: names, or CSV with a column path. The test part stays as it is. Default: none."),
            Setting("relabel", "FILE.csv", "Train with other labels: CSV with the columns path and suggested, as `schane data labels` writes it; your files stay as they are. Default: none."),
            Setting("augmentation", "NAME", "How pictures are varied. Default: what suits the data."),
            Setting("on-bad-image", "fail|skip", "Stop at an image that can't be read, or leave it out and list it."),
        ];
        Model =
        [
            Setting("model", "NAME", "Architecture; `schane models list` shows them. Other numbers stand behind a colon: NAME:patch=8,width=48,depth=2,heads=3,mlp=3 for a transformer, depths=2-2-6-2 for nets in stages; a wrong one is answered with all there are. Default: what suits the data and has weights at hand (docs/weights.md); $SCHANE_MODEL names another."),
            Setting("weights", CommonFlags.WeightsForm, "Where training starts from: safetensors, .pth, .bin, .npz, .onnx, the index of shards, a run's model, or a download; `default` takes the published weights that `schane models show` names. Default: embedded where the model has such weights, published ones where they are on this machine, else none."),
            Switch("keep-head", "Go on with the classifier of the weights too, where it has as many classes, instead of a new one."),
            Setting("input-size", "PIXELS", "Side of the square the model sees. Default: the model's own, or what the budget allows."),
            Setting("drop-path", "0..1", "Share of samples that lose the last residual branch in a training pass; falls to 0 towards the first."),
            Switch("checkpoint-activations", "Keep only the inputs of the blocks and run them again in the backward pass: less memory, more time."),
            Setting("projection", "WIDTH", "Width of an MLP between embedding and contrastive term, used in training alone. Default: none."),
            Setting("head-init-scale", "FACTOR", "Factor on the new classifier's initial weights. Default: 0.001 for BEiT-3, 1 for others."),
        ];
        Objective =
        [
            Setting("loss", "NAME", $"Contrastive term beside the cross-entropy: {Losses}."),
            Setting("lambda", "0..1", "Weight of the contrastive term, λ. Default: 0 for ce, 0.9 otherwise."),
            Setting("temperature", "TAU", "Softmax temperature τ, above 0. Default: 0.5 for schane (0.2 where weights begin at random), 0.1 for others."),
            Setting("beta", "BETA", "How much hard negatives weigh, β, 0 or more. Default: 1 for schane and hcl."),
            Setting("placement", "outside|inside", "Mean over the positives outside or inside the log."),
            Setting("beta-warmup", "0..1", "Share of the steps over which β rises from 0."),
            Setting("beta-final", "BETA", "β at the last step. Default: β stays."),
            Setting("temperature-final", "TAU", "τ at the last step. Default: τ stays."),
            Setting("lambda-final", "0..1", "λ at the last step. Default: λ stays."),
            Setting("schedule-shape", "linear|cosine", "How β, τ and λ move to their last values."),
            Setting("tau-plus", "0..0.99", "Share of hcl's negatives that are thought to be positives, τ⁺."),
            Setting("estimator", "hard|easy", "Estimator of hcl."),
            Setting("margin", "MARGIN", "Margin of triplet."),
            Setting("kernel", "auto|opgraph|tiled|tiledbf16", "How the contrastive term is computed; the same to single precision but for tiledbf16, which rounds to 3 digits and is faster."),
            Switch("detach-weights", "Let no gradient flow through the weights of the negatives."),
            Setting("label-smoothing", "0..1", "Smoothing of the cross-entropy's targets."),
            Setting("mixup", "ALPHA", "Mixup's α: images are blended with others of their batch; 0 for none."),
            Setting("cutmix", "ALPHA", "CutMix's α: boxes of images are replaced by those of others; 0 for none."),
            Setting("mixing", "soft|clean", "Contrastive term on mixed images with soft pairs, or on the unmixed ones for twice the compute. Default: soft where the loss can."),
        ];
        Batches =
        [
            Setting("sampler", "NAME", "balanced: P classes × K images; hard: the same with classes that the last epoch confused in one batch; weighted: rare classes more often; shuffled: any images."),
            Setting("sampling-power", "0..1", "Weighted sampler: classes are drawn by their number of images to this power; 0 means alike, 1 as they come."),
            Setting("classes-per-batch", "P", "Classes in a balanced or hard batch. Default: as many as fit, at most 16."),
            Setting("images-per-class", "K", "Images of each class in such a batch; 2 or more give every anchor a positive."),
            Setting("batch", "N", "Images in a batch; of a balanced or hard one P × K, which gives P. Default: P × K."),
            Setting("micro-batch", "N", "Images that pass the model at once; the gradient stays that of the whole batch. Default: all."),
            Switch("accumulate", "Give each micro-batch a loss of its own and add up the gradients: two thirds of the compute, but it adds no negatives."),
            Switch("sync-batchnorm", "Let batch norm see the images of all processes, so that several give what one gives; for ResNet and ConvNet4."),
            Setting("views", "N", "Varied views of each image in a batch."),
        ];
        Length =
        [
            Setting("budget", "5m", "Time to fill when neither steps nor epochs are given: 90s, 5m, 1h."),
            Setting("epochs", "N", "Passes over the training images."),
            Setting("steps", "N", "Optimiser steps."),
        ];
        Optimizer =
        [
            Setting("optimizer", "adamw|sgd", "What takes the steps."),
            Setting("lr", "RATE", "Peak learning rate."),
            Setting("trunk-rate", "0..1", "Factor on the rate of a pre-trained trunk."),
            Setting("layer-decay", "0..1", "Factor on the rate from each layer to the one before it; 1 means none."),
            Setting("weight-decay", "DECAY", "Decoupled weight decay."),
            Setting("momentum", "0..1", "Momentum of sgd."),
            Switch("nesterov", "Let sgd look ahead along its momentum."),
            Setting("dampening", "0..1", "Share of each gradient that sgd leaves out of its velocity."),
            Setting("adam-beta1", "0..1", "Decay of adamw's mean of gradients."),
            Setting("adam-beta2", "0..1", "Decay of adamw's mean of squared gradients."),
            Setting("adam-eps", "EPS", "Added to adamw's denominator."),
            Setting("warmup", "0..1", "Share of the steps over which the rate rises; then it falls as a cosine."),
            Setting("warmup-epochs", "N", "The same in epochs. Default: --warmup."),
            Setting("lr-shape", "linear|cosine", "How the rate falls after the warm-up."),
            Setting("lr-start", "RATE", "Rate at the first step of the warm-up."),
            Setting("lr-final", "RATE", "Rate that the fall ends towards."),
            Setting("freeze", "N|trunk|NAMES", "What is not trained: the first N layers, the whole trunk, or modules by name with commas. Default: nothing."),
            Setting("ema", "DECAY", "Keep a moving average of the weights too, 0.999 for example. Default: none."),
            Setting("clip-norm", "NORM", "Largest norm of the gradient. Default: not clipped."),
        ];
        Machine =
        [
            Setting("seed", "N", "Decides weights, splits, batches and augmentation."),
            Setting("device", "cpu|cuda[:N]", "Where to compute."),
            Setting("precision", "auto|float32|bf16|fp16", "Number type of the products in training; auto takes bf16 where it is clearly faster. fp16 is for GPUs."),
            Setting("threads", "N", "Threads of the computation. Default: all cores."),
        ];
        Saving =
        [
            Setting("save-every", "STEPS", "Steps between checkpoints. Default: about ten in a run."),
            Setting("evaluate-every", "STEPS", "Steps between evaluations. Default: about ten in a run."),
            Setting("best-metric", "NAME", "Metric of the best checkpoint: top1, mean_per_class, nll; ema_top1 for averaged weights."),
            Setting("patience", "N", "Stop after N evaluations without a better one. Default: never."),
            Setting("final-weights", "last|best|ema", "Weights the run ends with. Default: ema where there is one, else last."),
            Setting("keep-last", "N", "Checkpoints kept beside the best."),
            Setting("on-non-finite", "stop|skip", "Stop at a loss or gradient that is not finite, or leave the step out; the batch is kept."),
            Setting("skip-limit", "N", "Steps that may be left out so."),
            Switch("no-thumbnails", "Keep no small pictures of the images in the run; its report then shows none."),
            Switch("tensorboard", "Write TensorBoard events too, to RUN/tensorboard."),
        ];
    }

    /// <summary>What each setting is for, by key.</summary>
    public IReadOnlyDictionary<string, string> Descriptions => settings.ToDictionary(s => s.Name[2..], s => s.Description!);

    /// <summary>The recipe that the command line asks for: the file's if one is named, with the flags on top.</summary>
    public Recipe Read(ParseResult parsed)
    {
        // A recipe with arms gives the arm that is named like the loss, so that one run of a comparison can be made by itself.
        var loss = settings.OfType<Option<string>>().First(s => s.Name == "--loss");
        return Override(parsed, parsed.GetValue(File) is { } file ? RecipeFile.Load(file, parsed.GetValue(loss)) : new Recipe());
    }

    /// <summary>The stages of the file that is named, each with the flags on top; none where it has none.</summary>
    public IReadOnlyList<(string Name, Recipe Recipe)> Stages(ParseResult parsed) =>
        parsed.GetValue(File) is { } file ? [.. RecipeFile.LoadStages(file).Select(stage => (stage.Name, Override(parsed, stage.Recipe)))] : [];

    /// <summary>A recipe with the flags of this command line on top.</summary>
    public Recipe Override(ParseResult parsed, Recipe recipe)
    {
        foreach (var setting in settings)
            if (parsed.GetResult(setting) is { Implicit: false } given)
                recipe = RecipeFile.With(recipe, setting.Name[2..], given.Tokens is [var value] ? value.Value : "", setting.Name);
        return recipe;
    }

    /// <summary>The first flag of a recipe on this command line, null if there is none.</summary>
    public string? FirstGiven(ParseResult parsed) =>
        settings.Prepend(File).FirstOrDefault(s => parsed.GetResult(s) is { Implicit: false })?.Name;

    private static string Losses
    {
        get
        {
            var names = LossRegistry.All.Select(loss => loss.Positives == Positives.None ? $"{loss.Name} (none)" : loss.Name).ToList();
            return $"{string.Join(", ", names[..^1])} or {names[^1]}";
        }
    }

    // A default that a recipe states by itself is not written here again.
    private Option<string> Setting(string key, string value, string description) => Keep(new Option<string>($"--{key}")
    {
        HelpName = value,
        Description = RecipeFile.Defaults.TryGetValue(key, out var set) && !description.Contains("Default:", StringComparison.Ordinal) ? $"{description} Default: {set}." : description,
    });

    private Option<bool> Switch(string key, string description) => Keep(new Option<bool>($"--{key}") { Description = description });

    private T Keep<T>(T option) where T : Option
    {
        settings.Add(option);
        return option;
    }
}
