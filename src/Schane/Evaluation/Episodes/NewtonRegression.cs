using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Evaluation.Episodes;

// n support rows, D width, r = min(n, D), K classes.

/// <summary>Newton's method on one whole logistic regression problem, halving a step until the objective falls: slower than
/// <see cref="RegressionLanes"/>, and sure on rows of any length and features of any scale.</summary>
/// <remarks>
/// The unknowns are W in the coordinates of the support rows' right singular vectors, and b. Inner products of the rows never occur: they
/// would square the ratio of the largest feature to the smallest, and lose the digits that W x needs. What a row lacks to its label,
/// 1 − p, is summed from the other classes' probabilities, and keeps all its digits where p is nearly 1.
/// </remarks>
internal static class NewtonRegression
{
    private const int MostRounds = 200;

    /// <summary>The last step's largest effect on a row's scores. Steps near the optimum square the error: the next would be far
    /// smaller.</summary>
    private const double Tolerance = 1e-8;

    /// <param name="rows">[n, D], the support rows.</param>
    /// <param name="labels">Their classes, 0 … K − 1.</param>
    /// <param name="classes">K.</param>
    /// <param name="c">Weight of the data.</param>
    /// <returns>W [K, D] and b [K].</returns>
    public static (double[] Weights, double[] Bias) Solve(double[] rows, int[] labels, int classes, double c)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (k, n) = (classes, labels.Length);
        var (u, s, basis) = linalg.svd(tensor(rows, [n, rows.Length / n]), fullMatrices: false);
        var points = cat([u * s, ones([n, 1], ScalarType.Float64)], 1);   // [n, r + 1]; b is the last coordinate
        var m = points.shape[1];
        var longest = s[0].item<double>();
        var penalty = cat([ones([m - 1], ScalarType.Float64), zeros([1], ScalarType.Float64)]);
        var targets = nn.functional.one_hot(tensor(labels, ScalarType.Int64), k).to_type(ScalarType.Float64);
        var w = zeros([m, k], ScalarType.Float64);
        var (value, others) = Objective(points, targets, penalty, w, c);
        for (var round = 0; round < MostRounds; round++)
        {
            using var inner = NewDisposeScope();
            var missing = targets * others.sum([1], keepdim: true) - others;                                              // Y − P, [n, K]
            var p = targets - missing;
            var right = points.T.matmul(missing) * c - w * penalty.unsqueeze(1);                                          // [m, K]
            var h = ((missing.abs() * (1 - missing.abs())).diag_embed()
                - (p.unsqueeze(2) * p.unsqueeze(1)).masked_fill(eye(k, dtype: ScalarType.Bool), KeptScalar.Zero)) * c;    // [n, K, K]
            var system = einsum("ni,nkl,nj->ikjl", points, h, points);
            system.diagonal(0, 0, 2).diagonal(0, 0, 1).add_(penalty.unsqueeze(1));              // [m, K]
            // The sum of b changes nothing: it stays.
            var bias = system[m - 1, TensorIndex.Colon, m - 1];
            bias.add_(bias.trace() / k);
            system = system.reshape(m * k, m * k);
            // Coordinates in which every curvature is 1.
            var scale = system.diagonal().clamp_min(1e-300).rsqrt();
            var scaled = system * scale.unsqueeze(0) * scale.unsqueeze(1) + eye(m * k, dtype: ScalarType.Float64) * 1e-15;
            var step = (linalg.solve(scaled, right.flatten() * scale) * scale).view(m, k);
            var size = 1.0;
            var (trial, then) = Objective(points, targets, penalty, w + step, c);
            while (!(trial <= value + 1e-12 * value) && size > 1e-9)
            {
                size /= 2;
                (trial, then) = Objective(points, targets, penalty, w + step * size, c);
            }
            w.add_(step * size);
            (value, others) = (trial, then.MoveToOuterDisposeScope());
            var effect = step.narrow(0, 0, m - 1).norm().item<double>() * longest + step[m - 1].abs().max().item<double>();
            if (size == 1 && effect <= Tolerance)
                break;
        }
        return (Copy.Doubles(w.narrow(0, 0, m - 1).T.matmul(basis)), Copy.Doubles(w[m - 1]));
    }

    /// <summary>The objective, and the probabilities of the classes that a row is not of, [n, K], 0 at its own.</summary>
    private static (double Value, Tensor Others) Objective(Tensor points, Tensor targets, Tensor penalty, Tensor w, double c)
    {
        using var scope = NewDisposeScope();
        var scores = points.matmul(w);                                    // [n, K]
        var over = (scores - (scores * targets).sum([1], keepdim: true))
            .masked_fill(targets.to_type(ScalarType.Bool), KeptScalar.NegativeInfinity);
        var all = over.logsumexp(1, keepdim: true);
        var loss = all.clamp_min(0) + (-all.abs()).exp().log1p();         // −log p of the label
        var value = ((w * w * penalty.unsqueeze(1)).sum() / 2 + loss.sum() * c).item<double>();
        return (value, (over - loss).exp().MoveToOuterDisposeScope());
    }
}
