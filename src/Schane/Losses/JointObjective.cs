using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>(1 − λ)·cross-entropy + λ·contrastive: what the trainer calls once a step, with everything the step's micro-batches and ranks gave.</summary>
/// <remarks>Not thread-safe. The gradients are those of the mean over all rows, so the trainer adds them up and never averages.</remarks>
public sealed class JointObjective
{
    private readonly JointOptions options;
    private readonly CrossEntropyLoss crossEntropy;

    /// <summary>An objective.</summary>
    /// <exception cref="ArgumentException">Settings that contradict each other.</exception>
    public JointObjective(JointOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Loss == LossKind.Ce && options.Lambda != 0)
            throw new ArgumentException($"Lambda must be 0 with the loss Ce, which has no contrastive term, but is {options.Lambda}. Set it to 0 or choose a contrastive loss.", nameof(options));
        this.options = options;
        crossEntropy = new(new() { LabelSmoothing = options.LabelSmoothing, ClassWeights = options.ClassWeights });
    }

    /// <summary>The resolved settings.</summary>
    public JointOptions Options => options;

    /// <summary>Whether positives are views of one image, so that <c>imageIds</c> is needed.</summary>
    public bool NeedsImageIds => options.Loss is LossKind.SimClr or LossKind.Hcl && options.Lambda > 0;

    /// <summary>The loss of one step and its gradients.</summary>
    /// <param name="embeddings">[N, D], all views of all images of the step, float32 or float64, any scale.</param>
    /// <param name="logits">[N, C]; may be null at λ = 1.</param>
    /// <param name="labels">[N], int64, 0 ≤ label &lt; C.</param>
    /// <param name="step">Optimiser step, from 0; moves the schedules.</param>
    /// <param name="imageIds">[N], int64: the image each row is a view of; SimCLR and HCL need it.</param>
    /// <param name="mixture">[N, C]: class shares of each row of logits, sum 1, before label smoothing, where images were mixed. With
    /// <see cref="MixedPairs.Soft"/> the embeddings are of the mixed images too, with <see cref="MixedPairs.Clean"/> of the unmixed.</param>
    /// <returns>The caller disposes of it.</returns>
    /// <exception cref="ArgumentException">A shape, type, device or value differs from the above, an embedding is not finite, or the combination is refused.</exception>
    public StepLoss Compute(Tensor embeddings, Tensor? logits, Tensor labels, long step = 0, Tensor? imageIds = null, Tensor? mixture = null)
    {
        Check(embeddings, logits, labels, imageIds, mixture);
        var settings = new JointSettings(options.Temperature, options.Beta, options.Lambda);
        using var scope = NewDisposeScope();
        using var graph = enable_grad();
        using var pairs = PairsOf(labels, imageIds, mixture);
        var statistics = Count(embeddings, pairs);

        var (ce, logitGradient) = settings.Lambda < 1 ? CrossEntropy(logits!, labels, mixture, 1 - settings.Lambda) : (0, null);
        var (contrastive, embeddingGradient, rows) = settings.Lambda == 0 ? (0, null, null)
            : options.Loss == LossKind.Triplet ? Triplets(embeddings, labels, settings.Lambda)
            : Contrast(embeddings, pairs, settings);

        var total = (settings.Lambda < 1 ? (1 - settings.Lambda) * ce : 0) + (settings.Lambda > 0 ? settings.Lambda * contrastive : 0);
        return new(total, ce, contrastive, embeddingGradient?.MoveToOuterDisposeScope(), logitGradient?.MoveToOuterDisposeScope(), rows?.Summarise(statistics) ?? statistics)
        {
            Rows = rows,
            Settings = settings,
        };
    }

    private PairFormula Formula(JointSettings settings) => options.Loss switch
    {
        LossKind.Schane => new(settings.Temperature, settings.Beta, options.Placement, options.DetachWeights),
        LossKind.SupCon => new(settings.Temperature, Placement: options.Placement),
        LossKind.Hcl when options.Estimator == HclEstimator.Hard => new(settings.Temperature, settings.Beta, TauPlus: options.TauPlus),
        _ => new(settings.Temperature),
    };

    private (double, Tensor?) CrossEntropy(Tensor logits, Tensor labels, Tensor? mixture, double share)
    {
        var leaf = logits.detach().requires_grad_();
        var loss = mixture is null ? crossEntropy.Compute(leaf, labels) : crossEntropy.ComputeSoft(leaf, mixture);
        (loss * share).backward();
        return (loss.to_type(ScalarType.Float64).item<double>(), leaf.grad!);
    }

    private (double, Tensor?, RowStatistics?) Triplets(Tensor embeddings, Tensor labels, double share)
    {
        var leaf = embeddings.detach().requires_grad_();
        var loss = new TripletLoss(new() { Margin = options.Margin }).Compute(leaf, labels);
        (loss * share).backward();
        return (loss.to_type(ScalarType.Float64).item<double>(), leaf.grad!, null);
    }

    private (double, Tensor?, RowStatistics?) Contrast(Tensor embeddings, Pairs pairs, JointSettings settings)
    {
        var formula = Formula(settings);
        var leaf = embeddings.detach().requires_grad_();
        var rows = new PairGraphStatistics(0, pairs.Rows, formula);
        var loss = PairGraph.Share(PairLoss.Units(leaf), pairs, formula, 0, pairs.Rows, rows.Add);
        (loss * settings.Lambda).backward();
        return (loss.to_type(ScalarType.Float64).item<double>(), leaf.grad!, rows.Result);
    }

    private Pairs PairsOf(Tensor labels, Tensor? imageIds, Tensor? mixture) =>
        NeedsImageIds ? Pairs.From(imageIds!)
        : mixture is not null && options.Mixed == MixedPairs.Soft && options.Lambda > 0 ? Pairs.FromMixture(mixture)
        : Pairs.From(labels);

    private static BatchStatistics Count(Tensor embeddings, Pairs pairs)
    {
        using var scope = NewDisposeScope();
        using var free = no_grad();
        return new((int)pairs.Rows, (pairs.Positives <= 0).to_type(ScalarType.Float64).mean().item<double>(), pairs.Positives.mean().item<double>(), pairs.Negatives.mean().item<double>())
        {
            ZeroRows = (int)(embeddings.detach().norm(1) < 1e-12).sum().item<long>(),
        };
    }

    private void Check(Tensor embeddings, Tensor? logits, Tensor labels, Tensor? imageIds, Tensor? mixture)
    {
        LossInput.Embeddings(embeddings);
        LossInput.Labels(labels, embeddings);
        if (options.Lambda < 1)
        {
            ArgumentNullException.ThrowIfNull(logits);
            Require.Shape(logits, [embeddings.shape[0], -1]);
        }
        if (NeedsImageIds)
            LossInput.Labels(imageIds ?? throw new ArgumentNullException(nameof(imageIds), $"{options.Loss} takes the views of one image as positives and needs imageIds."), embeddings, nameof(imageIds));
        if (mixture is null)
            return;
        LossInput.Mixture(mixture, embeddings);
        if (options.Mixed == MixedPairs.Soft && options.Lambda > 0 && options.Loss is LossKind.SimClr or LossKind.Hcl or LossKind.Triplet)
            throw new ArgumentException($"{options.Loss} has no soft pairs: its positives are not shares of classes. Set Mixed to Clean and give the embeddings of the unmixed images.", nameof(mixture));
    }
}
