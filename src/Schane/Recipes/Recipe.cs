using Schane.Data.Feeding;
using Schane.Losses;
using Schane.Models;
using Schane.Tensors;

namespace Schane.Recipes;

/// <summary>
/// Everything that decides a run. A recipe file is one YAML mapping whose keys are the command line's flags without the dashes
/// (<c>classes-per-batch: 16</c>), so there is one vocabulary. A null property means "the default of the loss, model or data"; the recipe
/// saved in a run folder is the resolved one, with no nulls where a value was used.
/// </summary>
public sealed record Recipe
{
    /// <summary>Data to train on: a folder, or NAME[:PART] (docs/design.md §4). Default: the embedded look-alikes.</summary>
    public string Data { get; init; } = "lookalikes";

    /// <summary>Model name in the registry. Null: the data's default.</summary>
    public string? Model { get; init; }

    /// <summary>
    /// Initial weights: <c>none</c>, <c>embedded</c>, <c>default</c> (the published ones of <see cref="Models.BackboneInfo.Weights"/>), a
    /// file or run folder, <c>hf:OWNER/NAME[@REVISION][/FILE]</c>, <c>nuget:PACKAGE[@VERSION][/FILE][#sha256=…]</c> or
    /// <c>https://…[#sha256=…]</c>. A resolved recipe names the commit or the hash. Null: embedded if the model has
    /// them, published ones if they are on this machine, else none.
    /// </summary>
    public string? Weights { get; init; }

    /// <summary>Whether training goes on with the classifier of <see cref="Weights"/> too, where it has as many classes. By
    /// default it starts anew.</summary>
    public bool KeepHead { get; init; }

    /// <summary>Share of samples that lose the model's last residual branch in a training pass, rising linearly from 0 at the first
    /// (stochastic depth); 0 to below 1.</summary>
    public double DropPath { get; init => field = Require.InRange(value, 0, 0.99); }

    /// <summary>Whether blocks keep only their inputs and run again in the backward pass: less memory for about a third more
    /// time, the same gradient.</summary>
    public bool CheckpointActivations { get; init; }

    /// <summary>Width of an MLP between the embedding and the contrastive term, which training alone uses. Null: none, the term sees
    /// the embedding itself.</summary>
    public int? Projection { get; init => field = value is { } v ? Require.AtLeast(v, 1) : null; }

    /// <summary>Factor on the initial weights of the new classifier, whose deviation is 0.02 before it; above 0. Null: 0.001 for BEiT-3, as
    /// it is fine-tuned, 1 for others.</summary>
    public double? HeadInitScale { get; init => field = value is { } v ? Require.Positive(v) : null; }

    /// <summary>Rank r of the adapters that are trained beside linear layers of a transformer, in place of its weights, which stay (LoRA,
    /// Hu et al. 2021, arXiv:2106.09685): x (W + α / r · B A)ᵀ, where B begins at 0; at least 1. Classifier and projection are trained too.
    /// Null: no adapters, the weights are trained.</summary>
    public int? Lora { get; init => field = value is { } v ? Require.AtLeast(v, 1) : null; }

    /// <summary>α of the adapters, above 0. Null: <see cref="Lora"/>, so that the factor on B A is 1, as the paper begins.</summary>
    public double? LoraAlpha { get; init => field = value is { } v ? Require.Positive(v) : null; }

    /// <summary>Linear layers of the trunk that get adapters: <c>all</c>, or parts of names with commas between (<c>attn,mlp</c>,
    /// <c>qkv</c>, <c>blocks.11</c>). Null: <c>attn</c>, the projections of the attention.</summary>
    public string? LoraLayers { get; init; }

    /// <summary>
    /// The contrastive term; <see cref="CrossEntropyAlone"/> for none. The settings below that are not null take the place of its own. In a
    /// file it is a name of <see cref="LossRegistry"/>; register a loss of your own, so that its runs can be resumed.
    /// </summary>
    public ContrastiveLoss Loss { get; init; } = new SchaneLoss();

    /// <summary>Where the mean over positives stands: outside or inside the log. Null: outside.</summary>
    public Placement? Placement { get; init; }

    /// <summary>Stops the gradient through the negatives' weights. Null: it flows.</summary>
    public bool? DetachWeights { get; init; }

    /// <summary>λ in [0, 1]: L = (1 − λ)·CE + λ·contrastive. Null: 0 for ce, 0.9 otherwise.</summary>
    public double? Lambda { get; init => field = value is { } v ? LossRanges.Lambda(v) : null; }

