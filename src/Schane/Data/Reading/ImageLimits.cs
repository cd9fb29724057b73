using Schane.Tensors;

namespace Schane.Data.Reading;

/// <summary>What a file may ask for before it is refused. Both limits are checked before any pixel is decoded.</summary>
public sealed record ImageLimits
{
    /// <summary>The limits used where none are given.</summary>
    public static ImageLimits Default { get; } = new();

    /// <summary>Width × height that the header may state. 100 million by default: 400 MB while it is decoded.</summary>
    public long MaxPixels
    {
        get;
        init => field = value >= 1
            ? value : throw new ArgumentOutOfRangeException(nameof(MaxPixels), $"MaxPixels must be at least 1 but is {value}.");
    } = 100_000_000;

    /// <summary>What its user calls <see cref="MaxPixels"/>, for the sentence that names the way out.</summary>
    internal string SettingOfPixels { get; init; } = nameof(MaxPixels);

    /// <summary>Size of the file in MiB. 256 by default.</summary>
    public int MaxMegabytes { get; init => field = Require.AtLeast(value, 1); } = 256;

    /// <summary>Whether the package Schane.Formats is left alone, as for images that anyone may send. Off by default.</summary>
    internal bool OnlyBuiltIn { get; init; }
}
