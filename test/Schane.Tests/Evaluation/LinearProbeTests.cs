using Schane.Evaluation;
using Schane.Evaluation.Embeddings;
using Schane.Tests.Evaluation.Episodes;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Evaluation;

public class LinearProbeTests
{
    private static EmbeddingSet Part(int from, int count, double spread)
    {
        using var scope = NewDisposeScope();
        var labels = Some.Labels(400, 5);
        var rows = Some.Clusters(labels, 12, spread).narrow(0, from, count);
        return EmbeddingSet.Of(rows * 7 + 3, tensor(labels[from..(from + count)]), ["a", "b", "c", "d", "e"]);
    }

    [Fact]
    public void The_fit_is_the_one_that_the_dual_solver_finds()
    {
        // Mean cross-entropy + λ/2 ‖W‖² is n λ times the other's ½‖W‖² + C Σ CE with C = 1 / (n λ).
        using var scope = NewDisposeScope();
        var (single, labels) = (Some.Rows(30, 8, dtype: ScalarType.Float32), Some.Labels(30, 3));
        var rows = single.to_type(ScalarType.Float64);
        var targets = nn.functional.one_hot(tensor(labels), 3).to_type(ScalarType.Float64);
        const double lambda = 0.05;
        var primal = LinearProbe.Logits(rows, LinearProbe.Fit(rows, targets, lambda, zeros([9, 3], ScalarType.Float64))).softmax(1);
        var dual = LogisticRegressionTests.Probabilities(single, [.. labels.Select(l => (int)l)], single, classes: 3, c: 1 / (30 * lambda));
        Assert.InRange((primal - dual).abs().max().item<double>(), 0, 1e-4);   // the primal stops at a gradient of 1e-6
    }

    [Fact]
    public void Gradient_descent_by_batches_comes_near_the_optimum()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var labels = Some.Labels(600, 4);
        var rows = Some.Clusters(labels, 10, 0.7) * 2;
        var targets = nn.functional.one_hot(tensor(labels), 4).to_type(ScalarType.Float64);
        const double lambda = 0.01;
        double Objective(Tensor weights) => (-(LinearProbe.Logits(rows, weights).log_softmax(1) * targets).sum() / 600
            + weights.narrow(0, 0, 10).square().sum() * (lambda / 2)).item<double>();
        var start = zeros([11, 4], ScalarType.Float64);
        var (least, found) = (Objective(LinearProbe.Fit(rows, targets, lambda, start)),
            Objective(LinearProbe.Descend(rows, targets, lambda, start, LinearProbe.Curvature(rows))));
        Assert.InRange(found - least, 0, 1e-3 * (Objective(start) - least));
        Assert.Equal(0, start.abs().sum().item<double>());
    }

    [Fact]
    public void The_curvature_is_half_the_largest_eigenvalue()
    {
        using var scope = NewDisposeScope();
        var rows = Some.Rows(50, 6);
        var extended = cat([rows, ones(50, 1, dtype: ScalarType.Float64)], 1);
        Assert.Equal(linalg.eigvalsh(extended.T.matmul(extended) / 50).max().item<double>() / 2, LinearProbe.Curvature(rows), 2e-3);
    }

    [Fact]
    public void Clusters_that_lie_apart_are_told_apart_and_the_sweep_is_told()
    {
        var probe = LinearProbe.Of(Part(0, 200, 0.1), Part(200, 100, 0.1), Part(300, 100, 0.1));
        Assert.Equal(1, probe.Test.Top1);
        Assert.Equal(1, LinearProbe.Of(Part(0, 200, 0.1), Part(200, 100, 0.1), Part(300, 100, 0.1), solver: ProbeSolver.Sgd).Test.Top1);
        Assert.Equal(LinearProbe.Lambdas, probe.Sweep.Select(s => s.Lambda));
        Assert.Equal(probe.Sweep.Where(s => s.Accuracy == probe.Sweep.Max(x => x.Accuracy)).Max(s => s.Lambda), probe.Lambda);
    }

    [Fact]
    public void Parts_that_do_not_fit_together_are_refused()
    {
        var (five, other) = (Part(0, 50, 1), new EmbeddingSet([1, 2], 2, [0], ["a"]));
        Assert.Contains("All parts must have 5 classes and width 12, but one has 1 and 2.",
            Assert.Throws<ArgumentException>(() => LinearProbe.Of(five, other, five)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => LinearProbe.Of(five, five, five, [0]));
    }
}