    /// <summary>τ above 0. Null: 0.5 for schane (0.2 where weights begin at random), 0.1 for others.</summary>
    public double? Temperature { get; init => field = value is { } v ? LossRanges.Temperature(v) : null; }

    /// <summary>β, the hardness of negatives, 0 to 1000. Null: 1 for schane and hcl.</summary>
    public double? Beta { get; init => field = value is { } v ? LossRanges.Beta(v) : null; }

    /// <summary>Share of all steps over which β rises from 0 on a straight line, 0 to 1: safer where hardness hurts early.</summary>
    public double BetaWarmup { get; init => field = Require.InRange(value, 0, 1); }

    /// <summary>β at the last step, 0 to 1000; not together with <see cref="BetaWarmup"/>. Null: β stays.</summary>
    public double? BetaFinal { get; init => field = value is { } v ? LossRanges.Beta(v) : null; }

    /// <summary>τ at the last step, above 0. Null: τ stays.</summary>
    public double? TemperatureFinal { get; init => field = value is { } v ? LossRanges.Temperature(v) : null; }

    /// <summary>λ at the last step, 0 to 1. Null: λ stays.</summary>
    public double? LambdaFinal { get; init => field = value is { } v ? LossRanges.Lambda(v) : null; }

    /// <summary>How β, τ and λ move to their last values.</summary>
    public ScheduleShape ScheduleShape { get; init; }

    /// <summary>τ⁺ of hcl, the share of its negatives that are thought to be positives, 0 to 0.99. Null: 0.1.</summary>
    public double? TauPlus { get; init => field = value is { } v ? LossRanges.TauPlus(v) : null; }

    /// <summary>Estimator of hcl. Null: hard.</summary>
    public HclEstimator? Estimator { get; init; }

    /// <summary>Margin of triplet, above 0. Null: 0.2.</summary>
    public double? Margin { get; init => field = value is { } v ? LossRanges.Margin(v) : null; }

    /// <summary>How the contrastive term is computed. Auto is decided once, before the first step, and recorded.</summary>
    public LossKernel Kernel { get; init; }

    /// <summary>Label smoothing of the cross-entropy, 0 to 1.</summary>
    public double LabelSmoothing { get; init => field = LossRanges.LabelSmoothing(value); }

    /// <summary>β of the classes' weights in cross-entropy, (1 − β) / (1 − βⁿ) for n training images, their effective number (Cui et al.
    /// 2019, arXiv:1901.05555), 0 to 1: 0 weighs all classes alike, 1 by the inverse of their images. Scaled so that an image weighs 1
    /// in the mean.</summary>
    public double ClassWeights { get; init => field = Require.InRange(value, 0, 1); }

    /// <summary>γ of the focal loss, which takes the place of cross-entropy (Lin et al. 2017, arXiv:1708.02002), 0 to 20: images that are
    /// surely right already count less. 0: cross-entropy.</summary>
    public double Focal { get; init => field = LossRanges.Gamma(value); }

    /// <summary>α of Mixup's share λ ~ Beta(α, α) (Zhang et al. 2017, arXiv:1710.09412); 0 mixes none. Partners stand in one group of 16
    /// consecutive images, so keep <see cref="ImagesPerClass"/> below 16.</summary>
    public double Mixup { get; init => field = Require.InRange(value, 0, 1000); }

    /// <summary>α of CutMix's share (Yun et al. 2019, arXiv:1905.04899); 0 cuts none. With both, each group of images
    /// draws one of the two.</summary>
    public double Cutmix { get; init => field = Require.InRange(value, 0, 1000); }

    /// <summary>What the contrastive term does with mixed images: <c>soft</c> pairs, or <c>clean</c>, the unmixed images in a second pass
    /// (about twice the compute). Null: soft where the loss has soft pairs.</summary>
    public MixedPairs? Mixing { get; init; }

    /// <summary>How batches are formed.</summary>
    public SamplerKind Sampler { get; init; } = SamplerKind.Balanced;

    /// <summary>Weighted sampler: a class is drawn in proportion to its images to this power, 0 to 1. 0: every class alike; 0.5: the square
    /// root; 1: as they come.</summary>
    public double SamplingPower { get; init => field = Require.InRange(value, 0, 1); }

    /// <summary>P: classes in a balanced batch. Null: as many as fit, at most 16.</summary>
    public int? ClassesPerBatch { get; init => field = value is { } v ? Require.AtLeast(v, 1) : null; }

    /// <summary>K: images of each class in a balanced batch, at least 2 for a contrastive loss to have positives.</summary>
    public int ImagesPerClass { get; init => field = Require.AtLeast(value, 1); } = 4;

