namespace Schane.Losses;

/// <summary>Which rows of a batch a contrastive loss draws to an anchor.</summary>
public enum Positives
{
    /// <summary>The other rows of the anchor's class.</summary>
    SameClass,

    /// <summary>The other views of the anchor's image; classes play no part.</summary>
    SameImage,

    /// <summary>None: there is no contrastive term.</summary>
    None,
}
