using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Evaluation;

// E problems side by side, n support rows, q query rows, K classes, D width.

/// <summary>
/// Multinomial logistic regression with an L2 penalty, as scikit-learn states it: ½‖W‖² + C Σ CE(W x + b, y), b free. Many small problems at
/// once, in float64, to a residual of 1e-10.
/// </summary>
/// <remarks>
/// The best W is αᵀX with α = C (Y − P) [n, K], so all work is on the n × n Gram matrix, whatever D is. Softmax curvature is at most
/// ½ (I − 11ᵀ/K) (Böhning 1992), which makes one (n + 1) × (n + 1) system, the same for all classes and rounds; it is inverted once a problem
/// and stepped along with Nesterov's momentum, restarted where the objective's slope turns. Problems that are still not there (features of
/// large norm) finish by Newton's method.
/// </remarks>
internal static class LogisticRegression
{
    private const double Tolerance = 1e-10;
    private const int MostRounds = 400, CheckEvery = 8, MostNewton = 100;

    /// <summary>Probabilities of the queries, [E, q, K].</summary>
    /// <param name="support">[E, n, D], float64.</param>
    /// <param name="targets">[E, n, K], one-hot, float64.</param>
    /// <param name="query">[E, q, D], float64.</param>
    /// <param name="c">C, the weight of the data.</param>
    public static Tensor Probabilities(Tensor support, Tensor targets, Tensor query, double c = 1)
    {
        Require.Positive(c, nameof(c));
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var gram = support.bmm(support.transpose(1, 2));                  // [E, n, n]
        var (alpha, bias) = Solve(gram, targets, c);
        var logits = query.bmm(support.transpose(1, 2)).bmm(alpha) + bias;
        return logits.softmax(2).MoveToOuterDisposeScope();
    }

    /// <summary>α [E, n, K] and b [E, 1, K].</summary>
    private static (Tensor Alpha, Tensor Bias) Solve(Tensor gram, Tensor targets, double c)
    {
        using var scope = NewDisposeScope();
        var (alpha, bias, residual) = Majorise(gram, targets, c);
        var left = Copy.Longs((residual > Tolerance).nonzero().flatten());
        if (left.Length > 0)
        {
            var which = tensor(left);
            var (a, b) = Newton(gram.index_select(0, which), targets.index_select(0, which), alpha.index_select(0, which), bias.index_select(0, which), c);
            alpha.index_copy_(0, which, a);
            bias.index_copy_(0, which, b);
        }
        return (alpha.MoveToOuterDisposeScope(), bias.MoveToOuterDisposeScope());
    }

    /// <summary>Steps with the fixed curvature; returns the largest residual of each problem, [E].</summary>
    private static (Tensor Alpha, Tensor Bias, Tensor Residual) Majorise(Tensor gram, Tensor targets, double c)
    {
        using var scope = NewDisposeScope();
        var (e, n, k) = (gram.shape[0], gram.shape[1], targets.shape[2]);
        const double curvature = 0.5;
        // [I + C h G, C h 1; 1ᵀ, 0] [Δα; Δb] = [−r; −1ᵀα], from linearising α = C (Y − P) with P' = h (I − 11ᵀ/K).
        var system = zeros([e, n + 1, n + 1], ScalarType.Float64);
        system.narrow(1, 0, n).narrow(2, 0, n).copy_(gram * (c * curvature) + eye(n, dtype: ScalarType.Float64));
        system.narrow(1, 0, n).narrow(2, n, 1).fill_(c * curvature);
        system.narrow(1, n, 1).narrow(2, 0, n).fill_(1);
        var inverse = linalg.inv(system);                                 // [E, n + 1, n + 1]

        var now = zeros([e, n + 1, k], ScalarType.Float64);               // α over b
        var (ahead, momentum, before) = (now, ones([e, 1, 1], ScalarType.Float64), (Tensor?)null);
        var residual = empty(0);
        for (var round = 0; ; round++)
        {
            using var inner = NewDisposeScope();
            var (alpha, bias) = (ahead.narrow(1, 0, n), ahead.narrow(1, n, 1));
            var right = cat([(targets - (gram.bmm(alpha) + bias).softmax(2)) * c - alpha, -alpha.sum(1, keepdim: true)], 1);
            if (round % CheckEvery == 0 || round == MostRounds)
            {
                residual = right.abs().amax([1, 2]).MoveToOuterDisposeScope();
                if (round == MostRounds || residual.max().item<double>() <= Tolerance)
                    return (Out(alpha), Out(bias), residual.MoveToOuterDisposeScope());
            }
            var next = ahead + inverse.bmm(right);
            var step = next - now;
            // Restart where the step turns against the last one (O'Donoghue & Candès 2015).
            var turned = before is null ? zeros([e, 1, 1], ScalarType.Bool) : (step * before).sum([1, 2], keepdim: true) < 0;
            var larger = (1 + (momentum.square() * 4 + 1).sqrt()) / 2;
            ahead = next + where(turned, zeros_like(larger), (momentum - 1) / larger) * step;
            momentum = where(turned, ones_like(larger), larger);
            (now, before) = (next, step);
            (ahead, momentum, now, before) = (ahead.MoveToOuterDisposeScope(), momentum.MoveToOuterDisposeScope(), now.MoveToOuterDisposeScope(), before.MoveToOuterDisposeScope());
        }
    }

