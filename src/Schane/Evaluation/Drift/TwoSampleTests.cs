using static TorchSharp.torch;

namespace Schane.Evaluation.Drift;

// N rows of two samples, R of the reference before those that came in; D embedding width, C classes, P choices.

/// <summary>Whether two samples are of one kind, each test sensitive to another way in which they may not be. All by permutation, so that
/// p is below α in at most α of the cases where they are.</summary>
internal static class TwoSampleTests
{
    /// <summary>Maximum mean discrepancy (Gretton et al. 2012, JMLR 13, eq. 3): MMD² without bias, with a Gaussian kernel on rows of unit
    /// length, as wide as the median of their distances.</summary>
    /// <param name="rows">[N, D], float64.</param>
    /// <param name="reference">R.</param>
    /// <param name="seed">Which permutations are drawn.</param>
    public static (double Value, double P) MaximumMeanDiscrepancy(Tensor rows, int reference, int seed)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var n = (int)rows.shape[0];
        var units = rows / rows.norm(1, keepdim: true).clamp_min(1e-12);
        var distances = (2 - 2 * units.matmul(units.T)).clamp_min(0);     // squared, [N, N]
        var between = distances.masked_select(ones([n, n], ScalarType.Bool).triu(1));
        var kernel = (-distances / between.median().clamp_min(1e-12)).exp() * (1 - eye(n, dtype: ScalarType.Float64));
        var (sums, all) = (kernel.sum([1], keepdim: true), kernel.sum());
        return Permutations.Of(reference, n - reference, seed, cameIn =>
        {
            var inside = (cameIn * kernel.matmul(cameIn)).sum([0]);
            var across = (cameIn * sums).sum([0]) - inside;
            var outside = all - 2 * across - inside;
            var (y, x) = ((double)(n - reference), (double)reference);
            return inside / (y * (y - 1)) + outside / (x * (x - 1)) - 2 * across / (x * y);
        });
    }

    /// <summary>
    /// A classifier two-sample test (Lopez-Paz and Oquab 2017, arXiv:1610.06545): least squares with a ridge penalty tells the samples
    /// apart, each row is judged by the fit without it, and the value is how often one that came in is judged above one of the reference,
    /// ½ where nothing tells them apart.
    /// </summary>
    /// <remarks>What leaving a row out changes follows from its leverage, so that all permutations are one product.</remarks>
    /// <inheritdoc cref="MaximumMeanDiscrepancy" path="/param"/>
    public static (double Value, double P) Classifier(Tensor rows, int reference, int seed)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (n, width) = (rows.shape[0], rows.shape[1]);
        var centred = rows - rows.mean([0], keepdim: true);
        var gram = centred.T.matmul(centred);                             // [D, D]
        var penalty = Math.Max(gram.trace().item<double>() / Math.Min(n, width), 1e-12);
        var hat = centred.matmul(linalg.solve(gram + penalty * eye(width, dtype: ScalarType.Float64), centred.T.contiguous())); // [N, N]
        var leverage = hat.diagonal().unsqueeze(1);
        return Permutations.Of(reference, (int)n - reference, seed, cameIn =>
        {
            var side = cameIn - cameIn.mean([0], keepdim: true);
            var judged = (hat.matmul(side) - leverage * side) / (1 - leverage);
            return Permutations.Above(judged.argsort(0).argsort(0).to_type(ScalarType.Float64) + 1, cameIn);
        });
    }

    /// <summary>How often a value that came in lies above one of the reference, ½ where they are alike: Mann and Whitney's test,
    /// one-sided.</summary>
    /// <param name="reference">[R].</param>
    /// <param name="incoming">[N − R].</param>
    /// <param name="seed">Which permutations are drawn.</param>
    public static (double Value, double P) Above(IReadOnlyList<double> reference, IReadOnlyList<double> incoming, int seed)
    {
        using var scope = NewDisposeScope();
        var ranks = tensor(Permutations.Ranks([.. reference, .. incoming]), [reference.Count + incoming.Count, 1]);
        return Permutations.Of(reference.Count, incoming.Count, seed, cameIn => Permutations.Above(ranks, cameIn));
    }

    /// <summary>Pearson's χ² of the classes in two samples.</summary>
    /// <param name="reference">Class of each row, from 0.</param>
    /// <param name="incoming">The same of those that came in.</param>
    /// <param name="seed">Which permutations are drawn.</param>
    public static (double Value, double P) Shares(IReadOnlyList<int> reference, IReadOnlyList<int> incoming, int seed)
    {
        using var scope = NewDisposeScope();
        long[] classes = [.. reference.Concat(incoming).Select(c => (long)c)];
        var one = nn.functional.one_hot(tensor(classes)).to_type(ScalarType.Float64);                       // [N, C]
        var total = one.sum([0]);
        var share = (total / classes.Length).clamp_min(1e-12);           // classes that neither has count 0 of 0
        return Permutations.Of(reference.Count, incoming.Count, seed, cameIn =>
        {
            Tensor Off(Tensor counts, int rows) => ((counts - rows * share).square() / (rows * share)).sum([1]);
            var counts = cameIn.T.matmul(one);                            // [P, C]
            return Off(counts, incoming.Count) + Off(total - counts, reference.Count);
        });
    }
}
