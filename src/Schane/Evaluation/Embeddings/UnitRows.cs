using System.Numerics.Tensors;
using Schane.Tensors;

namespace Schane.Evaluation.Embeddings;

/// <summary>Embeddings of length 1, and which of them are of one image.</summary>
internal static class UnitRows
{
    /// <summary>Distance up to which two images are the same: rounding moves an embedding by 1e-6, TF32 on a GPU by about 1e-3 at most; the
    /// nearest two of 10,000 photographs lie 0.02 apart (docs/log.md).</summary>
    internal const float Same = 1e-3f;

    /// <summary>Scales each row to length 1, in place.</summary>
    public static float[] Of(float[] values, int width)
    {
        for (var start = 0; start < values.Length; start += width)
        {
            var row = values.AsSpan(start, width);
            TensorPrimitives.Divide(row, Math.Max(TensorPrimitives.Norm<float>(row), 1e-12f), row);
        }
        return values;
    }

    /// <summary>For each row the first that is of the same image, itself where that is none before it. Rows are sorted along one direction,
    /// so that only those that lie near each other there are compared.</summary>
    public static int[] FirstOfSame(float[] units, int width)
    {
        var random = new SampleRandom(0);
        var direction = Of([.. Enumerable.Range(0, width).Select(_ => (float)random.Normal())], width);
        ReadOnlySpan<float> Row(int row) => units.AsSpan(row * width, width);
        float[] along = [.. Enumerable.Range(0, units.Length / width).Select(row => TensorPrimitives.Dot(Row(row), direction))];
        int[] order = [.. Enumerable.Range(0, along.Length)], group = [.. order.Select(_ => -1)], first = [.. order];
        Array.Sort([.. along], order);
        for (var at = 0; at < order.Length; at++)
        {
            var own = order[at];
            if (group[own] >= 0)
                continue;
            group[own] = own;
            for (var next = at + 1; next < order.Length && along[order[next]] - along[own] <= 2 * Same; next++)
                if (group[order[next]] < 0 && TensorPrimitives.Distance(Row(own), Row(order[next])) <= Same)
                {
                    group[order[next]] = own;
                    first[own] = Math.Min(first[own], order[next]);
                }
        }
        return [.. group.Select(leader => first[leader])];
    }
}
