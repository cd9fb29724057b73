namespace Schane.Distributed;

/// <summary>How ranks work together.</summary>
public sealed record RankOptions
{
    /// <summary>How long the others wait for a rank that gives no sign of life before the whole job ends; 1 s or more,
    /// 10 minutes by default.</summary>
    public TimeSpan Deadline
    {
        get;
        init => field = value >= TimeSpan.FromSeconds(1) ? value
            : throw new ArgumentOutOfRangeException(nameof(Deadline), $"Deadline must be at least 1 s but is {value.TotalSeconds} s.");
    } = TimeSpan.FromMinutes(10);

    /// <summary>Bytes of gradient that are summed in one call, 1 KiB to 1 GiB; 32 MiB by default. Gradients on a GPU pass through a buffer
    /// of this size where MPI carries them.</summary>
    public int BucketBytes
    {
        get;
        init => field = value is >= 1 << 10 and <= 1 << 30 ? value
            : throw new ArgumentOutOfRangeException(nameof(BucketBytes),
                $"BucketBytes must lie between 1024 and {1 << 30} but is {value}.");
    } = 32 << 20;

    /// <summary>Elements that MPI gathers in one call, whose counts are 32-bit; more go by a broadcast from each rank.</summary>
    internal long GatheredAtOnce { get; init; } = int.MaxValue;

    /// <summary>Whether NCCL carries and adds float32 sums as bfloat16: half the bytes, three digits fewer. False by default; MPI
    /// always adds in float32.</summary>
    public bool BFloat16OnTheWire { get; init; }
}
