using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Schane.Evaluation.Embeddings;

// n images, D embedding width.

/// <summary>For each image the image of another class that is most like it by cosine, over all images.</summary>
/// <param name="Rows">n rows; −1 where there is no other class.</param>
/// <param name="Cosines">n cosines.</param>
internal sealed record HardestNegatives(int[] Rows, float[] Cosines)
{
    /// <summary>Of a tile; a strip is what one thread takes of its columns.</summary>
    private const int Height = 512, Width = 2048, Strip = 128;

    /// <summary>Two images of different classes that look alike to the model.</summary>
    public readonly record struct Pair(int First, int Second, float Cosine);

    /// <summary>
    /// Measures in float32, by tiles of rows against rows of later classes that stay in cache, so that each pair is multiplied once and no
    /// n × n matrix is held. Rows stand in the order of their classes: what a row must not look at ends where its class does.
    /// </summary>
    public static HardestNegatives Of(EmbeddingSet data)
    {
        var n = data.Count;
        int[] order = [.. Enumerable.Range(0, n).OrderBy(row => data.Labels[row])];
        var end = new int[n];                                             // where the class of a row ends
        for (var i = n - 1; i >= 0; i--)
            end[i] = i < n - 1 && data.Labels[order[i]] == data.Labels[order[i + 1]] ? end[i + 1] : i + 1;
        var (rows, cosines) = (new int[n], new float[n]);
        Array.Fill(rows, -1);
        Array.Fill(cosines, float.NegativeInfinity);

        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var unit = nn.functional.normalize(data.Rows(order).ToTensor(ScalarType.Float32), dim: 1);                 // [n, D]
        var room = empty(Height * Width);
        for (var top = 0; top < n; top += Height)
            for (var left = end[top]; left < n; left += Width)
            {
                using var tile = NewDisposeScope();
                var (height, width) = (Math.Min(Height, n - top), Math.Min(Width, n - left));
                var similarity = room.narrow(0, 0, height * width).view(height, width);
                // [height, width], the same memory again
                similarity.addmm_(unit.narrow(0, top, height), unit.narrow(0, left, width).T, beta: 0, alpha: 1);
                var from = (int row) => Math.Max(0, end[top + row] - left);
                Parallel.For(0, (height + Strip - 1) / Strip, strip =>
                {
                    var all = MemoryMarshal.Cast<byte, float>(similarity.bytes);
                    for (var row = strip * Strip; row < Math.Min(height, (strip + 1) * Strip); row++)
                        if (from(row) is var first && first < width && all[(row * width + first)..((row + 1) * width)] is var values
                            && AnyAbove(values, cosines[top + row]))
                        {
                            var at = TensorPrimitives.IndexOfMax<float>(values);
                            (rows[top + row], cosines[top + row]) = (left + first + at, values[at]);
                        }
                });
                Parallel.For(0, (width + Strip - 1) / Strip, strip =>
                {
                    var all = MemoryMarshal.Cast<byte, float>(similarity.bytes);
                    var (start, stop) = (strip * Strip, Math.Min(width, (strip + 1) * Strip));
                    for (var row = 0; row < height; row++)
                        if (Math.Max(start, from(row)) is var first && first < stop)
                            Raise(all[(row * width + first)..(row * width + stop)], cosines.AsSpan(left + first),
                                rows.AsSpan(left + first), top + row);
                });
            }
        var (found, cosine) = (new int[n], new float[n]);
        for (var i = 0; i < n; i++)
            (found[order[i]], cosine[order[i]]) = rows[i] < 0 ? (-1, float.NaN) : (order[rows[i]], cosines[i]);
        return new(found, cosine);
    }

    /// <summary>The most alike first; an image stands in one pair only, so that one odd image can't fill the list.</summary>
    public IReadOnlyList<Pair> Pairs(int count)
    {
        var (pairs, shown) = (new List<Pair>(), new HashSet<int>());
        foreach (var row in Enumerable.Range(0, Rows.Length).Where(row => Rows[row] >= 0).OrderByDescending(row => Cosines[row]))
        {
            if (pairs.Count == count)
                break;
            if (shown.Contains(row) || shown.Contains(Rows[row]))
                continue;
            shown.Add(row);
            shown.Add(Rows[row]);
            pairs.Add(new(row, Rows[row], Cosines[row]));
        }
        return pairs;
    }

    private static bool AnyAbove(ReadOnlySpan<float> values, float best)
    {
        var (lanes, i) = (Vector<float>.Count, 0);
        for (var limit = new Vector<float>(best); i + lanes <= values.Length; i += lanes)
            if (Vector.GreaterThanAny(new Vector<float>(values[i..]), limit))
                return true;
        for (; i < values.Length; i++)
            if (values[i] > best)
                return true;
        return false;
    }

    /// <summary>Raises the greatest cosine of each column, and who has it, to those of a row.</summary>
    private static void Raise(ReadOnlySpan<float> values, Span<float> best, Span<int> which, int row)
    {
        var (lanes, i) = (Vector<float>.Count, 0);
        for (var rows = new Vector<int>(row); i + lanes <= values.Length; i += lanes)
        {
            var (value, old) = (new Vector<float>(values[i..]), new Vector<float>(best[i..]));
            if (!Vector.GreaterThanAny(value, old))
                continue;
            var greater = Vector.GreaterThan(value, old);
            Vector.ConditionalSelect(greater, value, old).CopyTo(best[i..]);
            Vector.ConditionalSelect(greater, rows, new Vector<int>(which[i..])).CopyTo(which[i..]);
        }
        for (; i < values.Length; i++)
            if (values[i] > best[i])
                (best[i], which[i]) = (values[i], row);
    }
}