    /// <summary>Newton's method on whole problems, halving a step until the objective falls.</summary>
    private static (Tensor Alpha, Tensor Bias) Newton(Tensor gram, Tensor targets, Tensor alpha, Tensor bias, double c)
    {
        using var scope = NewDisposeScope();
        var (n, k) = (gram.shape[1], targets.shape[2]);
        for (var problem = 0; problem < gram.shape[0]; problem++)
        {
            using var one = NewDisposeScope();
            var (g, y) = (gram[problem], targets[problem]);
            var (a, b) = (alpha[problem], bias[problem]);                 // views: what is written here is the result
            var value = Objective(g, y, a, b, c);
            for (var round = 0; round < MostNewton; round++)
            {
                using var inner = NewDisposeScope();
                var p = (g.matmul(a) + b).softmax(1);                     // [n, K]
                var right = cat([((y - p) * c - a).flatten(), -a.sum([0])]);
                if (right.abs().max().item<double>() <= Tolerance)
                    break;
                var h = (p.diag_embed() - p.unsqueeze(2) * p.unsqueeze(1)) * c;                                       // [n, K, K]
                var system = zeros([n * k + k, n * k + k], ScalarType.Float64);
                system.narrow(0, 0, n * k).narrow(1, 0, n * k).copy_((h.view(n, k, 1, k) * g.view(n, 1, n, 1)).view(n * k, n * k) + eye(n * k, dtype: ScalarType.Float64));
                system.narrow(0, 0, n * k).narrow(1, n * k, k).copy_(h.view(n * k, k));
                system.narrow(0, n * k, k).narrow(1, 0, n * k).copy_(eye(k, dtype: ScalarType.Float64).repeat(1, n));
                system.narrow(0, n * k, k).narrow(1, n * k, k).fill_(1);  // the sum of b changes nothing: it stays
                var step = linalg.solve(system, right);
                var (da, db) = (step.narrow(0, 0, n * k).view(n, k), step.narrow(0, n * k, k).view(1, k));
                var size = 1.0;
                var trial = Objective(g, y, a + da, b + db, c);
                while (trial > value + 1e-12 * Math.Abs(value) && size > 1e-6)
                {
                    size /= 2;
                    trial = Objective(g, y, a + da * size, b + db * size, c);
                }
                a.add_(da * size);
                b.add_(db * size);
                value = trial;
            }
        }
        return (alpha.MoveToOuterDisposeScope(), bias.MoveToOuterDisposeScope());
    }

    private static double Objective(Tensor gram, Tensor targets, Tensor alpha, Tensor bias, double c)
    {
        using var scope = NewDisposeScope();
        var scores = gram.matmul(alpha);                                  // [n, K]
        return ((alpha * scores).sum() / 2 - ((scores + bias).log_softmax(1) * targets).sum() * c).item<double>();
    }

    private static Tensor Out(Tensor part) => part.contiguous().MoveToOuterDisposeScope().MoveToOuterDisposeScope();
}
