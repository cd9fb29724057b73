namespace Schane.Data.Reading;

/// <summary>Which columns of an index mean what.</summary>
internal sealed record IndexOptions
{
    /// <summary>Column of the image's path, relative to <see cref="Root"/>. Null: one of the customary names.</summary>
    public string? PathColumn { get; init; }

    /// <summary>Column of the class name. Null: one of the customary names.</summary>
    public string? LabelColumn { get; init; }

    /// <summary>Column of the part (<c>train</c>, <c>val</c>, <c>test</c>), where there is one. Null: one of the customary names,
    /// if there is one.</summary>
    public string? SplitColumn { get; init; }

    /// <summary>Told that there is a column of parts; one that is named may then be missing.</summary>
    public Action? SplitFound { get; init; }

    /// <summary>The classes in the order of their labels; null for those of the index in order of names. A label outside
    /// the list is refused.</summary>
    public IReadOnlyList<string>? Classes { get; init; }

    /// <summary>Whether an image may have several labels: in one text with <c>;</c> or <c>|</c> between, in an array, or one a line. False
    /// takes texts as they are; null takes several where a row has them.</summary>
    public bool? MultiLabel { get; init; }

    /// <summary>The folder that paths are relative to; the index's own if null. No path may lead out of one that is
    /// named here.</summary>
    public string? Root { get; init; }

    /// <summary>What is refused unread.</summary>
    public ImageLimits Limits { get; init; } = ImageLimits.Default;
}
