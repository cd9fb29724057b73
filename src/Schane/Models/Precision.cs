namespace Schane.Models;

/// <summary>
/// Number type that the trunk's matrix products and convolutions are taken in during training. Weights, their gradients, norms, softmax,
/// heads and loss stay float32 whatever it is, and so do evaluation, prediction and export.
/// </summary>
/// <remarks>Micikevicius et al. 2018, arXiv:1710.03740; bf16: Kalamkar et al. 2019, arXiv:1905.12322.</remarks>
public enum Precision
{
    /// <summary>Chosen once a run: bf16 on GPUs that have it, and on a CPU that has it where it is faster for the
    /// model; else float32.</summary>
    Auto,

    /// <summary>Single precision throughout.</summary>
    Float32,

    /// <summary>bfloat16: the range of float32 with 8 bits of mantissa; needs no loss scaling.</summary>
    Bf16,

    /// <summary>Half precision with loss scaling, on GPUs alone.</summary>
    Fp16,
}
