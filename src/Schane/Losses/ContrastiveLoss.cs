using Schane.Losses.Pairs;
using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>
/// A contrastive loss: its name, its settings and what it computes, in one immutable object. <see cref="JointObjective"/> and the trainer
/// take any;
/// <see cref="LossRegistry"/> makes one known by name to recipes.
/// </summary>
/// <remarks>
/// Its settings are the properties with <c>init</c> that the record adds: each a <c>double</c>, <c>int</c>, <c>bool</c>, <c>string</c> or
/// enum, with its default as the initial value and its range in
/// the accessor. A setting of a recipe reaches the property of its name (<c>temperature</c> <c>Temperature</c>, <c>tau-plus</c>
/// <c>TauPlus</c>), and schedules move
/// <c>Temperature</c> and <c>Beta</c> where a loss has them. docs/cookbook.md has a loss of one's own, <c>samples/OwnLoss</c> a whole
/// program.
/// </remarks>
public abstract record ContrastiveLoss
{
    /// <summary>Name in recipes and on the command line: small letters, digits and '-'.</summary>
    public abstract string Name { get; }

    /// <summary>Name for people. Default: <see cref="Name"/>.</summary>
    public virtual string Label => Name;

    /// <summary>λ where none is set, 0 to 1. Default: 0.9.</summary>
    public virtual double DefaultLambda => 0.9;

    /// <summary>What its positives are, so what <see cref="Compute"/> is given as labels. Default: rows of the same class.</summary>
    public virtual Positives Positives => Positives.SameClass;

    /// <summary>The mean loss over the anchors, in nats (a distance for triplets), as a differentiable op graph on any device.</summary>
    /// <remarks>
    /// With several ranks each computes it over the rows of all. Where no anchor has what it needs the answer is NaN, at which the
    /// trainer stops with a sentence,
    /// and never 0, which would look like success.
    /// </remarks>
    /// <param name="embeddings">[N, D], float32 or float64, finite, any scale: a loss on cosines normalises its rows, x / max(‖x‖,
    /// 1e-12).</param>
    /// <param name="labels">[N], int64, same device: the class of each row, or its image where <see cref="Positives"/> is
    /// <see cref="Positives.SameImage"/>.</param>
    /// <returns>Scalar that carries the gradient of <paramref name="embeddings"/>.</returns>
    /// <exception cref="ArgumentException">A shape, type, device or value differs from the above.</exception>
    public abstract Tensor Compute(Tensor embeddings, Tensor labels);

    /// <summary>The formula of a loss on pairs, which the tiled kernel takes; null for a loss that computes by itself.</summary>
    internal virtual PairFormula? Formula => null;

    /// <summary>The same loss with the defaults for a model whose weights begin at random; a setting that was set stays.</summary>
    internal virtual ContrastiveLoss FromScratch => this;
}
