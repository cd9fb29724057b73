using static TorchSharp.torch;

namespace Schane.Models;

/// <summary>A trunk that may have a second classifier, for a distillation token (DeiT). Logits are the mean of both.</summary>
internal interface ITwoHeaded
{
    /// <summary>Whether this one has.</summary>
    bool HasTwoHeads { get; }

    /// <summary>What the two heads see, [n, D] each.</summary>
    (Tensor Class, Tensor Distillation) HeadInputs(Tensor features);
}
