using Schane.Losses.Pairs;
using Schane.Losses.Tiled;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>(1 − λ)·cross-entropy + λ·contrastive: what the trainer calls once a step, with everything the step's micro-batches and ranks
/// gave.</summary>
/// <remarks>
/// Not thread-safe; several objectives may be used at once, and take turns at the tiled kernel. The gradients are those of the mean over
/// all
/// rows, so the trainer adds them up and never averages.
/// </remarks>
public sealed class JointObjective
{
    private readonly JointOptions options;

    /// <summary>An objective.</summary>
    /// <exception cref="ArgumentException">Settings that contradict each other.</exception>
    public JointObjective(JointOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        this.options = options;
        Kernel = options.Kernel;
    }

    /// <summary>The resolved settings.</summary>
    public JointOptions Options => options;

    /// <summary>How the contrastive term is computed: the option, or what the first step chose. For the journal, and for the options of a
    /// resumed run.</summary>
    public LossKernel Kernel { get; private set; }

    /// <summary>Steps that the tiled kernel left to the op graph, because single precision does not hold exp(s) there (a very small
    /// τ).</summary>
    public long StepsLeftToOpGraph { get; private set; }

    /// <summary>Whether positives are views of one image, so that <c>imageIds</c> is needed.</summary>
    public bool NeedsImageIds => options.Loss.Positives == Positives.SameImage && options.Contrasts;

    /// <summary>The loss of one step and its gradients.</summary>
    /// <param name="embeddings">[N, D], all views of all images of the step, float32 or float64, any scale.</param>
    /// <param name="logits">[N, C]; may be null at λ = 1.</param>
    /// <param name="labels">[N], int64, 0 ≤ label &lt; C, or <see cref="CrossEntropyLoss.IgnoreIndex"/> for rows that cross-entropy
    /// leaves out, where neither
    /// the contrastive term (one whose positives are views doesn't) nor a mixture needs their class.</param>
    /// <param name="step">Optimiser step, from 0; moves the schedules.</param>
    /// <param name="imageIds">[N], int64: the image each row is a view of; needed where <see cref="NeedsImageIds"/> says so.</param>
    /// <param name="mixture">[N, C]: class shares of each row, sum 1, before label smoothing, where images were mixed. Where rows may be of
    /// several classes (<see cref="CrossEntropyLoss.IsMultiLabel"/>) 1 for each of them, and the cosine of two rows' classes takes the
    /// place of p(i,j). With <see cref="MixedPairs.Soft"/> the embeddings are of the mixed images too, with
    /// <see cref="MixedPairs.Clean"/> of the unmixed.</param>
    /// <returns>The caller disposes of it.</returns>
    /// <exception cref="ArgumentException">A shape, type, device or value differs from the above, an embedding is not finite, or the
    /// combination is
    /// refused.</exception>
    public StepLoss Compute(
        Tensor embeddings, Tensor? logits, Tensor labels, double step = 0, Tensor? imageIds = null, Tensor? mixture = null)
    {
        ArgumentNullException.ThrowIfNull(embeddings);
        return ComputeShare(new(0, embeddings.shape[0]), embeddings, logits, labels, step, imageIds, mixture);
    }

    /// <summary>
    /// The part of one rank, which answers for its own rows among those of all ranks and gives the logits of these alone: the losses and
    /// gradients
    /// of all ranks add up to the whole.
    /// </summary>
    internal StepLoss ComputeShare(
        OwnRows own, Tensor embeddings, Tensor? logits, Tensor labels, double step = 0, Tensor? imageIds = null, Tensor? mixture = null)
    {
        var loss = options.LossAt(step);
        var settings = options.At(step, loss);
        Check(embeddings, logits, labels, imageIds, mixture, own, settings);
        using var scope = NewDisposeScope();
        using var graph = enable_grad();
        var problem = Problem(labels, imageIds, mixture, own);
        var statistics = Count(embeddings, problem, labels);

        var (ce, logitGradient, accuracy) = settings.Lambda < 1
            ? CrossEntropy(logits!, labels, mixture, own, 1 - settings.Lambda) : (0, null, null);
        var (contrastive, embeddingGradient, rows) = settings.Lambda == 0 ? (0, null, null)
            : loss.Formula is { } formula ? Contrast(embeddings, problem, formula, settings.Lambda)
            : Contrast(embeddings, problem, loss, settings.Lambda);

        var total = (settings.Lambda < 1 ? (1 - settings.Lambda) * ce : 0) + (settings.Lambda > 0 ? settings.Lambda * contrastive : 0);
        return new(total, ce, contrastive, embeddingGradient?.MoveToOuterDisposeScope(), logitGradient?.MoveToOuterDisposeScope(),
            rows?.Summarise(statistics) ?? statistics)
        {
            Rows = rows,
            Settings = settings,
            Accuracy = accuracy,
        };
    }

