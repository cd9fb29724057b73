using static TorchSharp.torch;

namespace Schane.Evaluation.Embeddings;

// n rows scaled to unit length, D width, C classes with images.

/// <summary>What an embedding space looks like. All but NC1 on rows of unit length.</summary>
/// <param name="Alignment">Mean squared distance of pairs of one class, 0 to 4 (Wang &amp; Isola 2020, arXiv:2005.10242, α = 2); small is
/// good. Null if no class has two images.</param>
/// <param name="Uniformity">log of the mean over all pairs of exp(−2 · squared distance), −8 to 0 (the same, t = 2); small is spread
/// out. Null for one image.</param>
/// <param name="IntraClassCosine">Mean cosine of pairs of one class; null as above.</param>
/// <param name="InterClassCosine">Mean cosine of pairs of different classes; null for one class.</param>
/// <param name="Isotropy">min Z(c) / max Z(c) of Z(c) = Σ exp(c·z) over the eigenvectors c of ZᵀZ with both signs, 0 to 1 (Mu &amp;
/// Viswanath 2018, arXiv:1702.01417); 1 is the same in all directions.</param>
/// <param name="EffectiveRank">exp of the entropy of the singular values of the centred rows, 1 to D (Roy &amp; Vetterli 2007); 0 if
/// all rows are the same.</param>
/// <param name="NeuralCollapse">NC1 = tr(Σ_W Σ_B⁺) / C of the rows as they are (Papyan et al. 2020, arXiv:2008.08186); small is
/// collapsed. Null for one class.</param>
internal sealed record EmbeddingQuality(
    double? Alignment, double? Uniformity, double? IntraClassCosine, double? InterClassCosine, double Isotropy,
    double EffectiveRank, double? NeuralCollapse)
{
    private const int RowsAtOnce = 512;

    /// <summary>Measures in float64; pairs by tiles of 512 rows, everything else from sums.</summary>
    public static EmbeddingQuality Of(EmbeddingSet data)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var raw = data.ToTensor();                                        // [n, D]
        var rows = nn.functional.normalize(raw, dim: 1);
        double n = data.Count;

        // Σ over ordered pairs of cosines, from class sums: |Σz|² counts each row with itself, which is 1 (0 for a zero row).
        var self = rows.square().sum().item<double>();
        var members = nn.functional.one_hot(tensor(data.Labels.Select(l => (long)l).ToArray()), data.Classes.Count)
            .to_type(ScalarType.Float64);
        var sizes = Tensors.Copy.Doubles(members.sum([0]));
        var within = members.T.matmul(rows).square().sum().item<double>() - self;
        var all = rows.sum([0]).square().sum().item<double>() - self;
        var (pairsWithin, pairs) = (sizes.Sum(s => s * (s - 1)), n * (n - 1));
        double? intra = pairsWithin > 0 ? within / pairsWithin : null;
        double? inter = pairs > pairsWithin ? (all - within) / (pairs - pairsWithin) : null;

        var spread = 0.0;
        Neighbours.Tiles(data, data, Metric.Cosine, sameImages: true, RowsAtOnce, (_, cosine) =>
            spread += (cosine * 4 - 4).exp().sum().item<double>());       // exp(−2 (2 − 2 cos)); −∞ on the diagonal adds 0

        var (values, vectors) = linalg.eigh(rows.T.matmul(rows));
        var toEach = rows.matmul(vectors);                                // [n, D]
        var z = cat([toEach.exp().sum([0]), (-toEach).exp().sum([0])]);
        var isotropy = (z.min() / z.max()).item<double>();
        return new(2 - 2 * intra, pairs > 0 ? Math.Log(spread / pairs) : null, intra, inter, isotropy, RankOf(rows),
            Collapse(raw, members, sizes));
    }

    /// <summary>The figures that there are, by the names that files and tables give them.</summary>
    internal IEnumerable<(string Name, double Value)> Named()
    {
        (string Name, double? Value)[] all =
        [
            ("alignment", Alignment), ("uniformity", Uniformity), ("intra_class_cosine", IntraClassCosine),
            ("inter_class_cosine", InterClassCosine),
            ("isotropy", Isotropy), ("effective_rank", EffectiveRank), ("neural_collapse", NeuralCollapse),
        ];
        return all.Where(figure => figure.Value is not null).Select(figure => (figure.Name, figure.Value!.Value));
    }

    private static double RankOf(Tensor rows)
    {
        var singular = Tensors.Copy.Doubles(linalg.svdvals(rows - rows.mean([0], keepdim: true)));
        var sum = singular.Sum();
        if (sum < 1e-12)
            return 0;
        return Math.Exp(-singular.Select(s => s / sum).Where(p => p > 0).Sum(p => p * Math.Log(p)));
    }

    private static double? Collapse(Tensor rows, Tensor members, double[] sizes)
    {
        long[] present = [.. Enumerable.Range(0, sizes.Length).Where(c => sizes[c] > 0).Select(c => (long)c)];
        if (present.Length < 2)
            return null;
        var of = members.index_select(1, tensor(present));                // [n, C]
        var means = of.T.matmul(rows) / of.sum([0]).unsqueeze(1);           // [C, D]
        var inside = rows - of.matmul(means);
        var between = means - means.mean([0], keepdim: true);
        var sigmaW = inside.T.matmul(inside) / rows.shape[0];
        var sigmaB = between.T.matmul(between) / present.Length;
        return (sigmaW.matmul(linalg.pinv(sigmaB, hermitian: true)).trace() / present.Length).item<double>();
    }
}
