namespace Schane.Data.Sets;

/// <summary>Which images of <see cref="LookalikesDataset"/>. Base and novel parts share no class; no two parts share an image.</summary>
internal enum LookalikesPart
{
    /// <summary>Base classes, many images each: what the shipped weights were trained on.</summary>
    Base,

    /// <summary>Other images of the base classes.</summary>
    BaseValidation,

    /// <summary>Novel classes, few images each: the labels to fine-tune on.</summary>
    Train,

    /// <summary>Novel classes, for choices along the way.</summary>
    Validation,

    /// <summary>Novel classes, for the figure at the end.</summary>
    Test,
}
