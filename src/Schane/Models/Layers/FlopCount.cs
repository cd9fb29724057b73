namespace Schane.Models.Layers;

/// <summary>Counts multiply-adds of matrix products and convolutions in the passes of this thread while it is on.</summary>
internal static class FlopCount
{
    [ThreadStatic] private static long? sum;

    /// <summary>Multiply-adds of what <paramref name="pass"/> runs.</summary>
    public static long Of(Action pass)
    {
        sum = 0;
        try
        {
            pass();
            return sum.Value;
        }
        finally
        {
            sum = null;
        }
    }

    /// <summary>Notes multiply-adds where counting is on.</summary>
    public static void Add(long multiplyAdds)
    {
        if (sum is not null)
            sum += multiplyAdds;
    }
}