    private (double, Tensor?, double?) CrossEntropy(Tensor logits, Tensor labels, Tensor? mixture, OwnRows own, double share)
    {
        var leaf = logits.detach().requires_grad_();
        var total = mixture is null ? options.CrossEntropy.Total(labels, leaf) : labels.shape[0];
        var target = mixture?.to_type(leaf.dtype) ?? labels;
        var loss = options.CrossEntropy.Sum(leaf, target.narrow(0, own.First, own.Count)) / total;
        (loss * share).backward();
        var answers = leaf.argmax(1);
        var right = (options.CrossEntropy.IsMultiLabel && mixture is not null
            ? target.narrow(0, own.First, own.Count).gather(1, answers.unsqueeze(1)) > 0
            : answers == (mixture is null ? labels : mixture.argmax(1)).narrow(0, own.First, own.Count)).to_type(ScalarType.Float64).mean();
        return (loss.to_type(ScalarType.Float64).item<double>(), leaf.grad!, right.item<double>());
    }

    /// <summary>A loss on pairs, by the kernel.</summary>
    private (double, Tensor?, RowStatistics?) Contrast(Tensor embeddings, PairProblem problem, PairFormula formula, double share)
    {
        if (Kernel == LossKernel.Auto)
            Kernel = TiledPairs.Takes(embeddings) ? LossKernel.Tiled : LossKernel.OpGraph;
        if (Kernel != LossKernel.OpGraph)
        {
            if (TiledPairs.Compute(embeddings, problem, formula, share, Kernel == LossKernel.TiledBf16) is { } tiled)
                return (tiled.Loss, tiled.Gradient, tiled.Rows);
            StepsLeftToOpGraph++;
        }
        var result = ChunkedGraph.Compute(embeddings, problem, formula, share);
        return (result.Loss, result.Gradient, result.Rows);
    }

    /// <summary>Any other loss, by its own op graph. Each rank computes all of it and takes its rows' share, so that a loss need not know
    /// of ranks.</summary>
    private static (double, Tensor?, RowStatistics?) Contrast(Tensor embeddings, PairProblem problem, ContrastiveLoss loss, double share)
    {
        var leaf = embeddings.detach().requires_grad_();
        var value = problem.Mixture is { } mixture ? ((ISoftPairs)loss).ComputeSoft(leaf, mixture) : loss.Compute(leaf, problem.Labels!);
        if (value.numel() != 1 || !value.requires_grad)
            throw new InvalidOperationException(
                $"The loss {loss.Name} must return one number that carries the gradient of the embeddings but returned " +
                $"[{string.Join(", ", value.shape)}]{(value.requires_grad ? "" : " without a gradient")}. " +
                "Compute it with tensor operations and without no_grad.");
        var part = (double)problem.Count / embeddings.shape[0];
        (value * (share * part)).backward();
        return (value.to_type(ScalarType.Float64).item<double>() * part, leaf.grad!, null);
    }

    private PairProblem Problem(Tensor labels, Tensor? imageIds, Tensor? mixture, OwnRows own) =>
        NeedsImageIds ? new(imageIds!, null, own.First, own.Count)
        : mixture is not null && options.Mixed == MixedPairs.Soft && options.Contrasts
            ? new(null, options.CrossEntropy.IsMultiLabel ? Directions(mixture) : mixture, own.First, own.Count)
        : new(labels, null, own.First, own.Count);

    /// <summary>Rows of unit length, whose products are the cosines of the sets of classes.</summary>
    private static Tensor Directions(Tensor sets) => nn.functional.normalize(sets.to_type(ScalarType.Float64), dim: 1);

