using Schane.Losses.Pairs;

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

    private static long Across(int row, int depth) => (long)(row / MatrixKernel.PanelWidth) * MatrixKernel.PanelWidth * depth + row % MatrixKernel.PanelWidth;

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

    // Adds up the sums of all threads, and turns them into losses and slopes. Rows that are no anchors get slopes of 0.
    private void Settle(int t)
    {
        var (from, to) = Part(t);
        var worker = workers[t];
        (worker.Loss, worker.Lost) = (0, false);
        var full = RoundUp(rows, 96) + 96;
        var all = SlopesAt(0);
        if (to == rows)
        {
            for (var i = rows; i < full; i++)
                all.Alpha[i] = all.Gamma[i] = all.Kappa[i] = all.Mu[i] = 0;
        }
        for (var i = from; i < to; i++)
        {
            all.Alpha[i] = all.Gamma[i] = all.Kappa[i] = all.Mu[i] = 0;
            var sums = workers[0].Sums.Pointer + i;
            for (var other = 1; other < active; other++)
            {
                var more = workers[other].Sums.Pointer[i];
                sums->Norm += more.Norm;
                sums->Hard += more.Hard;
                sums->Entropy += more.Entropy;
                sums->Positive += more.Positive;
                sums->Attraction += more.Attraction;
                if (more.Largest > sums->Largest)
                    (sums->Largest, sums->Tile) = (more.Largest, more.Tile);
            }
            if (i < anchors)
                SettleAnchor(i, *sums, all, worker);
        }
    }

    private RowSlopes SlopesAt(long row)
    {
        var full = RoundUp(rows, 96) + 96;
        return new RowSlopes { Alpha = slopes.Pointer, Gamma = slopes.Pointer + full, Kappa = slopes.Pointer + 2L * full, Mu = slopes.Pointer + 3L * full }.From(row);
    }

    private void SettleAnchor(int i, RowSums sums, RowSlopes to, Worker worker)
    {
        // Everything is in units of exp σ.
        var p = positives[i];
        var n = rows - 1 - p;
        var weight = Math.Min(1, p);
        var norm = formula.Beta == 0 ? n : sums.Norm;
        var (inverse, factor) = (1 / (1 - formula.TauPlus), formula.TauPlus > 0 ? formula.TauPlus * n / p : 0);
        var negatives = n > 0 ? n * sums.Hard / norm : 0;
        var (pushed, pulled) = (1.0, 1.0);
        if (formula.TauPlus > 0 && n > 0)
        {
            var floor = n * Math.Exp(-1 / formula.Temperature - scale.Sigma);
            var debiased = (negatives - factor * sums.Positive) * inverse;
            (negatives, pushed, pulled) = debiased > floor ? (debiased, inverse, 1 - factor * inverse) : (floor, 0, 1);
        }
        var denominator = sums.Positive + negatives;
        var loss = Math.Log(denominator) + scale.Sigma - (formula.Placement == Placement.Inside ? Math.Log(sums.Positive / p) + scale.Sigma : sums.Attraction / (p * formula.Temperature));
        if (p > 0)
        {
            // A sum of nothing but numbers that single precision cut off.
            worker.Lost |= denominator < 1e-25 || (n > 0 && sums.Hard < 1e-25) || (formula.Placement == Placement.Inside && sums.Positive < 1e-25) || !double.IsFinite(loss);
            worker.Loss += weight * loss;
            var unit = weight * gradientScale / (totalWeight * formula.Temperature);
            to.Alpha[i] = (float)(unit * (pulled / denominator - (formula.Placement == Placement.Inside ? 1 / sums.Positive : 0)));
            to.Gamma[i] = (float)(formula.Placement == Placement.Inside ? 0 : unit / p);
            if (n > 0)
            {
                var through = formula.DetachWeights ? 0 : formula.Beta;
                to.Kappa[i] = (float)(unit * pushed / denominator * n * (1 + through) / norm);
                to.Mu[i] = (float)(unit * pushed / denominator * n * through * sums.Hard / (norm * norm));
            }
        }
        if (watched is not { } watch)
            return;
        var at = order.Pointer[i] - (int)watch.First;
        watch.Loss[at] = p > 0 ? (float)loss : 0;
        watch.Positives[at] = (float)p;
        watch.PositiveSimilarity[at] = p > 0 ? (float)(sums.Attraction / p) : float.NaN;
        watch.HardestNegative[at] = -1;
        watch.HardestNegativeSimilarity[at] = sums.Tile < 0 ? float.NaN : sums.Largest;
        watch.EffectiveNegatives[at] = n <= 0 ? float.NaN : formula.Beta == 0 ? (float)n
            : (float)Math.Exp(Math.Log(norm) + formula.Beta * scale.Sigma - formula.Beta / formula.Temperature * sums.Entropy / norm);
        watch.NegativeSimilarity[at] = n > 0 ? (float)((WithAll(worker, i) - sums.Attraction) / n) : float.NaN;
    }

    // Σ over j ≠ i of the cosine, from the sum of all unit rows.
    private double WithAll(Worker worker, int i)
    {
        var unit = Unit(worker, i);
        var sum = -RowMath.Dot(unit, unit);
        for (var t = 0; t < active; t++)
            sum += RowMath.Dot(unit, workers[t].Sum.AsSpan(0, width));
        return sum;
    }

    // Adds up the gradients of all threads and goes back through the normalisation: (g − (g·u) u) / norm; where the norm was clamped it is a constant.
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
