using Schane.Evaluation.Embeddings;
using static TorchSharp.torch;

namespace Schane.Evaluation;

// n rows, D embedding width, C classes.

/// <summary>How a linear probe is fitted.</summary>
internal enum ProbeSolver
{
    /// <summary>L-BFGS on all rows, to the optimum.</summary>
    Lbfgs,

    /// <summary>Stochastic gradient descent with momentum on batches, near the optimum: for more rows than L-BFGS
    /// passes over in good time.</summary>
    Sgd,
}

/// <summary>A linear classifier on frozen embeddings: mean cross-entropy + λ/2 ‖W‖², solved in float64; λ is chosen
/// on a validation part.</summary>
/// <param name="Test">Measured on the test part with the chosen λ.</param>
/// <param name="Lambda">The λ with the best validation accuracy, the largest of equals.</param>
/// <param name="Sweep">Each λ with its validation accuracy.</param>
internal sealed record LinearProbe(Classification Test, double Lambda, IReadOnlyList<(double Lambda, double Accuracy)> Sweep)
{
    private const double Tolerance = 1e-6;
    private const int MostSteps = 500;

    /// <summary>λ from 10 down to 10⁻⁶ by factors of √10.</summary>
    public static IReadOnlyList<double> Lambdas { get; } = [.. Enumerable.Range(0, 15).Select(i => 10 * Math.Pow(10, -i / 2.0))];

    /// <summary>Fits every λ on the training part, each starting from the last.</summary>
    /// <param name="train">To fit on. Its mean is taken off all rows and its root mean square scales them, so that λ means
    /// the same for any model.</param>
    /// <param name="validation">To choose λ on.</param>
    /// <param name="test">Measured once.</param>
    /// <param name="lambdas">The sweep; null for <see cref="Lambdas"/>.</param>
    /// <param name="solver">How each λ is fitted.</param>
    /// <exception cref="ArgumentException">Widths or classes differ, or there is no λ.</exception>
    public static LinearProbe Of(EmbeddingSet train, EmbeddingSet validation, EmbeddingSet test, IReadOnlyList<double>? lambdas = null,
        ProbeSolver solver = ProbeSolver.Lbfgs)
    {
        foreach (var part in (EmbeddingSet[])[validation, test])
            if (part.Width != train.Width || part.Classes.Count != train.Classes.Count)
                throw new ArgumentException($"All parts must have {train.Classes.Count} classes and width {train.Width}, but one has " +
                    $"{part.Classes.Count} and {part.Width}.");
        lambdas ??= Lambdas;
        if (lambdas.Count == 0)
            throw new ArgumentException("lambdas must hold at least one value.", nameof(lambdas));

        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var raw = train.ToTensor();                                       // [n, D]
        var mean = raw.mean([0], keepdim: true);
        var scale = Math.Max((raw - mean).square().mean().sqrt().item<double>(), 1e-12);
        Tensor Prepared(EmbeddingSet part) => (part.ToTensor() - mean) / scale;
        var (rows, chooseOn) = (Prepared(train), Prepared(validation));
        var targets = nn.functional.one_hot(Labels(train), train.Classes.Count).to_type(ScalarType.Float64);
        var truth = Labels(validation);

        var weights = zeros([train.Width + 1, train.Classes.Count], ScalarType.Float64);           // W over b
        var (best, bestAccuracy, bestLambda) = (weights, -1.0, 0.0);
        List<(double, double)> sweep = [];
        var curvature = solver == ProbeSolver.Sgd ? Curvature(rows) : 0;
        foreach (var lambda in lambdas.OrderDescending())
        {
            weights = solver == ProbeSolver.Sgd ? Descend(rows, targets, lambda, weights, curvature) : Fit(rows, targets, lambda, weights);
            var accuracy = (Logits(chooseOn, weights).argmax(1) == truth).to_type(ScalarType.Float64).mean().item<double>();
            sweep.Add((lambda, accuracy));
            if (accuracy > bestAccuracy)
                (best, bestAccuracy, bestLambda) = (weights, accuracy, lambda);
        }
        return new(Classification.Of(Logits(Prepared(test), best), Labels(test)), bestLambda, sweep);
    }

