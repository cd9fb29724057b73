using static TorchSharp.torch;

namespace Schane.Losses;

/// <summary>The loss of a run that another program trained with a loss of its own: a name, which says what to do when it is
/// computed.</summary>
internal sealed record UnknownLoss(string Name) : ContrastiveLoss
{
    public override string Name { get; } = Name;

    public override Tensor Compute(Tensor embeddings, Tensor labels) => throw Refused;

    /// <summary>Why it can't be trained with, and the way out.</summary>
    public SchaneException Refused => new($"This program has no loss '{Name}'{Nearest.Hint(Name, LossRegistry.Names)}; " +
        $"there are {string.Join(", ", LossRegistry.Names)}. Train in the program that has it, after LossRegistry.Register.");
}
