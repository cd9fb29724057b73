namespace Schane.Tests.Oracles;

/// <summary>The formula of docs/method.md in double-precision loops over pairs: losses, no gradients (finite
/// differences give those).</summary>
internal static class PairOracle
{
    /// <param name="rows">Embeddings, any scale.</param>
    /// <param name="positive">p(i, j), looked up for j ≠ i.</param>
    /// <param name="temperature">τ.</param>
    /// <param name="beta">β.</param>
    /// <param name="inside">Inside or outside the log.</param>
    /// <param name="tauPlus">τ⁺.</param>
    public static double Loss(double[][] rows, Func<int, int, double> positive, double temperature, double beta = 0,
        bool inside = false, double tauPlus = 0)
    {
        var units = rows.Select(r =>
        {
            var norm = Math.Max(Math.Sqrt(r.Sum(x => x * x)),
            1e-12); return r.Select(x => x / norm).ToArray();
        }).ToArray();
        var (sum, weight) = (0.0, 0.0);
        for (var i = 0; i < units.Length; i++)
        {
            double count = 0, others = 0, attraction = 0, a = 0, norm = 0, hard = 0;
            for (var j = 0; j < units.Length; j++)
            {
                if (j == i)
                    continue;
                var s = units[i].Zip(units[j], (x, y) => x * y).Sum() / temperature;
                var p = positive(i, j);
                (count, others) = (count + p, others + 1 - p);
                (attraction, a) = (attraction + p * s, a + p * Math.Exp(s));
                (norm, hard) = (norm + (1 - p) * Math.Exp(beta * s), hard + (1 - p) * Math.Exp((1 + beta) * s));
            }
            if (count == 0)
                continue;
            var w = others == 0 ? 0 : others * hard / norm;
            if (tauPlus > 0)
                w = Math.Max((w - tauPlus * others * a / count) / (1 - tauPlus), others * Math.Exp(-1 / temperature));
            var loss = Math.Log(a + w) - (inside ? Math.Log(a / count) : attraction / count);
            var share = Math.Min(1, count);
            (sum, weight) = (sum + share * loss, weight + share);
        }
        return sum / weight;
    }
}
