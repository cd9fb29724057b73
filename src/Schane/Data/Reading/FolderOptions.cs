using Schane.Data.Listing;
using Schane.Tensors;

namespace Schane.Data.Reading;

/// <summary>How <see cref="ImageFolder"/> reads a folder.</summary>
public sealed record FolderOptions
{
    /// <summary>Fewer classes than this are refused. 2 by default; 1 lets a single class pass, for evaluation or prediction.</summary>
    public int MinClasses { get; init => field = Require.AtLeast(value, 1); } = 2;

    /// <summary>Whether a class folder without images is left out, with a warning, instead of being refused. False by default.</summary>
    public bool AllowEmptyClasses { get; init; }

    /// <summary>What is refused unread.</summary>
    public ImageLimits Limits { get; init; } = ImageLimits.Default;

    /// <summary>What the folders at the top are.</summary>
    internal TopFolders Top { get; init; }

    /// <summary>What the columns of a list, or of Parquet files, are called; null for the customary names.</summary>
    internal string? PathColumn { get; init; }

    /// <summary>Whether images may have several classes; null: where the data say so.</summary>
    internal bool? MultiLabel { get; init; }

    /// <inheritdoc cref="PathColumn"/>
    internal string? LabelColumn { get; init; }

    /// <inheritdoc cref="PathColumn"/>
    internal string? SplitColumn { get; init; }
}
