namespace Schane.Tests.Generated;

/// <summary>scikit-learn's multinomial logistic regression, ½‖W‖² + C Σ CE(W x + b, y) with b free, by Newton's method on W and b
/// themselves, to a gradient of 1e-11.</summary>
internal static class PlainRegression
{
    /// <returns>[queries][classes].</returns>
    public static double[][] Probabilities(double[][] support, int[] labels, double[][] query, int classes, double c)
    {
        var width = support[0].Length + 1;                                // b is the last column
        double[][] rows = [.. support.Select(r => r.Append(1.0).ToArray())];
        var w = new double[classes * width];
        for (var round = 0; round < 200; round++)
        {
            var (gradient, hessian) = (new double[w.Length], new double[w.Length, w.Length]);
            for (var i = 0; i < w.Length; i++)
                if (i % width < width - 1)
                    (gradient[i], hessian[i, i]) = (w[i], 1);
                else
                    for (var k = 0; k < classes; k++)
                        hessian[i, k * width + width - 1] = 1;            // the sum of b changes nothing: it stays
            for (var n = 0; n < rows.Length; n++)
            {
                var p = Softmax(rows[n], w, classes, width);
                for (var k = 0; k < classes; k++)
                    for (var d = 0; d < width; d++)
                    {
                        gradient[k * width + d] += c * (p[k] - (labels[n] == k ? 1 : 0)) * rows[n][d];
                        for (var l = 0; l < classes; l++)
                            for (var e = 0; e < width; e++)
                                hessian[k * width + d, l * width + e] += c * p[k] * ((k == l ? 1 : 0) - p[l]) * rows[n][d] * rows[n][e];
                    }
            }
            if (gradient.Max(Math.Abs) < 1e-11)
                break;
            var step = Solve(hessian, gradient);
            var (size, value) = (1.0, Objective(rows, labels, w, classes, width, c));
            double[] Moved() => [.. w.Zip(step, (a, s) => a - size * s)];
            while (size > 1e-9 && Objective(rows, labels, Moved(), classes, width, c) > value + 1e-14 * Math.Abs(value))
                size /= 2;
            w = Moved();
        }
        return [.. query.Select(q => Softmax([.. q, 1.0], w, classes, width))];
    }

    private static double Objective(double[][] rows, int[] labels, double[] w, int classes, int width, double c) =>
        w.Where((_, i) => i % width < width - 1).Sum(v => v * v) / 2
            - c * rows.Select((row, n) => Math.Log(Math.Max(Softmax(row, w, classes, width)[labels[n]], 1e-300))).Sum();

    private static double[] Softmax(double[] row, double[] w, int classes, int width)
    {
        double[] scores = [.. Enumerable.Range(0, classes).Select(k => Enumerable.Range(0, width).Sum(d => w[k * width + d] * row[d]))];
        double[] shares = [.. scores.Select(s => Math.Exp(s - scores.Max()))];
        return [.. shares.Select(s => s / shares.Sum())];
    }

    /// <summary>Gauss with row exchanges.</summary>
    private static double[] Solve(double[,] matrix, double[] right)
    {
        var n = right.Length;
        var x = (double[])right.Clone();
        for (var p = 0; p < n; p++)
        {
            var best = Enumerable.Range(p, n - p).MaxBy(r => Math.Abs(matrix[r, p]));
            for (var j = 0; j < n; j++)
                (matrix[p, j], matrix[best, j]) = (matrix[best, j], matrix[p, j]);
            (x[p], x[best]) = (x[best], x[p]);
            for (var r = p + 1; r < n; r++)
            {
                var factor = matrix[r, p] / matrix[p, p];
                for (var j = p; j < n; j++)
                    matrix[r, j] -= factor * matrix[p, j];
                x[r] -= factor * x[p];
            }
        }
        for (var p = n - 1; p >= 0; p--)
            x[p] = (x[p] - Enumerable.Range(p + 1, n - p - 1).Sum(j => matrix[p, j] * x[j])) / matrix[p, p];
        return x;
    }
}
