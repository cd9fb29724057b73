using System.Numerics;
using Schane.Evaluation.Embeddings;
using Schane.Tensors;
using TorchSharp;

namespace Schane.Evaluation.Episodes;

// n support rows, q query rows, K classes, D width.

/// <summary>A row of embeddings in place, and the factor to multiply it by.</summary>
/// <param name="Values">What it lies in.</param>
/// <param name="Start">Its first number there.</param>
/// <param name="Scale">The factor: 1 over its length for rows of unit length.</param>
internal readonly record struct ScaledRow(float[] Values, int Start, double Scale);

/// <summary>One problem.</summary>
/// <param name="Support">n rows to fit.</param>
/// <param name="Labels">Their classes, 0 … K − 1.</param>
/// <param name="Query">q rows to judge.</param>
internal sealed record RegressionProblem(ScaledRow[] Support, int[] Labels, ScaledRow[] Query);

/// <summary>
/// Multinomial logistic regression with an L2 penalty, as scikit-learn states it: ½‖W‖² + C Σ CE(W x + b, y), b free. Many small problems
/// at once, in float64, to the optimum but for rounding: probabilities of rows of unit length within 1e-9 of it.
/// </summary>
/// <remarks>
/// The best W is αᵀX, so that D matters only for the n × n products of the support rows, for W itself and for the queries; all
/// rounds are in n numbers a class (<see cref="RegressionLanes"/>). Rows so long that their products have lost too many digits are
/// fitted by <see cref="NewtonRegression"/>. As many problems as a vector has lanes are solved together, and such groups share the
/// threads.
/// </remarks>
internal static class LogisticRegression
{
    /// <summary>W x + b of the queries of each problem, [q, K] row by row.</summary>
    /// <param name="problems">All with the same numbers of support and query rows and the same width.</param>
    /// <param name="width">D.</param>
    /// <param name="classes">K.</param>
    /// <param name="c">C, the weight of the data.</param>
    public static double[][] Logits(IReadOnlyList<RegressionProblem> problems, int width, int classes, double c = 1)
    {
        Require.Positive(c, nameof(c));
        var logits = new double[problems.Count][];
        var lanes = Vector<double>.Count;
        Parallel.For(0, (problems.Count + lanes - 1) / lanes, new ParallelOptions { MaxDegreeOfParallelism = torch.get_num_threads() },
            () => new Workplace(problems[0].Support.Length, width, classes, c),
            (group, _, place) =>
            {
                RegressionProblem[] some = [
                    .. Enumerable.Range(group * lanes, Math.Min(lanes, problems.Count - group * lanes)).Select(i => problems[i])];
                var found = place.Solve(some);
                for (var lane = 0; lane < some.Length; lane++)
                    logits[group * lanes + lane] = found[lane];
                return place;
            }, _ => { });
        return logits;
    }

    /// <summary>What one thread needs, used again for each group.</summary>
    private sealed class Workplace(int support, int width, int classes, double c)
    {
        private const int QueriesTogether = 4;

        private readonly RegressionLanes lanes = new(support, classes, c);
        private readonly PaddedRows rows = new(support, width), weights = new(classes, width), queries = new(QueriesTogether, width);

        public double[][] Solve(RegressionProblem[] problems)
        {
            for (var lane = 0; lane < Vector<double>.Count; lane++)
            {
                var problem = problems[Math.Min(lane, problems.Length - 1)];          // lanes without a problem do the last one again
                Take(problem.Support);
                RowProducts.All(rows, support, rows, support, (i, j, product) => lanes.SetProduct(lane, i, j, product), half: true);
                lanes.SetLabels(lane, problem.Labels);
            }
            lanes.Solve();
            return [.. problems.Select(Judge)];
        }

        private void Take(ScaledRow[] taken)
        {
            for (var i = 0; i < taken.Length; i++)
                rows.Set(i, taken[i]);
        }

        private double[] Judge(RegressionProblem problem, int lane)
        {
            Take(problem.Support);
            var bias = lanes.Solved(lane) ? Combine(lane) : Newton(problem.Labels);
            var logits = new double[problem.Query.Length * classes];
            for (var first = 0; first < problem.Query.Length; first += QueriesTogether)
            {
                var count = Math.Min(QueriesTogether, problem.Query.Length - first);
                for (var q = 0; q < count; q++)
                    queries.Set(q, problem.Query[first + q]);
                RowProducts.All(weights, classes, queries, count,
                    (k, q, product) => logits[(first + q) * classes + k] = product + bias[k]);
            }
            return logits;
        }

        /// <summary>W from the lane's α; returns b.</summary>
        private double[] Combine(int lane)
        {
            for (var k = 0; k < classes; k++)
            {
                weights.Clear(k);
                for (var i = 0; i < support; i++)
                    weights.Add(k, rows, i, lanes.Alpha(lane, i, k));
            }
            return [.. Enumerable.Range(0, classes).Select(k => lanes.Bias(lane, k))];
        }

        /// <summary>W by Newton's method on the rows; returns b.</summary>
        private double[] Newton(int[] labels)
        {
            var values = new double[support * width];
            for (var i = 0; i < support; i++)
                rows.Row(i).CopyTo(values.AsSpan(i * width));
            var (w, bias) = NewtonRegression.Solve(values, labels, classes, c);
            for (var k = 0; k < classes; k++)
                w.AsSpan(k * width, width).CopyTo(weights.Row(k));
            return bias;
        }
    }
}
