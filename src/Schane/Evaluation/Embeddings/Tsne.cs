using System.Numerics;
using System.Numerics.Tensors;

namespace Schane.Evaluation.Embeddings;

// n points, k coordinates.

/// <summary>
/// A map in two dimensions on which near points stay near: exact t-SNE (van der Maaten and Hinton 2008), O(n²) a step, begun at the first
/// two coordinates as Kobak and Berens (2019, doi:10.1038/s41467-019-13056-x) advise. No random number enters: the same points give the
/// same map, whatever the number of threads.
/// </summary>
internal static class Tsne
{
    private const int Steps = 750, ExaggeratedSteps = 250, Searches = 64;
    private const float Exaggeration = 12;

    /// <summary>The map: x and y of each point, centred.</summary>
    /// <param name="points">n rows of k numbers, 2 or more, the widest axis first; one map takes n²·4 bytes.</param>
    /// <param name="perplexity">How many neighbours a point heeds, about; lowered to a third of the points where there are few.</param>
    public static (float[] X, float[] Y) Map(float[][] points, double perplexity = 30)
    {
        var n = points.Length;
        var (x, y) = Start(points);
        if (n < 4)
            return (x, y);
        var affinity = Affinities(points, Math.Min(perplexity, (n - 1) / 3.0));
        // Learning rate as Belkina et al. (2019, doi:10.1038/s41467-019-13055-y), for gradients with their factor 4.
        var rate = Math.Max(n / Exaggeration / 4, 50);
        var (moveX, moveY, gainX, gainY) = (new float[n], new float[n], Ones(n), Ones(n));
        for (var step = 0; step < Steps; step++)
        {
            var (slopeX, slopeY) = Gradient(affinity, x, y, step < ExaggeratedSteps ? Exaggeration : 1);
            var momentum = step < ExaggeratedSteps ? 0.5f : 0.8f;
            Move(x, moveX, gainX, slopeX, rate, momentum);
            Move(y, moveY, gainY, slopeY, rate, momentum);
        }
        return (x, y);
    }

    /// <summary>p_ij, symmetric, n rows of n, summing to 1: each point's Gaussian is as wide as its perplexity asks.</summary>
    public static float[][] Affinities(float[][] points, double perplexity)
    {
        var n = points.Length;
        var conditional = new float[n][];
        Parallel.For(0, n, i => conditional[i] = Conditional(points, i, Math.Log(perplexity)));
        var joint = new float[n][];
        Parallel.For(0, n, i => joint[i] = [.. Enumerable.Range(0, n).Select(j => (conditional[i][j] + conditional[j][i]) / (2f * n))]);
        return joint;
    }

    /// <summary>∂KL(exaggeration · P ‖ Q)/∂x and ∂y, where q_ij ∝ 1 / (1 + distance²).</summary>
    public static (float[] X, float[] Y) Gradient(float[][] affinity, float[] x, float[] y, float exaggeration)
    {
        var n = x.Length;
        var (attractX, attractY, repelX, repelY, sums) = (new float[n], new float[n], new float[n], new float[n], new double[n]);
        Parallel.For(0, n, i =>
        {
            var (px, py, row) = (new Vector<float>(x[i]), new Vector<float>(y[i]), affinity[i]);
            var (ax, ay, rx, ry, sum) = (Vector<float>.Zero, Vector<float>.Zero, Vector<float>.Zero,
                Vector<float>.Zero, Vector<float>.Zero);
            var (lanes, j) = (Vector<float>.Count, 0);
            for (; j + lanes <= n; j += lanes)
            {
                var (dx, dy) = (px - new Vector<float>(x, j), py - new Vector<float>(y, j));
                var near = Vector<float>.One / (Vector<float>.One + dx * dx + dy * dy);
                var (pull, push) = (new Vector<float>(row, j) * near, near * near);
                (ax, ay, rx, ry, sum) = (ax + pull * dx, ay + pull * dy, rx + push * dx, ry + push * dy, sum + near);
            }
            var (attractionX, attractionY, repulsionX, repulsionY, total) = (Vector.Sum(ax), Vector.Sum(ay), Vector.Sum(rx),
                Vector.Sum(ry), (double)Vector.Sum(sum));
            for (; j < n; j++)
            {
                var (dx, dy) = (x[i] - x[j], y[i] - y[j]);
                var near = 1 / (1 + dx * dx + dy * dy);
                attractionX += row[j] * near * dx;
                attractionY += row[j] * near * dy;
                repulsionX += near * near * dx;
                repulsionY += near * near * dy;
                total += near;
            }
            (attractX[i], attractY[i], repelX[i], repelY[i], sums[i]) = (attractionX, attractionY, repulsionX, repulsionY, total - 1);
        });
        var all = Math.Max(sums.Sum(), 1e-30);                            // in order, so that threads change nothing
        for (var i = 0; i < n; i++)
        {
            attractX[i] = 4 * (exaggeration * attractX[i] - (float)(repelX[i] / all));
            attractY[i] = 4 * (exaggeration * attractY[i] - (float)(repelY[i] / all));
        }
        return (attractX, attractY);
    }

