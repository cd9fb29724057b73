namespace Schane.Tests.Oracles;

/// <summary>
/// scikit-learn's multinomial logistic regression, ½‖W‖² + C Σ CE(W x + b, y) with b free, by Newton's method in decimal, 28
/// digits, to an optimum that it proves; float64 only says whether a step lowers the objective.
/// </summary>
/// <remarks>
/// W = αᵀX. The objective is 1-convex in W, so W is no farther from the optimum than its gradient is long, and that is √(rᵀ X Xᵀ r) with
/// r = α − C (Y − P). It goes on until rounding keeps
/// that from falling further, and is content if the scores of the longest row are then proven to 1e-6.
/// </remarks>
internal static class RegressionOracle
{
    private const int MostRounds = 300;
    private const double Proof = 1e-6;

    /// <returns>[queries][classes].</returns>
    public static double[][] Probabilities(double[][] support, int[] labels, double[][] query, int classes, double c)
    {
        // In units of the longest row decimal's fixed 28 places do for scores: rows over s, W times s, C times s², the objective times s².
        var n = support.Length;
        var longest = (decimal)Math.Sqrt(support.Max(row => row.Sum(x => x * x)));
        c *= (double)(longest * longest);
        var weight = (decimal)c;
        decimal[] Unit(double[] row) => [.. Decimals(row).Select(x => x / longest)];
        decimal[][] rows = [.. support.Select(Unit)];
        decimal[][] products = [.. rows.Select(row => rows.Select(other => Dot(row, other)).ToArray())];
        // α of the rows, then b.
        decimal[][] at = [.. Enumerable.Range(0, n + 1).Select(_ => new decimal[classes])];
        var value = Objective(products, at, labels, c);
        var before = double.PositiveInfinity;
        for (var round = 0; round < MostRounds; round++)
        {
            decimal[][] p = [.. Scores(products, at).Select(Softmax)];
            decimal[][] residual = [.. Enumerable.Range(0, n).Select(i =>
                p[i].Select((share, k) => weight * ((labels[i] == k ? 1 : 0) - share) - at[i][k]).ToArray())];
            decimal[] sums = [.. Enumerable.Range(0, classes).Select(k => -Enumerable.Range(0, n).Sum(i => at[i][k]))];
            var slope = Math.Sqrt((double)Math.Max(0, Enumerable.Range(0, classes).Sum(k => Enumerable.Range(0, n).Sum(i =>
                residual[i][k] * Dot(products[i], [.. residual.Select(r => r[k])])))));
            var balance = (double)Enumerable.Range(0, classes).Max(k => Math.Abs(sums[k]));
            if (slope < Proof && balance < Proof && slope >= before / 2)
            {
                decimal[][] found = [.. query.Select(Unit).Select(q => rows.Select(row => Dot(row, q)).ToArray())];
                return [.. Scores(found, at).Select(scores => Softmax(scores).Select(share => (double)share).ToArray())];
            }

            before = slope;
            var step = Step(products, p, residual, sums, weight);
            var size = 1m;
            decimal[][] Moved() => [.. at.Select((row, i) => row.Select((a, k) => a + size * step[i][k]).ToArray())];
            while (size > 1e-9m && !(Objective(products, Moved(), labels, c) <= value * (1 + 1e-11)))
                size /= 2;
            at = Moved();
            value = Objective(products, at, labels, c);
        }
        throw new InvalidOperationException($"The oracle has no proof of an optimum after {MostRounds} rounds.");
    }

    /// <summary>Newton's step of α and b.</summary>
    private static decimal[][] Step(decimal[][] products, decimal[][] p, decimal[][] residual, decimal[] sums, decimal c)
    {
        var (n, classes) = (p.Length, sums.Length);
        var size = (n + 1) * classes;
        decimal Entry(int i, int k, int j, int l)
        {
            var curvature = i < n ? c * p[i][k] * ((k == l ? 1 : 0) - p[i][l]) : 0;
            return (i < n, j < n) switch
            {
                (true, true) => curvature * products[i][j] + (i == j && k == l ? 1 : 0),
                (true, false) => curvature,
                (false, true) => k == l ? 1 : 0,
                (false, false) => 1,                                      // the sum of b changes nothing: it stays
            };
        }
        decimal[][] system = [.. Enumerable.Range(0, size).Select(row => Enumerable.Range(0, size + 1).Select(column => column < size
            ? Entry(row / classes, row % classes, column / classes, column % classes)
            : row / classes < n ? residual[row / classes][row % classes] : sums[row % classes]).ToArray())];
        return [.. Solve(system).Chunk(classes)];
    }

    /// <summary>Gauss with row exchanges; the right side is the last column.</summary>
    private static decimal[] Solve(decimal[][] system)
    {
        var n = system.Length;
        for (var p = 0; p < n; p++)
        {
            var best = Enumerable.Range(p, n - p).MaxBy(r => Math.Abs(system[r][p]));
            (system[p], system[best]) = (system[best], system[p]);
            var pivot = system[p];
            for (var r = p + 1; r < n; r++)
            {
                var row = system[r];
                var factor = row[p] / pivot[p];
                if (factor == 0)
                    continue;
                for (var j = p; j <= n; j++)
                    row[j] -= factor * pivot[j];
            }
        }
        var x = new decimal[n];
        for (var p = n - 1; p >= 0; p--)
            x[p] = (system[p][n] - Enumerable.Range(p + 1, n - p - 1).Sum(j => system[p][j] * x[j])) / system[p][p];
        return x;
    }

    private static double Objective(decimal[][] products, decimal[][] at, int[] labels, double c)
    {
        var scores = Scores(products, at);
        var (penalty, loss) = (0m, 0.0);
        for (var i = 0; i < labels.Length; i++)
        {
            for (var k = 0; k < at[i].Length; k++)
                penalty += at[i][k] * (scores[i][k] - at[^1][k]) / 2;
            double[] over = [.. scores[i].Where((_, k) => k != labels[i]).Select(s => (double)(s - scores[i][labels[i]]))];
            var most = over.Max();
            loss += Math.Max(most, 0) + (most > 0
                ? Math.Log(Math.Exp(-most) + over.Sum(o => Math.Exp(o - most))) : double.LogP1(over.Sum(Math.Exp)));
        }
        return (double)penalty + c * loss;
    }

    private static decimal[][] Scores(decimal[][] products, decimal[][] at) => [.. products.Select(row =>
        at[^1].Select((b, k) => b + Enumerable.Range(0, row.Length).Sum(j => row[j] * at[j][k])).ToArray())];

    private static decimal[] Softmax(decimal[] scores)
    {
        decimal[] shares = [.. scores.Select(s => Exp(s - scores.Max()))];
        return [.. shares.Select(s => s / shares.Sum())];
    }

    /// <summary>e to a power that is not above 0, by its series at a 256th of it.</summary>
    private static decimal Exp(decimal power)
    {
        if (power < -64)
            return 0;
        var (sum, term) = (1m, 1m);
        for (var i = 1; i < 30; i++)
            sum += term *= power / 256 / i;
        for (var i = 0; i < 8; i++)
            sum *= sum;
        return sum;
    }

    private static decimal Dot(decimal[] a, decimal[] b)
    {
        var sum = 0m;
        for (var d = 0; d < a.Length; d++)
            sum += a[d] * b[d];
        return sum;
    }

    /// <summary>The numbers as they are: a cast alone would round them to 15 digits.</summary>
    private static decimal[] Decimals(double[] values) => [.. values.Select(v => (decimal)v + (decimal)(v - (double)(decimal)v))];
}
