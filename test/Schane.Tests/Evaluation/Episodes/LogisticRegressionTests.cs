using Schane.Evaluation.Episodes;
using Schane.Tests.Oracles;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Evaluation.Episodes;

public class LogisticRegressionTests
{
    [Theory]
    [InlineData(1, 1.0)]
    [InlineData(4, 1.0)]
    [InlineData(4, 30.0)]                                                 // rows so long that Newton's method has to finish
    public void Stops_where_the_gradient_is_zero(int shots, double length)
    {
        using var scope = NewDisposeScope();
        const int ways = 3, width = 6;
        var support = nn.functional.normalize(Some.Rows(ways * shots, width, seed: 2, ScalarType.Float32)) * length;
        var query = nn.functional.normalize(Some.Rows(10, width, seed: 3, ScalarType.Float32)) * length;
        int[] labels = [.. Enumerable.Range(0, ways * shots).Select(i => i / shots)];

        var found = Probabilities(support, labels, cat([support, query]), ways);
        (support, query) = (support.to_type(ScalarType.Float64), query.to_type(ScalarType.Float64));
        var targets = eye(ways, dtype: ScalarType.Float64).repeat_interleave(shots, 0);
        var missing = targets - found.narrow(0, 0, ways * shots);        // [n, K]
        var w = missing.T.matmul(support);                               // ∂/∂W = 0: W = Σ (y − p) xᵀ
        Assert.InRange(missing.sum([0]).abs().max().item<double>(), 0, 1e-8);   // ∂/∂b = 0
        // The probabilities come from this W and one b: log p − W x is b but for a number of each row's own.
        var b = found.log() - cat([support, query]).matmul(w.T);
        b -= b.mean([1], keepdim: true);
        Assert.InRange((b - b[0]).abs().max().item<double>(), 0, 1e-6);
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(20.0)]                                                    // some rows so long that Newton's method has to finish
    public void A_problem_is_solved_alike_alone_and_among_others(double longest)
    {
        using var scope = NewDisposeScope();
        RegressionProblem[] problems = [.. Enumerable.Range(0, 11).Select(i => Problem(
            nn.functional.normalize(Some.Rows(6, 5, seed: i, ScalarType.Float32)) * (i % 3 == 0 ? longest : 1), [0, 0, 1, 1, 2, 2],
            Some.Rows(4, 5, seed: 100 + i, ScalarType.Float32)))];
        var together = LogisticRegression.Logits(problems, width: 5, classes: 3);
        for (var i = 0; i < problems.Length; i++)
            Assert.Equal(LogisticRegression.Logits([problems[i]], width: 5, classes: 3)[0], together[i]);
    }

    [Theory]                                                              // columns from 10⁻ˢ to 10ˢ, and what the rows are then scaled to
    [InlineData(0, 1.0, 1.0)]
    [InlineData(2, 1.0, 1.0)]
    [InlineData(4, 1.0, 1.0)]
    [InlineData(4, 1.0, 1000.0)]
    [InlineData(2, 100.0, 1.0)]
    [InlineData(3, null, 1.0)]
    [InlineData(3, null, 0.01)]
    [InlineData(5, null, 1.0)]
    [InlineData(5, null, 10.0)]
    [InlineData(5, null, 0.01)]
    [InlineData(0, 1000.0, 100.0)]
    public void Reaches_the_optimum_on_badly_scaled_features(int decades, double? length, double c)
    {
        for (var seed = 0; seed < 4; seed++)
        {
            using var scope = NewDisposeScope();
            const int ways = 3, shots = 3, width = 6;
            var columns = tensor(Enumerable.Range(0, width).Select(d => Math.Pow(10, decades * (2.0 * d / (width - 1) - 1))).ToArray());
            Tensor Rows(int count, int part) => Some.Rows(count, width, seed: 10 * seed + part) * columns;
            Tensor Scaled(Tensor rows) => (length is { } l ? nn.functional.normalize(rows) * l : rows).to_type(ScalarType.Float32);
            int[] labels = [.. Enumerable.Range(0, ways * shots).Select(i => i / shots)];
            var centres = Rows(ways, 1).repeat_interleave(shots, 0);
            var (support, query) = (Scaled(centres + Rows(ways * shots, 2)), Scaled(Rows(10, 3)));

            double[][] Plain(Tensor rows) => [.. rows.to_type(ScalarType.Float64).data<double>().ToArray().Chunk(width)];
            var expected = RegressionOracle.Probabilities(Plain(support), labels, Plain(query), ways, c);
            var found = Probabilities(support, labels, query, ways, c).data<double>().ToArray().Chunk(ways).ToArray();
            // Of five decades the oracle can prove 1e-6.
            Assert.InRange(expected.Zip(found, (e, f) => e.Zip(f, (x, y) => Math.Abs(x - y)).Max()).Max(), 0, decades > 4 ? 1e-6 : 1e-8);
        }
    }

    /// <summary>
    /// Length of the objective's gradient where the solver stops, ‖W − C Σ (y − p) xᵀ‖ and |Σ (y − p)|, the largest of all problems. The
    /// objective is 1-convex in W, so W is no farther from the optimum.
    /// </summary>
    internal static double Gradient(RegressionProblem[] problems, int[] labels, int width, int classes, double c)
    {
        // At the support rows and at a row of zeros, whose logits are b alone.
        var zero = new ScaledRow(new float[width], 0, 1);
        var logits = LogisticRegression.Logits([.. problems.Select(p => p with { Query = [.. p.Support, zero] })], width, classes, c);
        return problems.Zip(logits, (problem, found) =>
        {
            var n = problem.Support.Length;
            // [n, D]
            var rows = stack(
                [.. problem.Support.Select(r => tensor(r.Values.AsSpan(r.Start, width).ToArray()).to_type(ScalarType.Float64) * r.Scale)]);
            var scores = tensor(found, [n + 1, classes]);
            var missing = (nn.functional.one_hot(tensor(labels.Select(l => (long)l).ToArray()), classes).to_type(ScalarType.Float64)
                - scores.narrow(0, 0, n).softmax(1)) * c;
            // X (W − Σ (y − p) xᵀ)
            var steps = scores.narrow(0, 0, n) - scores.narrow(0, n, 1) - rows.matmul(rows.T).matmul(missing);
            return Math.Max((steps / rows.norm(1, keepdim: true).clamp_min(1e-12)).abs().max().item<double>(),
                missing.sum([0]).abs().max().item<double>());
        }).Max();
    }

    /// <summary>[q, K].</summary>
    internal static Tensor Probabilities(Tensor support, int[] labels, Tensor query, int classes, double c = 1) =>
        tensor(LogisticRegression.Logits([Problem(support, labels, query)], (int)support.shape[1], classes, c)[0],
            [query.shape[0], classes]).softmax(1);

    private static RegressionProblem Problem(Tensor support, int[] labels, Tensor query)
    {
        ScaledRow[] Rows(Tensor rows)
        {
            var values = rows.data<float>().ToArray();
            return [.. Enumerable.Range(0, (int)rows.shape[0]).Select(i => new ScaledRow(values, i * (int)rows.shape[1], 1))];
        }
        return new(Rows(support), labels, Rows(query));
    }
}