    /// <summary>The first two coordinates, shrunk until the first scatters by 10⁻⁴.</summary>
    private static (float[] X, float[] Y) Start(float[][] points)
    {
        var (x, y) = (points.Select(point => point[0]).ToArray(), points.Select(point => point.Length > 1 ? point[1] : 0).ToArray());
        var mean = x.DefaultIfEmpty(0).Average();
        var scatter = Math.Sqrt(x.Select(value => (value - mean) * (value - mean)).DefaultIfEmpty(0).Average());
        var scale = scatter > 0 ? (float)(1e-4 / scatter) : 0;
        return ([.. x.Select(value => (value - mean) * scale)], [.. y.Select(value => value * scale)]);
    }

    /// <summary>p_j|i with the entropy asked for, found by bisection of the Gaussian's precision.</summary>
    private static float[] Conditional(float[][] points, int i, double entropy)
    {
        var (n, row) = (points.Length, points[i]);
        var distances = new double[n];
        for (var j = 0; j < n; j++)
            distances[j] = j == i ? double.PositiveInfinity : Math.Pow(TensorPrimitives.Distance<float>(row, points[j]), 2);
        var nearest = distances.Min();
        var (low, high, precision) = (0.0, double.PositiveInfinity, 1.0);
        var weights = new double[n];
        for (var search = 0; search < Searches; search++)
        {
            var (sum, weighted) = (0.0, 0.0);
            for (var j = 0; j < n; j++)
            {
                var beyond = distances[j] - nearest;
                weights[j] = j == i ? 0 : Math.Exp(-precision * beyond);
                sum += weights[j];
                weighted += j == i ? 0 : weights[j] * beyond;
            }
            var found = Math.Log(sum) + precision * weighted / sum;
            for (var j = 0; j < n; j++)
                weights[j] /= sum;
            if (Math.Abs(found - entropy) < 1e-5)
                break;
            (low, high) = found > entropy ? (precision, high) : (low, precision);
            precision = double.IsInfinity(high) ? precision * 2 : (low + high) / 2;
        }
        return [.. weights.Select(weight => (float)weight)];
    }

    /// <summary>A step with momentum, and a gain of its own for each coordinate (Jacobs 1988); then the centre goes back to 0.</summary>
    private static void Move(float[] at, float[] move, float[] gain, float[] slope, float rate, float momentum)
    {
        for (var i = 0; i < at.Length; i++)
        {
            gain[i] = Math.Max(0.01f, Math.Sign(slope[i]) == Math.Sign(move[i]) ? gain[i] * 0.8f : gain[i] + 0.2f);
            move[i] = momentum * move[i] - rate * gain[i] * slope[i];
            at[i] += move[i];
        }
        var centre = at.Average();
        for (var i = 0; i < at.Length; i++)
            at[i] -= centre;
    }

    private static float[] Ones(int n)
    {
        var ones = new float[n];
        Array.Fill(ones, 1f);
        return ones;
    }
}
