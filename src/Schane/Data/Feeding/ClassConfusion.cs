namespace Schane.Data.Feeding;

/// <summary>How often images of one class were taken for another: what the last epoch knows of hard negatives.</summary>
internal sealed class ClassConfusion
{
    private readonly long[] counts;                                       // [classes · classes], row = true class
    private readonly int classes;

    /// <param name="classes">How many classes there are, at least 1.</param>
    /// <param name="counts">Classes × classes counts, row after row; a row is the true class, a column the predicted one.</param>
    /// <exception cref="ArgumentException">There are not classes × classes counts.</exception>
    public ClassConfusion(int classes, IReadOnlyList<long> counts)
    {
        if (classes < 1 || counts.Count != (long)classes * classes)
            throw new ArgumentException($"counts must have {classes} × {classes} numbers but has {counts.Count}.", nameof(counts));
        (this.classes, this.counts) = (classes, [.. counts]);
    }

    /// <summary>How often one of two classes was taken for the other, either way.</summary>
    public long Between(int one, int other) => counts[one * classes + other] + counts[other * classes + one];
}