    /// <summary>Images in a batch. Null: P × K. Of a balanced batch it gives P where <see cref="ClassesPerBatch"/> is not set, and must
    /// be P × K where it is.</summary>
    public int? Batch { get; init => field = value is { } v ? Require.AtLeast(v, 1) : null; }

    /// <summary>Images in one pass through the model; the gradient is that of the whole batch (GradCache). Null: the whole batch.</summary>
    public int? MicroBatch { get; init => field = value is { } v ? Require.AtLeast(v, 1) : null; }

    /// <summary>
    /// Gradient accumulation instead of the gradient of the whole batch: each micro-batch has a loss of its own and their gradients are
    /// added up. It takes two thirds of the compute and adds no negatives: an anchor sees the rows of its <see cref="MicroBatch"/> alone.
    /// </summary>
    public bool Accumulate { get; init; }

    /// <summary>Whether batch norm normalises by the rows of all ranks, so that several give what one gives; every rank then passes its
    /// share of a batch at once, and each layer waits for all. By default each normalises its own rows.</summary>
    public bool SyncBatchnorm { get; init; }

    /// <summary>Augmented views of each image in a batch.</summary>
    public int Views { get; init => field = Require.AtLeast(value, 1); } = 1;

    /// <summary>Name of the augmentation preset. Null: the data's default.</summary>
    public string? Augmentation { get; init; }

    /// <summary>Side of the model's input in pixels. Null: the model's own.</summary>
    public int? InputSize { get; init => field = value is { } v ? Require.AtLeast(v, 8) : null; }

    /// <summary>Optimiser steps; 0 for the linear probe alone. Null: from <see cref="Epochs"/> or <see cref="Budget"/>.</summary>
    public int? Steps { get; init => field = value is { } v ? Require.AtLeast(v, 0) : null; }

    /// <summary>Passes over the training images. Null: from <see cref="Budget"/>.</summary>
    public int? Epochs { get; init => field = value is { } v ? Require.AtLeast(v, 1) : null; }

    /// <summary>Whether training begins with a classifier drawn at random, and not with a linear probe of the trunk, whose accuracy is told
    /// first and which stays the model where fine-tuning does not do better on the validation part. Null: false where the trunk comes from
    /// weights that are not embedded, and there is a validation part.</summary>
    public bool? NoProbe { get; init; }

    /// <summary>Wall time of the whole run, measurement and report included, when neither steps nor epochs are given; at least 5 s. Null:
    /// the epochs of a named data set, else 5 minutes.</summary>
    public TimeSpan? Budget
    {
        get;
        init => field = value is not { } time || time >= TimeSpan.FromSeconds(5) ? value
            : throw new ArgumentOutOfRangeException(nameof(Budget), $"Budget must be at least 5s but is {time.TotalSeconds}s.");
    }

    /// <summary>Whether training ends with <see cref="Budget"/> and not after <see cref="Steps"/>, which are what was planned then: rates
    /// and λ follow the time. Set in the recipe of a run that was given neither steps nor epochs.</summary>
    public bool ByTime { get; init; }

    /// <summary>The optimiser.</summary>
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.AdamW;

    /// <summary>Peak learning rate.</summary>
    public double LearningRate { get; init => field = Require.Positive(value); } = 1e-3;

    /// <summary>Learning rate of the new head and of trunks trained from random weights is <see cref="LearningRate"/>; a pre-trained
    /// trunk's, or that of the adapters in it, is this times it, 0 to 1. Null: 0.1 where training begins with a linear probe and there
    /// are no adapters, else 1.</summary>
    public double? TrunkRate { get; init => field = value is { } v ? Require.InRange(v, 0, 1) : null; }

    /// <summary>Factor on the rate from one layer to the one before it, in (0, 1]; 1 means none.</summary>
    public double LayerDecay { get; init => field = Require.InRange(value, 1e-6, 1); } = 1;

    /// <summary>Weight decay, on matrices and filters alone.</summary>
    public double WeightDecay { get; init => field = Require.InRange(value, 0, 10); } = 0.05;

    /// <summary>Momentum of SGD.</summary>
    public double Momentum { get; init => field = Require.InRange(value, 0, 1); } = 0.9;

    /// <summary>Whether SGD looks ahead along its momentum (Nesterov's form).</summary>
    public bool Nesterov { get; init; }

    /// <summary>Share of each gradient that SGD leaves out of its velocity after the first step, 0 to 1.</summary>
    public double Dampening { get; init => field = Require.InRange(value, 0, 1); }

    /// <summary>Decay of AdamW's mean of gradients, β₁, 0 to below 1.</summary>
    public double AdamBeta1 { get; init => field = Require.InRange(value, 0, 0.9999999); } = 0.9;

