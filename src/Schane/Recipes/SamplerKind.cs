namespace Schane.Recipes;

/// <summary>How batches are formed.</summary>
public enum SamplerKind
{
    /// <summary>P classes × K images: every anchor has a positive.</summary>
    Balanced,

    /// <summary>Any images, shuffled.</summary>
    Shuffled,

    /// <summary>Images drawn with replacement, rare classes more often (<see cref="Recipe.SamplingPower"/>).</summary>
    Weighted,

    /// <summary>As balanced, but classes that the last epoch confused with each other meet in one batch: hard negatives by construction.
    /// The first epoch is balanced.</summary>
    Hard,
}
