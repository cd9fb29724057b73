using Schane.Losses;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Losses;

/// <summary>The closed form of the gradient that docs/method.md states, in float64 loops, against the loss.</summary>
public class SlopeFormulaTests
{
    [Theory]
    [InlineData(0, false, false)]
    [InlineData(1, false, false)]
    [InlineData(1, true, false)]
    [InlineData(2, false, true)]
    public void The_gradient_of_the_method_page_is_that_of_the_loss(double beta, bool detached, bool inside)
    {
        using var scope = NewDisposeScope();
        long[] labels = [0, 0, 0, 1, 1, 2, 2, 3];                         // the last is an anchor without a positive
        const double tau = 0.3;
        var embeddings = Some.Rows(labels.Length, 5, seed: 3).requires_grad_();
        new SchaneLoss
        { Temperature = tau, Beta = beta, DetachWeights = detached, Placement = inside ? Placement.Inside : Placement.Outside }
            .Compute(embeddings, tensor(labels)).backward();
        var found = embeddings.grad!.data<double>().ToArray();

        var rows = Enumerable.Range(0, labels.Length).Select(i => embeddings[i].data<double>().ToArray()).ToArray();
        Assert.All(Expected(rows, labels, tau, beta, detached, inside).Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-10));
    }

    private static double[] Expected(double[][] rows, long[] labels, double tau, double beta, bool detached, bool inside)
    {
        var (n, width) = (rows.Length, rows[0].Length);
        var norms = rows.Select(r => Math.Sqrt(r.Sum(x => x * x))).ToArray();
        var z = rows.Select((r, i) => r.Select(x => x / norms[i]).ToArray()).ToArray();
        double S(int i, int j) => z[i].Zip(z[j], (a, b) => a * b).Sum() / tau;
        var g = new double[n, n];                                         // ∂ mean loss / ∂ s(i,j)
        var anchors = Enumerable.Range(0, n).Where(i => labels.Count(l => l == labels[i]) > 1).ToArray();
        foreach (var i in anchors)
        {
            var p = Enumerable.Range(0, n).Where(j => j != i && labels[j] == labels[i]).ToArray();
            var m = Enumerable.Range(0, n).Where(k => labels[k] != labels[i]).ToArray();
            var sum = m.Sum(k => Math.Exp(beta * S(i, k)));
            double W(int k) => m.Length * Math.Exp(beta * S(i, k)) / sum;
            var a = p.Sum(j => Math.Exp(S(i, j)));
            var negatives = m.Sum(k => W(k) * Math.Exp(S(i, k)));
            var d = a + negatives;
            foreach (var j in p)
                g[i, j] = (Math.Exp(S(i, j)) / d - (inside ? Math.Exp(S(i, j)) / a : 1.0 / p.Length)) / anchors.Length;
            foreach (var k in m)
                g[i, k] = W(k)
                    * (detached ? Math.Exp(S(i, k)) : (1 + beta) * Math.Exp(S(i, k)) - beta * negatives / m.Length) / d / anchors.Length;
        }
        var gradient = new double[n * width];
        for (var i = 0; i < n; i++)
        {
            var atUnit = new double[width];
            for (var j = 0; j < n; j++)
                for (var c = 0; c < width; c++)
                    atUnit[c] += (g[i, j] + g[j, i]) * z[j][c] / tau;
            var along = atUnit.Zip(z[i], (u, v) => u * v).Sum();
            for (var c = 0; c < width; c++)
                gradient[i * width + c] = (atUnit[c] - along * z[i][c]) / norms[i];
        }
        return gradient;
    }
}
