using static TorchSharp.torch;

namespace Schane.Tests.Oracles;

/// <summary>Losses of other libraries that are not members of our family, written from their documentation as
/// slow loops over pairs.</summary>
internal static class PeerFormulas
{
    /// <summary>
    /// pytorch-metric-learning's NTXentLoss: the mean over positive pairs (i, p) of −s(i,p) + log(exp s(i,p) + Σ over negatives of i exp
    /// s), 0 without a pair or without negatives.
    /// </summary>
    public static Tensor NtXentOverPairs(Tensor units, long[] labels, double temperature)
    {
        var s = units.matmul(units.t()) / temperature;
        var terms = new List<Tensor>();
        for (var i = 0; i < labels.Length; i++)
        {
            var negatives = Enumerable.Range(0, labels.Length).Where(k => labels[k] != labels[i]).Select(k => (long)k).ToArray();
            if (negatives.Length == 0)
                continue;
            var sum = s[i].index(tensor(negatives)).logsumexp(0);
            foreach (var p in Enumerable.Range(0, labels.Length).Where(p => p != i && labels[p] == labels[i]))
                terms.Add(logaddexp(s[i, p], sum) - s[i, p]);
        }
        return terms.Count == 0 ? units.sum() * 0 : stack(terms).mean();
    }
}
