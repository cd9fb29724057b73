using System.Numerics.Tensors;

namespace Schane.Export;

/// <summary>How often which numbers stood in one value of a graph, over many images.</summary>
internal sealed class SeenValues
{
    /// <summary>A bin is what floats with the same upper half of their bits have: they differ by less than 1 in 128.</summary>
    private const int LowerHalf = 16;

    /// <summary>Parts of the whole range that are tried: 1, 39/40, … 1/5.</summary>
    private const int Parts = 40, LeastPart = 8;

    private readonly long[] counts = new long[1 << 32 - LowerHalf];
    private float low, high;

    /// <summary>Counts more of them.</summary>
    public void Add(ReadOnlySpan<float> values)
    {
        (low, high) = (Math.Min(low, TensorPrimitives.Min(values)), Math.Max(high, TensorPrimitives.Max(values)));
        foreach (var value in values)
            counts[BitConverter.SingleToUInt32Bits(value) >> LowerHalf]++;
    }

    /// <summary>The range from the smallest to the largest, or a part of it where the mean squared error of all numbers is less: one far
    /// number would else make the steps between all others wide.</summary>
    public Int8Range Range()
    {
        (double Value, long Count)[] bins = [.. counts.Index().Where(bin => bin.Item > 0).Select(bin => (Middle(bin.Index), bin.Item))];
        return Enumerable.Range(LeastPart, Parts - LeastPart + 1).Reverse()
            .Select(part => Int8Range.Of(low * part / Parts, high * part / Parts))
            .MinBy(range => bins.Sum(bin => bin.Count * Square(bin.Value - range.Nearest(bin.Value))));

        double Middle(int bin) =>
            Math.Clamp(BitConverter.UInt32BitsToSingle((uint)bin << LowerHalf | 1u << LowerHalf - 1), low, high);
    }

    private static double Square(double value) => value * value;
}
