using static TorchSharp.torch;

namespace Schane.Evaluation;

// n rows, D embedding width, C classes.

/// <summary>A linear classifier on frozen embeddings: mean cross-entropy + λ/2 ‖W‖², solved by L-BFGS in float64; λ is chosen on a validation part.</summary>
/// <param name="Test">Measured on the test part with the chosen λ.</param>
/// <param name="Lambda">The λ with the best validation accuracy, the largest of equals.</param>
/// <param name="Sweep">Each λ with its validation accuracy.</param>
public sealed record LinearProbe(Classification Test, double Lambda, IReadOnlyList<(double Lambda, double Accuracy)> Sweep)
{
    private const double Tolerance = 1e-6;
    private const int MostSteps = 500;

    /// <summary>λ from 10 down to 10⁻⁶ by factors of √10.</summary>
    public static IReadOnlyList<double> Lambdas { get; } = [.. Enumerable.Range(0, 15).Select(i => 10 * Math.Pow(10, -i / 2.0))];

    /// <summary>Fits every λ on the training part, each starting from the last.</summary>
    /// <param name="train">To fit on. Its mean is taken off all rows and its root mean square scales them, so that λ means the same for any model.</param>
    /// <param name="validation">To choose λ on.</param>
    /// <param name="test">Measured once.</param>
    /// <param name="lambdas">The sweep; null for <see cref="Lambdas"/>.</param>
    /// <exception cref="ArgumentException">Widths or classes differ, or there is no λ.</exception>
    public static LinearProbe Of(EmbeddingSet train, EmbeddingSet validation, EmbeddingSet test, IReadOnlyList<double>? lambdas = null)
    {
        foreach (var part in (EmbeddingSet[])[validation, test])
            if (part.Width != train.Width || part.Classes.Count != train.Classes.Count)
                throw new ArgumentException($"All parts must have {train.Classes.Count} classes and width {train.Width}, but one has {part.Classes.Count} and {part.Width}.");
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
        foreach (var lambda in lambdas.OrderDescending())
        {
            weights = Fit(rows, targets, lambda, weights);
            var accuracy = (Logits(chooseOn, weights).argmax(1) == truth).to_type(ScalarType.Float64).mean().item<double>();
            sweep.Add((lambda, accuracy));
            if (accuracy > bestAccuracy)
                (best, bestAccuracy, bestLambda) = (weights, accuracy, lambda);
        }
        return new(Classification.Of(Logits(Prepared(test), best), Labels(test)), bestLambda, sweep);
    }

    /// <summary>W over b [D + 1, C] at the least of mean cross-entropy + λ/2 ‖W‖².</summary>
    internal static Tensor Fit(Tensor rows, Tensor targets, double lambda, Tensor start)
    {
        Tensors.Require.Positive(lambda, nameof(lambda));
        var (n, width) = (rows.shape[0], rows.shape[1]);
        return Lbfgs.Minimise(Objective, start, Tolerance, MostSteps);

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

    internal static Tensor Logits(Tensor rows, Tensor weights) =>
        rows.matmul(weights.narrow(0, 0, rows.shape[1])) + weights.narrow(0, rows.shape[1], 1);

    private static Tensor Labels(EmbeddingSet part) => tensor(part.Labels.Select(l => (long)l).ToArray());
}
