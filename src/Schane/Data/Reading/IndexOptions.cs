namespace Schane.Data.Reading;

/// <summary>Which columns of an index mean what.</summary>
internal sealed record IndexOptions
{
    /// <summary>Column of the image's path, relative to <see cref="Root"/>. <c>path</c> by default.</summary>
    public string PathColumn { get; init; } = "path";

    /// <summary>Column of the class name. <c>label</c> by default.</summary>
    public string LabelColumn { get; init; } = "label";

    /// <summary>Column of the part (<c>train</c>, <c>val</c>, <c>test</c>), where there is one. <c>split</c> by default.</summary>
    public string SplitColumn { get; init; } = "split";

    /// <summary>The classes in the order of their labels; null for those of the index in order of names. A label outside
    /// the list is refused.</summary>
    public IReadOnlyList<string>? Classes { get; init; }

    /// <summary>The folder that paths are relative to; the index's own if null. No path may lead out of it.</summary>
    public string? Root { get; init; }

    /// <summary>What is refused unread.</summary>
    public ImageLimits Limits { get; init; } = ImageLimits.Default;
}
