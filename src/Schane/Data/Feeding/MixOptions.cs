using Schane.Tensors;

namespace Schane.Data.Feeding;

/// <summary>How <see cref="BatchMixer"/> mixes images: Mixup (Zhang et al. 2017, arXiv:1710.09412) and CutMix (Yun et al.
/// 2019, arXiv:1905.04899).</summary>
internal sealed record MixOptions
{
    /// <summary>α of Mixup's share λ ~ Beta(α, α); 0 turns Mixup off. 0.8 by default.</summary>
    public double MixupAlpha { get; init => field = Require.InRange(value, 0, 1000); } = 0.8;

    /// <summary>α of CutMix's share λ ~ Beta(α, α); 0 turns CutMix off. 1 by default.</summary>
    public double CutMixAlpha { get; init => field = Require.InRange(value, 0, 1000); } = 1;

    /// <summary>How often CutMix is taken where both are on. 0.5 by default.</summary>
    public double CutMixShare { get; init => field = Require.InRange(value, 0, 1); } = 0.5;

    /// <summary>How often a group is mixed at all. 1 by default.</summary>
    public double Probability { get; init => field = Require.InRange(value, 0, 1); } = 1;

    /// <summary>
    /// Images that draw one λ and exchange partners, consecutive in the batch of all ranks; even. Shares of ranks and micro-batches must be
    /// multiples of it. 16 by default.
    /// </summary>
    public int GroupSize
    {
        get;
        init => field = value >= 2 && value % 2 == 0
            ? value : throw new ArgumentOutOfRangeException(nameof(GroupSize), $"GroupSize must be even and at least 2 but is {value}.");
    } = 16;
}
