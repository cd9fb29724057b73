namespace Schane.Losses.Tiled;

internal sealed unsafe partial class TiledPairLoss
{
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
        return new RowSlopes
        { Alpha = slopes.Pointer, Gamma = slopes.Pointer + full, Kappa = slopes.Pointer + 2L * full, Mu = slopes.Pointer + 3L * full }.From(
            row);
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
        var loss = Math.Log(denominator) + scale.Sigma - (formula.Placement == Placement.Inside
            ? Math.Log(sums.Positive / p) + scale.Sigma : sums.Attraction / (p * formula.Temperature));
        if (p > 0)
        {
            // A sum of nothing but numbers that single precision cut off.
            worker.Lost |= denominator < 1e-25 || (n > 0 && sums.Hard < 1e-25)
                || (formula.Placement == Placement.Inside && sums.Positive < 1e-25) || !double.IsFinite(loss);
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
}
