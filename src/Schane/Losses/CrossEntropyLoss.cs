using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>Mean softmax cross-entropy, or binary cross-entropy where a row may be of several classes, in nats a row.</summary>
/// <remarks>
/// <code>
/// labels     Σ weight(y) [ (1 − ε) · −log q(y) ] + ε/C Σ weight(c) · −log q(c), over Σ weight(y); ignored rows leave both sums
/// mixtures   Σ over rows and classes of weight(c) · −t(c) log q(c), t smoothed alike, over N
/// focal      (1 − q(c))^γ beside each −log q(c); what the sums are divided by stays
/// several    q = sigmoid: Σ over rows and classes of weight(c) · [ −t(c) log q(c) − (1 − t(c)) log(1 − q(c)) ], over rows that count
/// </code>
/// The same means as <c>torch.nn.functional.cross_entropy</c> at γ 0. NaN when every row is ignored.
/// </remarks>
public sealed record CrossEntropyLoss
{
    /// <summary>Share ε of each target spread evenly over all classes, 0 to 1.</summary>
    public double LabelSmoothing { get; init => field = LossRanges.LabelSmoothing(value); }

    /// <summary>One weight a class, each above 0; null weighs all alike.</summary>
    public IReadOnlyList<double>? ClassWeights
    {
        get;
        init
        {
            foreach (var weight in value ?? [])
                Require.Positive(weight, nameof(ClassWeights));
            field = value;
        }
    }

    /// <summary>γ of the focal loss (Lin et al. 2017, arXiv:1708.02002), 0 to 20: rows that are right already count less. 0: plain
    /// cross-entropy.</summary>
    public double Gamma { get; init => field = LossRanges.Gamma(value); }

    /// <summary>Whether a row may be of several classes: each is a yes or no of its own by a sigmoid, the mixture is any value from 0 to 1
    /// for each, and smoothing moves each ε towards ½. By default classes exclude each other.</summary>
    public bool IsMultiLabel { get; init; }

    /// <summary>Rows with this label take no part.</summary>
    public long IgnoreIndex { get; init; } = -100;

    /// <summary>The mean over labelled rows.</summary>
    /// <param name="logits">[N, C], floating point.</param>
    /// <param name="labels">[N], int64, 0 ≤ label &lt; C or <see cref="IgnoreIndex"/>.</param>
    /// <returns>Scalar that carries the gradient of <paramref name="logits"/>.</returns>
    /// <exception cref="ArgumentException">A shape, type, device or label differs from the above.</exception>
    public Tensor Compute(Tensor logits, Tensor labels)
    {
        Check(logits);
        LossInput.Labels(labels, logits);
        using var scope = NewDisposeScope();
        var total = Total(labels, logits);
        return (Sum(logits, labels) / total).MoveToOuterDisposeScope();
    }

    /// <summary>The mean over mixed rows.</summary>
    /// <param name="logits">[N, C], floating point.</param>
    /// <param name="mixture">[N, C], class shares of each row, sum 1; any from 0 to 1 with <see cref="IsMultiLabel"/>.</param>
    /// <returns>Scalar that carries the gradient of <paramref name="logits"/>.</returns>
    /// <exception cref="ArgumentException">A shape, type, device or value differs from the above.</exception>
    public Tensor ComputeSoft(Tensor logits, Tensor mixture)
    {
        Check(logits);
        LossInput.Mixture(mixture, logits, sets: IsMultiLabel);
        Require.Shape(mixture, logits.shape);
        using var scope = NewDisposeScope();
        return (Sum(logits, mixture.to_type(logits.dtype)) / logits.shape[0]).MoveToOuterDisposeScope();
    }

    /// <summary>The sum over rows, before the division by <see cref="Total"/>: what one rank adds to the mean of all.</summary>
    internal Tensor Sum(Tensor logits, Tensor target)
    {
        using var scope = NewDisposeScope();
        if (IsMultiLabel)
            return Binary(logits, target).MoveToOuterDisposeScope();
        if (Gamma > 0)
            return Focal(logits, target).MoveToOuterDisposeScope();
        return nn.functional.cross_entropy(logits, target, Weights(logits), ignore_index: IgnoreIndex, reduction: nn.Reduction.Sum,
            label_smoothing: LabelSmoothing).MoveToOuterDisposeScope();
    }

    /// <summary>Σ weight(y) over the rows that are not ignored, their number where rows may be of several classes. Waits for the
    /// device.</summary>
    internal double Total(Tensor labels, Tensor logits)
    {
        using var scope = NewDisposeScope();
        var kept = labels != IgnoreIndex;
        var bad = kept & ((labels < 0) | (labels >= logits.shape[1]));
        if (bad.any().item<bool>())
            throw new ArgumentException(
                $"labels must lie between 0 and {logits.shape[1] - 1} (the logits have {logits.shape[1]} classes) but one is " +
                $"{labels.masked_select(bad)[0].item<long>()}.", nameof(labels));
        var weights = IsMultiLabel ? null : Weights(logits);
        return weights is null ? kept.sum().item<long>()
            : weights.index(labels.masked_select(kept)).to_type(ScalarType.Float64).sum().item<double>();
    }

    private Tensor Focal(Tensor logits, Tensor target)
    {
        var shares = Shares(logits, target) * (1 - LabelSmoothing) + LabelSmoothing / logits.shape[1];      // [n, C]
        var logs = nn.functional.log_softmax(logits, 1);
        // Where q is 1 to the last bit the slope of a power below 1 would be infinite, and the term's is 0.
        var rest = logs.expm1().neg().clamp_min(finfo(logits.dtype).tiny);
        return Weighed(logits, target, shares * rest.pow(Gamma) * logs);
    }

    private Tensor Binary(Tensor logits, Tensor target)
    {
        var yes = Shares(logits, target) * (1 - LabelSmoothing) + LabelSmoothing / 2;                       // [n, C]
        var (isOne, isNot) = (nn.functional.logsigmoid(logits), nn.functional.logsigmoid(-logits));
        var terms = Gamma == 0 ? yes * isOne + (1 - yes) * isNot
            : yes * (isNot * Gamma).exp() * isOne + (1 - yes) * (isOne * Gamma).exp() * isNot;
        return Weighed(logits, target, terms);
    }

    private static Tensor Shares(Tensor logits, Tensor target) => target.dtype == ScalarType.Int64
        ? nn.functional.one_hot(target.clamp_min(0), logits.shape[1]).to_type(logits.dtype) : target;

    /// <summary>−Σ of log-likelihoods [n, C] by the weights of their classes, without ignored rows.</summary>
    private Tensor Weighed(Tensor logits, Tensor target, Tensor terms)
    {
        if (target.dtype == ScalarType.Int64)
            terms = terms * (target != IgnoreIndex).to_type(logits.dtype).unsqueeze(1);
        return (Weights(logits) is { } weights ? terms * weights : terms).sum().neg();
    }

    private Tensor? Weights(Tensor logits) => ClassWeights is { } weights ? tensor(weights.ToArray(), logits.dtype, logits.device) : null;

    /// <summary>What it asks of the logits.</summary>
    internal void Check(Tensor logits)
    {
        LossInput.Embeddings(logits, nameof(logits));
        if (ClassWeights is { } weights && weights.Count != logits.shape[1])
            throw new ArgumentException(
                $"ClassWeights must have one weight for each of the {logits.shape[1]} classes but has {weights.Count}.",
                nameof(logits));
    }
}
