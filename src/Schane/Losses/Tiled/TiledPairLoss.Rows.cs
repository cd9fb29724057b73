using Schane.Losses.Pairs;
using Schane.Products;

namespace Schane.Losses.Tiled;

/// <content>The phases that go by rows.</content>
internal sealed unsafe partial class TiledPairLoss
{
    // Anchors first, each part by label: off-diagonal tiles then hold negatives alone, or nearly.
    private void Sort(long* labels, int first)
    {
        var sorted = order.Pointer;
        var ids = classes.Pointer;
        for (var i = 0; i < rows; i++)
            sorted[i] = i;
        new Span<int>(ids, RoundUp(rows, 96) + 96).Fill(-1);
        if (labels != null)
        {
            new ReadOnlySpan<long>(labels, rows).CopyTo(keys);
            keys.AsSpan(0, rows).Sort(new Span<int>(sorted, rows));
        }
        if (anchors < rows)
        {
            // Stable partition; classes serves as scratch.
            var (own, other) = (0, anchors);
            for (var i = 0; i < rows; i++)
                ids[sorted[i] >= first && sorted[i] < first + anchors ? own++ : other++] = sorted[i];
            new Span<int>(ids, rows).CopyTo(new Span<int>(sorted, rows));
            new Span<int>(ids, rows).Fill(-1);
        }
        if (labels == null)
            return;
        // keys is sorted: a label's number is the number of labels below it, found in step with both parts.
        Number(labels, sorted, ids, 0, anchors);
        Number(labels, sorted, ids, anchors, rows);
    }

    private void Number(long* labels, int* sorted, int* ids, int from, int to)
    {
        var (at, id) = (0, 0);
        for (var i = from; i < to; i++)
        {
            var label = labels[sorted[i]];
            while (keys[at] != label)
            {
                if (keys[at + 1] != keys[at])
                    id++;
                at++;
            }
            ids[i] = id;
        }
    }

    // |P(i)| from the lengths of runs of equal labels, in the order of keys; then to the rows.
    private void Count()
    {
        var ids = classes.Pointer;
        Span<double> counts = positives.AsSpan(0, rows);
        totalWeight = 0;
        var id = 0;
        for (var i = 0; i < rows;)
        {
            var end = i + 1;
            while (end < rows && keys[end] == keys[i])
                end++;
            if (end - i > 1)
                totalWeight += end - i;
            counts[id++] = end - i - 1;
            i = end;
        }
        // From labels to rows: norms is free until the rows are prepared.
        for (var i = 0; i < rows; i++)
            norms.Pointer[i] = (float)counts[ids[i]];
        for (var i = 0; i < rows; i++)
            counts[i] = norms.Pointer[i];
    }

    // |P(i)| of mixtures: y(i)·Σ y − y(i)·y(i).
    private void Spread(float* mixture)
    {
        var c = mixedClasses;
        var panels = RoundUp(rows, MatrixKernel.PanelWidth);
        var straight = shares.Ensure((long)(rows + MatrixKernel.RowGroup) * c);
        var across = sharesTransposed.Ensure((long)panels * c);
        new Span<float>(straight + (long)rows * c, MatrixKernel.RowGroup * c).Clear();
        new Span<float>(across + (long)(panels - MatrixKernel.PanelWidth) * c, MatrixKernel.PanelWidth * c).Clear();
        if (keys.Length < c)
            Array.Resize(ref keys, c);
        var totals = System.Runtime.InteropServices.MemoryMarshal.Cast<long, double>(keys.AsSpan(0, c));
        totals.Clear();
        for (var i = 0; i < rows; i++)
        {
            var from = mixture + (long)order.Pointer[i] * c;
            for (var k = 0; k < c; k++)
            {
                straight[(long)i * c + k] = from[k];
                across[Across(i, c) + (long)k * MatrixKernel.PanelWidth] = from[k];
                totals[k] += from[k];
            }
        }
        totalWeight = 0;
        for (var i = 0; i < rows; i++)
        {
            var sum = 0.0;
            for (var k = 0; k < c; k++)
                sum += straight[(long)i * c + k] * (totals[k] - straight[(long)i * c + k]);
            positives[i] = Math.Clamp(sum, 0, rows - 1);
            totalWeight += Math.Min(1, positives[i]);
        }
    }

    private static long Across(int row, int depth) =>
        (long)(row / MatrixKernel.PanelWidth) * MatrixKernel.PanelWidth * depth + row % MatrixKernel.PanelWidth;

    private void Prepare(int t)
    {
        var (from, to) = Part(t);
        var sum = workers[t].Sum.AsSpan(0, width);
        sum.Clear();
        for (var i = from; i < to; i++)
        {
            var input = new ReadOnlySpan<float>(source + (long)order.Pointer[i] * width, width);
            norms.Pointer[i] = (float)Math.Max(Math.Sqrt(RowMath.Dot(input, input)), PairLoss.SmallestNorm);
            var unit = Unit(workers[t], i);
            products.Put(i, workers[t].Unit.Pointer);
            RowMath.Add(sum, unit);
        }
    }

    // The copies that the products read. And clears what the tiles add to.
    private void Arrange(int t)
    {
        var (from, to) = Part(t);
        products.Arrange(t, from, to);
        var sums = workers[t].Sums.Pointer;
        for (var i = 0; i < rows; i++)
            sums[i] = new RowSums { Largest = -2, Tile = -1 };
    }

    // Made again where it is needed, which costs less than keeping all.
    private Span<float> Unit(Worker worker, int i)
    {
        var unit = new Span<float>(worker.Unit.Pointer, width);
        RowMath.Divide(new(source + (long)order.Pointer[i] * width, width), norms.Pointer[i], unit);
        return unit;
    }

    // Adds up the gradients of all threads and goes back through the normalisation: (g − (g·u) u) / norm; where the
    // norm was clamped it is a constant.
    private void Finish(int t)
    {
        var (from, to) = Part(t);
        for (var i = from; i < to; i++)
        {
            var sum = new Span<float>(products.Total(i, workers[t].Total.Pointer), width);
            var unit = Unit(workers[t], i);
            var radial = norms.Pointer[i] > (float)PairLoss.SmallestNorm ? (float)RowMath.Dot(sum, unit) : 0;
            RowMath.SubtractAndDivide(sum, unit, radial, norms.Pointer[i], new Span<float>(target + (long)order.Pointer[i] * width, width));
        }
    }
}
