using static TorchSharp.torch;

namespace Schane.Evaluation;

// n rows, D embedding width, C classes.

/// <summary>
/// A linear classifier of embeddings as they are: multinomial logistic regression with an L2 penalty on W (<see cref="LinearProbe"/>) whose
/// weight λ is chosen by cross-validation on the rows themselves. Owns its tensors.
/// </summary>
/// <param name="Weight">[C, D], float64.</param>
/// <param name="Bias">[C], float64.</param>
/// <param name="Lambda">λ with the least cross-entropy over all folds; it is of embeddings less their mean, over their root mean
/// square.</param>
/// <param name="Accuracy">Its share of rows recognised by a fit on the other folds, 0 to 1.</param>
internal sealed record ProbeHead(Tensor Weight, Tensor Bias, double Lambda, double Accuracy) : IDisposable
{
    /// <summary>Folds, and weaker penalties that may do no better before the rest, which take longest, are left out.</summary>
    private const int MostFolds = 5, Patience = 2;

    private const int StepsInFold = 100, MostSteps = 1000;

    /// <summary>Near enough to the optimum to compare one λ with another, and at it.</summary>
    private const double ToleranceInFold = 1e-4, Tolerance = 1e-6;

    /// <summary>C = 1 / (n λ), from 10⁻²·⁵ to 10⁰·⁵ by factors of √10: beyond, few labels gain surer answers, not more right
    /// ones.</summary>
    private static readonly double[] strengths = [.. Enumerable.Range(0, 7).Select(i => Math.Pow(10, (i - 5) / 2.0))];

    /// <summary>Fits on all rows, after the choice of λ on folds in which each class has its share.</summary>
    /// <param name="embeddings">[n, D], any floating type, not normalised.</param>
    /// <param name="labels">[n], int64.</param>
    /// <param name="classes">C.</param>
    public static ProbeHead Fit(Tensor embeddings, Tensor labels, int classes)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var raw = embeddings.to(ScalarType.Float64);
        var mean = raw.mean([0], keepdim: true);
        var scale = Math.Max((raw - mean).square().mean().sqrt().item<double>(), 1e-12);
        var rows = (raw - mean) / scale;
        var targets = nn.functional.one_hot(labels, classes).to_type(ScalarType.Float64);
        var start = zeros([rows.shape[1] + 1, classes], ScalarType.Float64);

        var (lambda, accuracy) = Choose(rows, labels, targets, start);
        var fitted = LinearProbe.Fit(rows, targets, lambda, start, Tolerance, MostSteps);
        var w = fitted.narrow(0, 0, rows.shape[1]) / scale;               // [D, C]
        var weight = w.T.contiguous();
        var bias = (fitted[rows.shape[1]] - mean.matmul(w)).flatten();
        return new(weight.DetachFromDisposeScope(), bias.DetachFromDisposeScope(), lambda, accuracy);
    }

    /// <summary>The best λ and its share of rows that are recognised by a fit on the other folds; each fit begins at the λ
    /// before.</summary>
    private static (double Lambda, double Accuracy) Choose(Tensor rows, Tensor labels, Tensor targets, Tensor start)
    {
        var n = (int)rows.shape[0];
        var parts = Folds(Tensors.Copy.Longs(labels)).Select(held =>
        {
            var (others, rest) = (tensor([.. Enumerable.Range(0, n).Select(i => (long)i).Except(held)]), tensor(held));
            return (Rows: rows.index_select(0, others), Targets: targets.index_select(0, others), Held: rows.index_select(0, rest),
                Labels: labels.index_select(0, rest), Found: start.clone());
        }).ToArray();
        var (best, least, share, worse) = (0.0, double.PositiveInfinity, 0.0, 0);
        foreach (var lambda in strengths.Select(c => 1 / (n * c)))        // from the strongest penalty
        {
            var (loss, right) = (0.0, 0L);
            for (var i = 0; i < parts.Length; i++)
            {
                using var inner = NewDisposeScope();
                var (others, known, held, truth, before) = parts[i];
                var found = LinearProbe.Fit(others, known, lambda, before, ToleranceInFold, StepsInFold);
                var logits = LinearProbe.Logits(held, found);
                loss += nn.functional.cross_entropy(logits, truth, reduction: nn.Reduction.Sum).item<double>();
                right += (logits.argmax(1) == truth).sum().item<long>();
                before.Dispose();
                parts[i].Found = found.MoveToOuterDisposeScope();
            }
            worse = loss < least ? 0 : worse + 1;
            if (worse == 0)
                (best, least, share) = (lambda, loss, (double)right / n);
            if (worse == Patience)
                break;
        }
        return (best, share);
    }

    /// <summary>Rows to hold out in turn: the k-th row of a class lies in fold k mod folds. As many folds as the largest class has rows,
    /// 2 to 5.</summary>
    private static IEnumerable<long[]> Folds(long[] labels)
    {
        var seen = new Dictionary<long, int>();
        var places = labels.Select(label => seen[label] = seen.GetValueOrDefault(label) + 1).ToArray();
        var folds = Math.Clamp(places.Max(), 2, MostFolds);
        return labels.Select((_, row) => row).GroupBy(row => places[row] % folds, row => (long)row).Select(fold => fold.ToArray());
    }

    /// <summary>Logits [n, C], float64.</summary>
    /// <param name="embeddings">[n, D].</param>
    public Tensor Logits(Tensor embeddings) => nn.functional.linear(embeddings.to(ScalarType.Float64), Weight, Bias);

    /// <inheritdoc/>
    public void Dispose()
    {
        Weight.Dispose();
        Bias.Dispose();
    }
}