    /// <summary>Decay of AdamW's mean of squared gradients, β₂, 0 to below 1.</summary>
    public double AdamBeta2 { get; init => field = Require.InRange(value, 0, 0.9999999); } = 0.999;

    /// <summary>What AdamW adds to the root of the mean square before it divides by it, 0 or more.</summary>
    public double AdamEps { get; init => field = Require.InRange(value, 0, 1); } = 1e-8;

    /// <summary>Linear warm-up as a share of all steps, 0 to 1; then the rate falls to <see cref="LearningRateFinal"/>.</summary>
    public double Warmup { get; init => field = Require.InRange(value, 0, 1); } = 0.05;

    /// <summary>Linear warm-up in epochs. Null: <see cref="Warmup"/>.</summary>
    public int? WarmupEpochs { get; init => field = value is { } v ? Require.AtLeast(v, 0) : null; }

    /// <summary>How the rate falls after the warm-up.</summary>
    public ScheduleShape LearningRateShape { get; init; } = ScheduleShape.Cosine;

    /// <summary>Rate of the first step of a warm-up, 0 or more.</summary>
    public double LearningRateStart { get; init => field = Require.InRange(value, 0, 1000); }

    /// <summary>Rate that the fall ends towards, 0 or more.</summary>
    public double LearningRateFinal { get; init => field = Require.InRange(value, 0, 1000); }

    /// <summary>What is not trained: a number N for the trunk's layers 0 … N − 1 (layer ids as in layer decay), <c>trunk</c>, or names of
    /// modules and parameters with commas between. Null: all is trained.</summary>
    public string? Freeze { get; init; }

    /// <summary>Decay of an exponential moving average of the weights, 0 to below 1: 0.999 looks back over about a thousand steps. It is
    /// evaluated beside the raw weights. Null: none.</summary>
    public double? Ema { get; init => field = value is { } v ? Require.InRange(v, 0, 0.9999999) : null; }

    /// <summary>Largest norm of the whole gradient. Null: not clipped.</summary>
    public double? ClipNorm { get; init => field = value is { } v ? Require.Positive(v) : null; }

    /// <summary>Training images kept of each class, drawn by the seed. Null: all.</summary>
    public int? LabelsPerClass { get; init => field = value is { } v ? Require.AtLeast(v, 1) : null; }

    /// <summary>Makes the training images a long tail, largest ÷ smallest class: images kept fall by a constant factor from class to class,
    /// in the order of labels. At least 1; null: all are kept.</summary>
    public double? Imbalance { get; init => field = value is { } v ? Require.InRange(v, 1, 1e9) : null; }

    /// <summary>Whether the folders named like parts (<c>train</c>, <c>valid</c>, <c>test_set</c>) at the top of a data folder are parts,
    /// whatever else lies there. Null: where that leaves no image unread.</summary>
    public bool? Parts { get; init; }

    /// <summary>Whether all folders at the top of a data folder are classes, whatever they are called. Null: as for
    /// <see cref="Parts"/>.</summary>
    public bool? Classes { get; init; }

    /// <summary>Column of a list that holds the images' paths. Null: <c>path</c>, <c>file_name</c>, <c>filename</c>, <c>file</c> or
    /// <c>image</c>, in any case.</summary>
    public string? PathColumn { get; init; }

    /// <summary>Column of a list, or of Parquet files, that holds the labels. Null: <c>label</c>, <c>class</c> or <c>category</c>, in any
    /// case.</summary>
    public string? LabelColumn { get; init; }

    /// <summary>Whether an image may show several classes, so that each class is a yes or no of its own (binary cross-entropy). False takes
    /// labels as they are written, one an image. Null: where an image has several.</summary>
    public bool? MultiLabel { get; init; }

    /// <summary>Column of a list that holds the parts. Null: <c>split</c>, <c>part</c> or <c>subset</c>, in any case.</summary>
    public string? SplitColumn { get; init; }

    /// <summary>Images that belong together stay in one part when data are divided: a column of the index, or a regular expression on the
    /// names whose parentheses catch the group. Null: each image is alone.</summary>
    public string? GroupBy { get; init; }

    /// <summary>Largest image that is read, in millions of pixels by its header. Null: 100.</summary>
    public int? MaxMegapixels { get; init => field = value is { } v ? Require.AtLeast(v, 1) : null; }

    /// <summary>List of images not to train or validate on: a name a line, or CSV with a column <c>path</c>, as <c>label-errors.csv</c>
    /// of a run. Null: none.</summary>
    public string? Exclude { get; init; }

