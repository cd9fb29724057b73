using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Evaluation.Episodes;

// n support rows, K classes.

/// <summary>Newton's method on one whole logistic regression problem, halving a step until the objective falls: slower than
/// <see cref="RegressionLanes"/>, and sure on rows of any length.</summary>
internal static class NewtonRegression
{
    private const int MostRounds = 100;

    /// <summary>How strongly a step of b is held back: where every probability is 0 or 1 the curvature is lost, and with it all that says
    /// how far b should go.</summary>
    private const double Held = 1e-8;

    /// <param name="products">[n, n], inner products of the support rows.</param>
    /// <param name="targets">[n, K], one-hot.</param>
    /// <param name="startAlpha">[n, K].</param>
    /// <param name="startBias">[K].</param>
    /// <param name="c">Weight of the data.</param>
    /// <returns>α [n, K] and b [K].</returns>
    public static (double[] Alpha, double[] Bias) Solve(double[] products, double[] targets,
        double[] startAlpha, double[] startBias, double c)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (k, n) = (startBias.Length, startAlpha.Length / startBias.Length);
        var (g, y, a, b) = (tensor(products, [n, n]), tensor(targets, [n, k]), tensor(startAlpha, [n, k]), tensor(startBias, [1, k]));
        var (value, atZero) = (Objective(g, y, a, b, c), Objective(g, y, zeros_like(a), zeros_like(b), c));
        if (!(value <= atZero))                                           // on rows of such length that the start is worth less than none
            (a, b, value) = (zeros_like(a), zeros_like(b), atZero);
        for (var round = 0; round < MostRounds; round++)
        {
            using var inner = NewDisposeScope();
            var p = (g.matmul(a) + b).softmax(1);                         // [n, K]
            var right = cat([((y - p) * c - a).flatten(), -a.sum([0])]);
            if (right.abs().max().item<double>() <= RegressionLanes.Tolerance)
                break;
            var h = (p.diag_embed() - p.unsqueeze(2) * p.unsqueeze(1)) * c;                                               // [n, K, K]
            var system = zeros([n * k + k, n * k + k], ScalarType.Float64);
            system.narrow(0, 0, n * k).narrow(1, 0, n * k)
                .copy_((h.view(n, k, 1, k) * g.view(n, 1, n, 1)).view(n * k, n * k) + eye(n * k, dtype: ScalarType.Float64));
            system.narrow(0, 0, n * k).narrow(1, n * k, k).copy_(h.view(n * k, k));
            system.narrow(0, n * k, k).narrow(1, 0, n * k).copy_(eye(k, dtype: ScalarType.Float64).repeat(1, n));
            // the sum of b changes nothing: it stays
            system.narrow(0, n * k, k).narrow(1, n * k, k)
                .copy_(ones([k, k], ScalarType.Float64) - eye(k, dtype: ScalarType.Float64) * Held);
            var step = linalg.solve(system, right);
            var (da, db) = (step.narrow(0, 0, n * k).view(n, k), step.narrow(0, n * k, k).view(1, k));
            var size = 1.0;
            var trial = Objective(g, y, a + da, b + db, c);
            while (!(trial <= value + 1e-12 * Math.Abs(value)) && size > 1e-6)
            {
                size /= 2;
                trial = Objective(g, y, a + da * size, b + db * size, c);
            }
            a.add_(da * size);
            b.add_(db * size);
            value = trial;
        }
        return (Copy.Doubles(a), Copy.Doubles(b));
    }

    private static double Objective(Tensor gram, Tensor targets, Tensor alpha, Tensor bias, double c)
    {
        using var scope = NewDisposeScope();
        var scores = gram.matmul(alpha);                                  // [n, K]
        return ((alpha * scores).sum() / 2 - ((scores + bias).log_softmax(1) * targets).sum() * c).item<double>();
    }
}
