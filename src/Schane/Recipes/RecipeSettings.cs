using System.Globalization;
using Schane.Losses;

namespace Schane.Recipes;

/// <summary>
/// What each setting of a recipe is called and is for, in the groups of the command's help: the one text of flags, schema and docs.
/// </summary>
internal static class RecipeSettings
{
    /// <summary>What <c>--weights</c> takes.</summary>
    public const string WeightsForm =
        "default|embedded|none|FILE|RUN|hf:OWNER/NAME[@REVISION][/FILE]|nuget:PACKAGE[@VERSION][/FILE]|https://...";

    /// <summary>Below this many labelled images a model learns from all of them, and folds measure it (docs/log.md).</summary>
    public const int RefitAt = 500;

    /// <summary>What share of pseudo-labels shall be right (docs/log.md).</summary>
    public const double PseudoPrecision = 0.8;

    /// <summary>All groups, in the order of the help.</summary>
    public static IReadOnlyList<SettingGroup> Groups =>
    [
        new("Data",
        [
            new("data", "FOLDER|NAME[:PART]",
                "Images to train on: FOLDER/class/..., a list (.csv, .tsv, .jsonl), Parquet files, or a data set by name "
                + "(docs/own-data.md). Default: lookalikes, which is drawn at run time."),
            new("parts", null, "Take the folders named like parts (train, valid, test_set) as parts, whatever lies beside them."),
            new("classes", null, "Take all folders at the top as classes, whatever they are called."),
            new("path-column", "NAME", "Column of a list with the paths. Default: path, file_name, filename, file or image."),
            new("label-column", "NAME", "Column of a list or of Parquet files with the labels. Default: label, class or category."),
            new("multi-label", null,
                "Let an image show several classes (`cat;dog` in a list, an array, several lines, links in several class folders). "
                + "Default: where the data have such images."),
            new("split-column", "NAME", "Column of a list with the parts. Default: split, part or subset."),
            new("labels-per-class", "N", "Training images kept of each class, drawn by the seed. Default: all."),
            new("imbalance", "RATIO",
                "Long tail: training images kept fall from class to class until the smallest has 1/RATIO of the largest. Default: "
                + "all."),
            new("group-by", "REGEX|COLUMN",
                "Images that stay in one part when data are divided: a column of the index, or what parentheses catch in the "
                + "name. Default: each alone."),
            new("max-megapixels", "N", "Refuse images of more pixels, by their headers. Default: 100."),
            new("folds", "K", "Cross-validation: test on fold SEED mod K of division SEED / K. Default: parts drawn by the seed."),
            new("no-refit", null,
                $"Keep a part of the labelled images aside to choose and measure on. Default: so from {RefitAt} images on; fewer that come "
                + "without such parts are all learnt from, and measured by folds."),
            new("exclude", "FILE",
                "Leave out the images of this list: names, or CSV with a column path. The test part stays as it is. Default: none."),
            new("relabel", "FILE.csv",
                "Train with other labels: CSV with the columns path and suggested, as `schane data labels` writes it; your files "
                + "stay as they are. Default: none."),
            new("unlabelled", "FOLDER",
                "Learn from the images below it too, which need no labels: a first run labels those of which it is sure. Default: none."),
            new("pseudo-labels", "FILE.csv",
                "Take these labels for images of --unlabelled, CSV with the columns path and label, and make no first run. Default: "
                + "none."),
            new("pseudo-precision", "0..1",
                string.Create(CultureInfo.InvariantCulture,
                    $"What share of the first run's labels shall be right: the higher, the fewer. Default: {PseudoPrecision}.")),
            new("augmentation", "NAME", "How images are varied. Default: what suits the data."),
            new("on-bad-image", "fail|skip", "Stop at an image that can't be read, or leave it out and list it."),
        ]),
        new("Model",
        [
            new("model", "NAME",
                "Architecture; `schane models list` shows them. Other numbers stand behind a colon: "
                + "NAME:patch=8,width=48,depth=2,heads=3,mlp=3 for a transformer, depths=2-2-6-2 for nets in stages; a wrong one "
                + "is answered with all there are. Default: what suits the data and has weights at hand (docs/weights.md); "
                + "$SCHANE_MODEL names another."),
            new("weights", WeightsForm,
                "Where training starts from: safetensors, .pth, .bin, .npz, .onnx, the index of shards, a run's model, or a "
                + "download; `default` takes the published weights that `schane models show` names. Default: embedded where the "
                + "model has such weights, published ones where they are on this machine, else none."),
            new("keep-head", null,
                "Go on with the classifier of the weights too, where it has as many classes, instead of a new one."),
            new("input-size", "PIXELS", "Side of the square the model sees. Default: the model's own, or what the budget allows."),
            new("drop-path", "0..1",
                "Share of samples that lose the last residual branch in a training pass; falls to 0 towards the first."),
            new("checkpoint-activations", null,
                "Keep only the inputs of the blocks and run them again in the backward pass: less memory, more time."),
            new("projection", "WIDTH",
                "Width of an MLP between embedding and contrastive term, used in training alone. Default: none."),
            new("head-init-scale", "FACTOR",
                "Factor on the new classifier's initial weights. Default: 0.001 for BEiT-3, 1 for others."),
            new("lora", "RANK",
                "Train the classifier and adapters of this rank beside linear layers of a transformer, and leave its weights as they "
                + "are (LoRA): less memory, and adapter.safetensors of the run is all that is new. Default: no adapters."),
            new("lora-alpha", "ALPHA", "Adapters add ALPHA / RANK times their product. Default: the rank."),
            new("lora-layers", "all|NAMES",
                "Linear layers with adapters: all, or parts of their names with commas: attn,mlp or qkv or blocks.11. Default: attn."),
        ]),
        new("Objective",
        [
            new("loss", "NAME", $"Contrastive term beside the cross-entropy: {Losses}."),
            new("lambda", "0..1", "Weight of the contrastive term, λ. Default: 0 for ce, 0.9 otherwise."),
            new("temperature", "TAU",
                "Softmax temperature τ, above 0. Default: 0.5 for schane (0.2 where weights begin at random), 0.1 for others."),
            new("beta", "BETA", "How much hard negatives weigh, β, 0 or more. Default: 1 for schane and hcl."),
            new("placement", "outside|inside", "Mean over the positives outside or inside the log."),
            new("beta-warmup", "0..1", "Share of the steps over which β rises from 0."),
            new("beta-final", "BETA", "β at the last step. Default: β stays."),
            new("temperature-final", "TAU", "τ at the last step. Default: τ stays."),
            new("lambda-final", "0..1", "λ at the last step. Default: λ stays."),
            new("schedule-shape", "linear|cosine", "How β, τ and λ move to their last values."),
            new("tau-plus", "0..0.99", "Share of hcl's negatives that are thought to be positives, τ⁺."),
            new("estimator", "hard|easy", "Estimator of hcl."),
            new("margin", "MARGIN", "Margin of triplet."),
            new("kernel", "auto|opgraph|tiled|tiledbf16",
                "How the contrastive term is computed; the same to single precision but for tiledbf16, which rounds to 3 digits "
                + "and is faster."),
            new("detach-weights", null, "Let no gradient flow through the weights of the negatives."),
            new("label-smoothing", "0..1", "Smoothing of the cross-entropy's targets."),
            new("class-weights", "0..1",
                "Weights of the classes in cross-entropy, by the effective number of their training images: 1 means the inverse of their "
                + "images, 0.99 less than that where there are hundreds, 0 all alike."),
            new("focal", "GAMMA",
                "Focal loss in place of cross-entropy: images that are surely right count less, 2 for example; 0 for none."),
            new("mixup", "ALPHA", "Mixup's α: images are blended with others of their batch; 0 for none."),
            new("cutmix", "ALPHA", "CutMix's α: boxes of images are replaced by those of others; 0 for none."),
            new("mixing", "soft|clean",
                "Contrastive term on mixed images with soft pairs, or on the unmixed ones for twice the compute. Default: soft "
                + "where the loss can."),
        ]),
        new("Batches",
        [
            new("sampler", "NAME",
                "balanced: P classes × K images; hard: the same with classes that the last epoch confused in one batch; weighted: "
                + "rare classes more often; shuffled: any images."),
            new("sampling-power", "0..1",
                "Weighted sampler: classes are drawn by their number of images to this power; 0 means alike, 1 as they come."),
            new("classes-per-batch", "P", "Classes in a balanced or hard batch. Default: as many as fit, at most 16."),
            new("images-per-class", "K", "Images of each class in such a batch; 2 or more give every anchor a positive."),
            new("batch", "N", "Images in a batch; of a balanced or hard one P × K, which gives P. Default: P × K."),
            new("micro-batch", "N", "Images that pass the model at once; the gradient stays that of the whole batch. Default: all."),
            new("accumulate", null,
                "Give each micro-batch a loss of its own and add up the gradients: two thirds of the compute, but it adds no "
                + "negatives."),
            new("sync-batchnorm", null,
                "Let batch norm see the images of all processes, so that several give what one gives; for ResNet and ConvNet4."),
            new("views", "N", "Varied views of each image in a batch."),
        ]),
        new("Length",
        [
            new("budget", "5m", "Time of the whole run, report included, when neither steps nor epochs are given: 90s, 5m, 1h. " +
                "Default: the epochs of a named data set, else 5m."),
            new("by-time", null, "End with the budget and not after the steps, which are only what was planned; rates follow the time. " +
                "Set by a run whose length its budget decides."),
            new("epochs", "N", "Passes over the training images."),
            new("steps", "N", "Optimiser steps; 0 for the linear probe alone."),
            new("no-probe", null, "Begin with a random classifier. Default: on a trunk from other than the embedded weights with a " +
                "linear probe, which is told first and kept where fine-tuning does no better on validation images."),
        ]),
        new("Optimizer",
        [
            new("optimizer", "adamw|sgd", "What takes the steps."),
            new("lr", "RATE", "Peak learning rate."),
            new("trunk-rate", "0..1",
                "Factor on the rate of a pre-trained trunk, or of its adapters. Default: 0.1 for a trunk after a linear probe, else 1."),
            new("layer-decay", "0..1", "Factor on the rate from each layer to the one before it; 1 means none."),
            new("weight-decay", "DECAY", "Decoupled weight decay."),
            new("momentum", "0..1", "Momentum of sgd."),
            new("nesterov", null, "Let sgd look ahead along its momentum."),
            new("dampening", "0..1", "Share of each gradient that sgd leaves out of its velocity."),
            new("adam-beta1", "0..1", "Decay of adamw's mean of gradients."),
            new("adam-beta2", "0..1", "Decay of adamw's mean of squared gradients."),
            new("adam-eps", "EPS", "Added to adamw's denominator."),
            new("warmup", "0..1", "Share of the steps over which the rate rises; then it falls as a cosine."),
            new("warmup-epochs", "N", "The same in epochs. Default: --warmup."),
            new("lr-shape", "linear|cosine", "How the rate falls after the warm-up."),
            new("lr-start", "RATE", "Rate at the first step of the warm-up."),
            new("lr-final", "RATE", "Rate that the fall ends towards."),
            new("freeze", "N|trunk|NAMES",
                "What is not trained: the first N layers, the whole trunk, or modules by name with commas. Default: nothing."),
            new("ema", "DECAY", "Keep a moving average of the weights too, 0.999 for example. Default: none."),
            new("clip-norm", "NORM", "Largest norm of the gradient. Default: not clipped."),
        ]),
        new("Machine",
        [
            new("seed", "N", "Decides weights, splits, batches and augmentation."),
            new("device", "cpu|cuda[:N]", "Where to compute."),
            new("precision", "auto|float32|bf16|fp16",
                "Number type of the products in training; auto takes bf16 where it is clearly faster. fp16 is for GPUs."),
            new("no-own-products", null,
                "Take libtorch's products for linear layers in float32. Default: Schane's own where they are clearly faster."),
            new("threads", "N", "Threads of the computation. Default: all cores."),
        ]),
        new("Saving",
        [
            new("save-every", "STEPS", "Steps between checkpoints. Default: about ten in a run."),
            new("evaluate-every", "STEPS", "Steps between evaluations. Default: about ten in a run."),
            new("best-metric", "NAME", "Metric of the best checkpoint: top1, mean_per_class, nll; ema_top1 for averaged weights."),
            new("patience", "N", "Stop after N evaluations without a better one. Default: never."),
            new("final-weights", "last|best|ema", "Weights the run ends with. Default: ema where there is one, else last."),
            new("keep-last", "N", "Checkpoints kept beside the best."),
            new("on-non-finite", "stop|skip",
                "Stop at a loss or gradient that is not finite, or leave the step out; the batch is kept."),
            new("skip-limit", "N", "Steps that may be left out so."),
            new("no-thumbnails", null, "Keep no thumbnails of the images in the run; its report then shows none."),
            new("no-proof", null, "Begin without the proof that this machine computes the model as float64 says."),
            new("tensorboard", null, "Write TensorBoard events too, to RUN/tensorboard."),
        ]),
    ];

    private static string Losses
    {
        get
        {
            var names = LossRegistry.All.Select(loss => loss.Positives == Positives.None ? $"{loss.Name} (none)" : loss.Name).ToList();
            return $"{string.Join(", ", names[..^1])} or {names[^1]}";
        }
    }
}

/// <summary>Settings that belong together.</summary>
internal sealed record SettingGroup(string Name, IReadOnlyList<RecipeSetting> Settings);

/// <summary>One setting.</summary>
/// <param name="Key">Its key in a recipe; the flag has two dashes before it.</param>
/// <param name="Form">What it takes, as help shows it; null for a switch.</param>
/// <param name="Description">What it is for. Where it names no default and the recipe has one, that is added.</param>
internal sealed record RecipeSetting(string Key, string? Form, string Description)
{
    /// <summary>The description with its default.</summary>
    public string Text => Form is not null && RecipeFile.Defaults.TryGetValue(Key, out var set)
        && !Description.Contains("Default:", StringComparison.Ordinal) ? $"{Description} Default: {set}." : Description;
}
