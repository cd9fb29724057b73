using static TorchSharp.torch;

namespace Schane.Evaluation;

/// <summary>Limited-memory BFGS (Liu &amp; Nocedal 1989) with a backtracking line search, for smooth convex
/// functions of one tensor.</summary>
internal static class Lbfgs
{
    private const int Memory = 10, MostHalvings = 30;
    private const double Armijo = 1e-4;

    /// <param name="function">Value and gradient at a point; the gradient is new and not kept by the function.</param>
    /// <param name="start">Where to begin; not changed.</param>
    /// <param name="tolerance">Largest element of the gradient at which to stop.</param>
    /// <param name="mostSteps">Steps at most.</param>
    /// <returns>The last point.</returns>
    public static Tensor Minimise(Func<Tensor, (double Value, Tensor Gradient)> function, Tensor start, double tolerance, int mostSteps)
    {
        using var scope = NewDisposeScope();
        var point = start.clone();
        var (value, gradient) = function(point);
        var pairs = new LinkedList<(Tensor Step, Tensor Change, double Rho)>();
        for (var i = 0; i < mostSteps && gradient.abs().max().item<double>() > tolerance; i++)
        {
            using var inner = NewDisposeScope();
            var direction = Direction(gradient, pairs);
            var slope = Dot(direction, gradient);
            var size = pairs.Count == 0 ? Math.Min(1, 1 / gradient.abs().sum().item<double>()) : 1;
            var next = point + direction * size;
            var (nextValue, nextGradient) = function(next);
            for (var halvings = 0; nextValue > value + Armijo * size * slope && halvings < MostHalvings; halvings++)
            {
                size /= 2;
                next = point + direction * size;
                (nextValue, nextGradient) = function(next);
            }
            if (nextValue >= value)
                break;                                                    // rounding leaves nothing to gain
            var (step, change) = (next - point, nextGradient - gradient);
            if (Dot(step, change) is var curvature && curvature > 1e-300)
            {
                pairs.AddFirst((step.MoveToOuterDisposeScope(), change.MoveToOuterDisposeScope(), 1 / curvature));
                if (pairs.Count > Memory)
                {
                    pairs.Last!.Value.Step.Dispose();
                    pairs.Last.Value.Change.Dispose();
                    pairs.RemoveLast();
                }
            }
            point.Dispose();
            gradient.Dispose();
            (point, value, gradient) = (next.MoveToOuterDisposeScope(), nextValue, nextGradient.MoveToOuterDisposeScope());
        }
        return point.MoveToOuterDisposeScope();
    }

    /// <summary>The two loops: minus the approximate inverse Hessian times the gradient.</summary>
    private static Tensor Direction(Tensor gradient, LinkedList<(Tensor Step, Tensor Change, double Rho)> pairs)
    {
        var q = -gradient;
        var alphas = new Stack<double>();
        foreach (var (step, change, rho) in pairs)                        // newest first
        {
            alphas.Push(rho * Dot(step, q));
            q -= change * alphas.Peek();
        }
        if (pairs.First is { } newest)
            q *= 1 / (newest.Value.Rho * Dot(newest.Value.Change, newest.Value.Change));
        for (var pair = pairs.Last; pair is not null; pair = pair.Previous)
        {
            var (step, change, rho) = pair.Value;
            q += step * (alphas.Pop() - rho * Dot(change, q));
        }
        return q;
    }

    private static double Dot(Tensor a, Tensor b) => (a * b).sum().item<double>();
}