    /// <summary>W over b [D + 1, C] at the least of mean cross-entropy + λ/2 ‖W‖².</summary>
    internal static Tensor Fit(Tensor rows, Tensor targets, double lambda, Tensor start, double tolerance = Tolerance,
        int mostSteps = MostSteps)
    {
        Tensors.Require.Positive(lambda, nameof(lambda));
        var (n, width) = (rows.shape[0], rows.shape[1]);
        return Lbfgs.Minimise(Objective, start, tolerance, mostSteps);

        (double, Tensor) Objective(Tensor weights)
        {
            using var scope = NewDisposeScope();
            var w = weights.narrow(0, 0, width);                          // [D, C]
            var logProbabilities = Logits(rows, weights).log_softmax(1);  // [n, C]
            var value = -(logProbabilities * targets).sum() / n + w.square().sum() * (lambda / 2);
            var error = (logProbabilities.exp() - targets) / n;
            var gradient = cat([rows.T.matmul(error) + w * lambda, error.sum([0], keepdim: true)]);
            return (value.item<double>(), gradient.MoveToOuterDisposeScope());
        }
    }

    /// <summary>The same by batches: Nesterov's momentum, a step that falls to 0 on a cosine, batches in an order
    /// drawn anew each epoch.</summary>
    /// <param name="rows">[n, D].</param>
    /// <param name="targets">[n, C].</param>
    /// <param name="lambda">Weight of the penalty.</param>
    /// <param name="start">W over b [D + 1, C]; not changed.</param>
    /// <param name="curvature">Of <see cref="Curvature"/>.</param>
    internal static Tensor Descend(Tensor rows, Tensor targets, double lambda, Tensor start, double curvature)
    {
        const int batch = 256, epochs = 100, leastSteps = 1000;
        const double momentum = 0.9;
        using var scope = NewDisposeScope();
        var (n, width) = (rows.shape[0], rows.shape[1]);
        var (weights, speed) = (start.clone(), zeros_like(start));
        var perEpoch = (int)((n + batch - 1) / batch);
        var steps = Math.Max(leastSteps, epochs * perEpoch);
        var first = 0.5 / (curvature + lambda);
        long[] order = [.. Enumerable.Range(0, (int)n).Select(i => (long)i)];
        for (var step = 0; step < steps; step++)
        {
            using var inner = NewDisposeScope();
            if (step % perEpoch == 0)
                new Tensors.SampleRandom(step).Shuffle<long>(order);
            var some = tensor(order[(step % perEpoch * batch)..(int)Math.Min(n, (step % perEpoch + 1) * batch)]);
            var x = rows.index_select(0, some);                           // [batch, D]
            var ahead = weights + speed * momentum;
            var error = (Logits(x, ahead).softmax(1) - targets.index_select(0, some)) / x.shape[0];
            var gradient = cat([x.T.matmul(error) + ahead.narrow(0, 0, width) * lambda, error.sum([0], keepdim: true)]);
            var size = first * 0.5 * (1 + Math.Cos(Math.PI * step / steps));
            speed.mul_(momentum).sub_(gradient * size);
            weights.add_(speed);
        }
        return weights.MoveToOuterDisposeScope();
    }

    /// <summary>Half of the largest eigenvalue of [rows 1]ᵀ[rows 1] / n, by power iterations: the most that the mean cross-entropy can
    /// bend (Böhning 1992).</summary>
    internal static double Curvature(Tensor rows)
    {
        const int rounds = 30;
        using var scope = NewDisposeScope();
        var extended = cat([rows, ones([rows.shape[0], 1], rows.dtype)], 1);
        var direction = ones([extended.shape[1], 1], rows.dtype);
        var largest = 0.0;
        for (var round = 0; round < rounds; round++)
        {
            using var inner = NewDisposeScope();
            var next = extended.T.matmul(extended.matmul(direction / direction.norm())) / rows.shape[0];
            largest = next.norm().item<double>();
            direction = next.MoveToOuterDisposeScope();
        }
        return largest / 2;
    }

    internal static Tensor Logits(Tensor rows, Tensor weights) =>
        rows.matmul(weights.narrow(0, 0, rows.shape[1])) + weights.narrow(0, rows.shape[1], 1);

    private static Tensor Labels(EmbeddingSet part) => tensor(part.Labels.Select(l => (long)l).ToArray());
}