    /// <summary>List of images to train and validate on under another label: CSV with the columns <c>path</c> and <c>suggested</c> (or
    /// <c>label</c>). Null: none.</summary>
    public string? Relabel { get; init; }

    /// <summary>Folder of images without labels to learn from too, by self-training: a first run, on the labels alone, labels those of
    /// which it is sure enough, and the run learns from both (Lee 2013, "Pseudo-label"; Xie et al. 2020, arXiv:1911.04252). A part of the
    /// labelled images is kept aside to choose and measure on. Null: none.</summary>
    public string? Unlabelled { get; init; }

    /// <summary>Labels of images in <see cref="Unlabelled"/>, in place of the first run's: CSV with the columns <c>path</c>, below that
    /// folder, and <c>label</c>. Null: the first run makes them.</summary>
    public string? PseudoLabels { get; init; }

    /// <summary>What share of the labels that the first run gives shall be right, 0.01 to 1: by it the confidence is chosen
    /// from which on an image is labelled, on images kept aside. Null: 0.8.</summary>
    public double? PseudoPrecision { get; init => field = value is { } v ? Require.InRange(v, 0.01, 1) : null; }

    /// <summary>Cross-validation: the run tests on fold <see cref="Seed"/> mod folds of division ⌊<see cref="Seed"/> / folds⌋. At least 2;
    /// null: one draw of the parts by the seed.</summary>
    public int? Folds { get; init => field = value is { } v ? Require.AtLeast(v, 2) : null; }

    /// <summary>Whether a part of the labelled images is kept aside to choose and measure on. Otherwise the model learns from all of them,
    /// and its accuracy, temperature and thresholds come from folds that were trained without. Null: kept aside, but where data come
    /// without parts to choose and measure on and hold few images.</summary>
    public bool? NoRefit { get; init; }

    /// <summary>Seed of the weights, the splits, the batches and the augmentation.</summary>
    public int Seed { get; init => field = Require.AtLeast(value, 0); }

    /// <summary>Where to compute: <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Number type of the products of training passes. Auto is decided once, before the first step, and recorded.</summary>
    public Precision Precision { get; init; }

    /// <summary>Whether the products of linear layers in float32 on the processor are libtorch's (true) or Schane's own (false). Null:
    /// whichever is clearly faster on this machine, measured once and recorded.</summary>
    public bool? NoOwnProducts { get; init; }

    /// <summary>Threads for the computation. Null: all cores.</summary>
    public int? Threads { get; init => field = value is { } v ? Require.AtLeast(v, 1) : null; }

    /// <summary>What to do with an image that can't be read.</summary>
    public OnBadImage OnBadImage { get; init; } = OnBadImage.Fail;

    /// <summary>Steps between checkpoints. Null: about every tenth of the run.</summary>
    public int? SaveEvery { get; init => field = value is { } v ? Require.AtLeast(v, 1) : null; }

    /// <summary>Steps between evaluations on the validation part. Null: about every tenth of the run.</summary>
    public int? EvaluateEvery { get; init => field = value is { } v ? Require.AtLeast(v, 1) : null; }

    /// <summary>Metric of the evaluations by which the best checkpoint is kept: <c>top1</c>, <c>mean_per_class</c> or <c>nll</c>, with
    /// <c>ema_</c> before it for the averaged weights.</summary>
    public string BestMetric { get; init; } = "top1";

    /// <summary>Evaluations without a better <see cref="BestMetric"/> after which training ends. Null: it never ends early.</summary>
    public int? Patience { get; init => field = value is { } v ? Require.AtLeast(v, 1) : null; }

    /// <summary>Which weights a finished run keeps as its model. Null: the averaged ones where there are any, else the last.</summary>
    public FinalWeights? FinalWeights { get; init; }

    /// <summary>Checkpoints kept, newest first; the best is kept beside them.</summary>
    public int KeepLast { get; init => field = Require.AtLeast(value, 1); } = 2;

    /// <summary>What happens when the loss or a gradient is not finite.</summary>
    public NonFinitePolicy OnNonFinite { get; init; }

    /// <summary>Steps that may be skipped in a run before it stops, where non-finite steps are skipped.</summary>
    public int SkipLimit { get; init => field = Require.AtLeast(value, 0); } = 10;

    /// <summary>Whether TensorBoard events are written beside the journal; their file names hold the machine's name.</summary>
    public bool Tensorboard { get; init; }

    /// <summary>Whether the run keeps no thumbnails of its images, and so shows none; for images that must not leave.</summary>
    public bool? NoThumbnails { get; init; }

    /// <summary>Whether the run begins without the proof that this machine computes its model as float64 says.</summary>
    public bool? NoProof { get; init; }
}