    private BatchStatistics Count(Tensor embeddings, PairProblem problem, Tensor labels)
    {
        using var scope = NewDisposeScope();
        using var free = no_grad();
        using var pairs = problem.Weights();
        var classes = labels.masked_select(labels != options.CrossEntropy.IgnoreIndex).unique().output;
        return new((int)pairs.Rows, (pairs.Positives <= 0).to_type(ScalarType.Float64).mean().item<double>(),
            pairs.Positives.mean().item<double>(), pairs.Negatives.mean().item<double>())
        {
            Classes = problem.Mixture is { } sets && options.CrossEntropy.IsMultiLabel ? (sets.sum(dim: 0) > 0).sum().item<long>()
                : classes.shape[0],
            ZeroRows = (int)(embeddings.detach().norm(1) < PairLoss.SmallestNorm).sum().item<long>(),
        };
    }

    private void Check(
        Tensor embeddings, Tensor? logits, Tensor labels, Tensor? imageIds, Tensor? mixture, OwnRows own, JointSettings settings)
    {
        LossInput.Embeddings(embeddings);
        LossInput.Labels(labels, embeddings);
        var rows = embeddings.shape[0];
        if (own.First < 0 || own.Count < 1 || own.First + own.Count > rows)
            throw new ArgumentException($"own must name at least one row of the {rows} but is {own.First} to {own.First + own.Count - 1}.",
                nameof(own));
        if (settings.Lambda < 1)
        {
            ArgumentNullException.ThrowIfNull(logits);
            LossInput.SameDevice(logits, embeddings, nameof(logits));
            options.CrossEntropy.Check(logits);
            Require.Shape(logits, [own.Count, -1]);
        }
        if (Kernel is LossKernel.Tiled or LossKernel.TiledBf16 && settings.Lambda > 0 && options.Loss.Formula is not null
            && !TiledPairs.Takes(embeddings))
            throw new ArgumentException(
                $"embeddings must be float32 on a CPU with AVX2 for the tiled kernels but are {embeddings.dtype} on " +
                $"{embeddings.device}. Set Kernel to OpGraph.", nameof(embeddings));
        if (NeedsImageIds)
            LossInput.Labels(imageIds ?? throw new ArgumentNullException(nameof(imageIds),
                $"{options.Loss.Label} takes the views of one image as positives and needs imageIds."), embeddings, nameof(imageIds));
        else if (options.Contrasts && !(mixture is not null && options.Mixed == MixedPairs.Soft))
            Labelled(labels, $"{options.Loss.Label} takes rows of one class as positives", "Leave the row out, or choose SimCLR or HCL");
        if (mixture is null)
            return;
        LossInput.Mixture(mixture, embeddings, sets: options.CrossEntropy.IsMultiLabel);
        Labelled(labels, "cross-entropy takes the mixture of every row", "Leave the row out");
        if (logits is not null)
            Require.Shape(mixture, [rows, logits.shape[1]]);
        if (options.CrossEntropy.IsMultiLabel && options.Contrasts && !NeedsImageIds
            && (options.Loss.Formula is null || options.Mixed == MixedPairs.Clean))
            throw new ArgumentException($"{options.Loss.Label} can't compare rows by the classes that they share" +
                $"{(options.Loss.Formula is null ? "" : " with Mixed at Clean")}. Use soft pairs of SupCon or SCHaNe.", nameof(mixture));
        if (options.Mixed == MixedPairs.Soft && options.Contrasts && options.Loss is not ISoftPairs)
            throw new ArgumentException($"{options.Loss.Label} has no soft pairs: its positives are not shares of classes. " +
                "Set Mixed to Clean and give the embeddings of the unmixed images.", nameof(mixture));
    }

    // Rows that cross-entropy would leave out have no class to be compared by.
    private void Labelled(Tensor labels, string why, string wayOut)
    {
        using var scope = NewDisposeScope();
        var unlabelled = labels == options.CrossEntropy.IgnoreIndex;
        if (unlabelled.any().item<bool>())
            throw new ArgumentException($"labels must name a class in every row, since {why}, but row " +
                $"{unlabelled.to_type(ScalarType.Byte).argmax().item<long>()} is {options.CrossEntropy.IgnoreIndex}. {wayOut}.",
                nameof(labels));
    }
}
