using Schane.Evaluation;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Evaluation;

public class LogisticRegressionTests
{
    [Theory]
    [InlineData(1, 1.0)]
    [InlineData(4, 1.0)]
    [InlineData(4, 30.0)]                                                 // rows so long that Newton's method has to finish
    public void Stops_where_the_gradient_is_zero(int shots, double length)
    {
        using var scope = NewDisposeScope();
        const int ways = 3, width = 6;
        var support = nn.functional.normalize(Some.Rows(ways * shots, width, seed: 2)) * length;
        var query = nn.functional.normalize(Some.Rows(10, width, seed: 3)) * length;
        var targets = eye(ways, dtype: ScalarType.Float64).repeat_interleave(shots, 0);

        var found = LogisticRegression.Probabilities(support.unsqueeze(0), targets.unsqueeze(0), cat([support, query]).unsqueeze(0))[0];
        var missing = targets - found.narrow(0, 0, ways * shots);        // [n, K]
        var w = missing.T.matmul(support);                               // ∂/∂W = 0: W = Σ (y − p) xᵀ
        Assert.InRange(missing.sum([0]).abs().max().item<double>(), 0, 1e-8);   // ∂/∂b = 0
        // The probabilities come from this W and one b: log p − W x is b but for a number of each row's own.
        var b = found.log() - cat([support, query]).matmul(w.T);
        b -= b.mean([1], keepdim: true);
        Assert.InRange((b - b[0]).abs().max().item<double>(), 0, 1e-6);
    }

    [Fact]
    public void A_problem_is_solved_alike_alone_and_among_others()
    {
        using var scope = NewDisposeScope();
        var support = nn.functional.normalize(Some.Rows(12, 5), dim: 1).view(2, 6, 5);
        var query = Some.Rows(8, 5, seed: 4).view(2, 4, 5);
        var targets = eye(3, dtype: ScalarType.Float64).repeat_interleave(2, 0).expand(2, -1, -1);
        var both = LogisticRegression.Probabilities(support, targets, query);
        var second = LogisticRegression.Probabilities(support.narrow(0, 1, 1), targets.narrow(0, 1, 1), query.narrow(0, 1, 1));
        Assert.InRange((both[1] - second[0]).abs().max().item<double>(), 0, 1e-9);
    }
}
