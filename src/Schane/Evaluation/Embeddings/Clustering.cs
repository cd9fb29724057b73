using MathNet.Numerics;

namespace Schane.Evaluation.Embeddings;

/// <summary>How far two partitions of the same items agree; all information in nats (Vinh et al. 2010, JMLR 11).</summary>
/// <param name="MutualInformation">I(labels; clusters).</param>
/// <param name="LabelEntropy">H(labels).</param>
/// <param name="ClusterEntropy">H(clusters).</param>
/// <param name="Nmi">I over the mean of the two entropies; 1 if both are one cluster.</param>
/// <param name="Ami">The same with I's expectation under random partitions of these sizes taken off both parts; 0
/// where that leaves nothing.</param>
/// <param name="Ari">Rand index adjusted for chance.</param>
internal sealed record Clustering(double MutualInformation, double LabelEntropy, double ClusterEntropy, double Nmi, double Ami, double Ari)
{
    /// <param name="labels">Truth, any numbers.</param>
    /// <param name="clusters">The other partition, any numbers.</param>
    /// <exception cref="ArgumentException">None, or not as many of both.</exception>
    public static Clustering Of(IReadOnlyList<int> labels, IReadOnlyList<int> clusters)
    {
        if (labels.Count == 0 || labels.Count != clusters.Count)
            throw new ArgumentException($"clusters must hold one number for each of the {labels.Count} labels, at least one, but has " +
                $"{clusters.Count}.", nameof(clusters));
        double n = labels.Count;
        var a = labels.CountBy(l => l).ToDictionary();
        var b = clusters.CountBy(c => c).ToDictionary();
        var both = labels.Zip(clusters).CountBy(p => p).ToDictionary();

        var information = Math.Max(0, both.Sum(p => p.Value / n * Math.Log(n * p.Value / ((double)a[p.Key.First] * b[p.Key.Second]))));
        var (h, g) = (Entropy(a.Values, n), Entropy(b.Values, n));
        var mean = (h + g) / 2;
        if (a.Count == 1 && b.Count == 1)
            return new(0, 0, 0, 1, 1, 1);
        var nmi = information < 1e-15 ? 0 : information / mean;
        var expected = Expected([.. a.Values], [.. b.Values], labels.Count);
        const double nothing = 1e-12;
        var ami = Math.Abs(information - expected) < nothing ? 0 : (information - expected) / (mean - expected);
        return new(information, h, g, nmi, ami, Rand(a.Values, b.Values, both.Values, n));
    }

    private static double Entropy(IEnumerable<int> sizes, double n) => Math.Max(0, -sizes.Sum(s => s / n * Math.Log(s / n)));

    private static double Rand(IEnumerable<int> a, IEnumerable<int> b, IEnumerable<int> both, double n)
    {
        static double Pairs(IEnumerable<int> sizes) => sizes.Sum(s => s * (s - 1.0) / 2);
        var (together, inA, inB, all) = (Pairs(both), Pairs(a), Pairs(b), n * (n - 1) / 2);
        if (inA == inB && inA == together)                                // the same partition, also where nothing is left to adjust
            return 1;
        var chance = all == 0 ? 0 : inA * inB / all;
        return (together - chance) / ((inA + inB) / 2 - chance);
    }

    /// <summary>E[I] over random partitions with these sizes: hypergeometric cells.</summary>
    private static double Expected(int[] a, int[] b, int n)
    {
        static double LogFactorial(int k) => SpecialFunctions.GammaLn(k + 1.0);
        var sum = 0.0;
        foreach (var (size, times) in a.CountBy(s => s))
            foreach (var (other, often) in b.CountBy(s => s))
                for (var cell = Math.Max(1, size + other - n); cell <= Math.Min(size, other); cell++)
                {
                    var log = LogFactorial(size) + LogFactorial(other) + LogFactorial(n - size) + LogFactorial(n - other)
                        - LogFactorial(n) - LogFactorial(cell) - LogFactorial(size - cell) - LogFactorial(other - cell)
                        - LogFactorial(n - size - other + cell);
                    sum += times * often * ((double)cell / n) * Math.Log((double)n * cell / ((double)size * other)) * Math.Exp(log);
                }
        return sum;
    }
}
