using Schane.Losses;
using Schane.Recipes;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Losses;

/// <summary>Rows of several classes: binary cross-entropy, and positives by the classes that two rows share.</summary>
public class LabelSetLossTests
{
    private static readonly double[] sets = [1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 1, 1];                // [4, 3]

    private static CrossEntropyLoss Loss(double gamma = 0, double smoothing = 0, IReadOnlyList<double>? weights = null) =>
        new() { IsMultiLabel = true, Gamma = gamma, LabelSmoothing = smoothing, ClassWeights = weights };

    [Fact]
    public void A_row_that_knows_nothing_costs_a_bit_a_class() =>
        Assert.Equal(3 * Math.Log(2), Loss().ComputeSoft(zeros(4, 3, dtype: float64), tensor(sets, [4, 3])).item<double>(), 1e-14);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 0.1)]
    [InlineData(2, 0)]
    [InlineData(0.5, 0.2)]
    public void It_is_the_sum_over_classes_and_the_mean_over_rows_with_its_own_slope(double gamma, double smoothing)
    {
        using var scope = NewDisposeScope();
        double[] weights = [1, 2, 0.5], values = [0.3, -1, 2, 1.5, 0, -0.2, -3, 0.7, 0.1, 1, -1, 0.4];
        double Slowly(double[] logits)
        {
            var sum = 0.0;
            for (var i = 0; i < logits.Length; i++)
            {
                var (q, t) = (1 / (1 + Math.Exp(-logits[i])), sets[i] * (1 - smoothing) + smoothing / 2);
                sum -= weights[i % 3] * (t * Math.Pow(1 - q, gamma) * Math.Log(q) + (1 - t) * Math.Pow(q, gamma) * Math.Log(1 - q));
            }
            return sum / 4;
        }
        var logits = tensor(values, [4, 3]).requires_grad_();
        var value = Loss(gamma, smoothing, weights).ComputeSoft(logits, tensor(sets, [4, 3]));
        value.backward();
        Assert.Equal(Slowly(values), value.item<double>(), 1e-13);
        const double h = 1e-6;
        for (var i = 0; i < values.Length; i++)
        {
            double At(double by) => Slowly([.. values.Select((v, j) => i == j ? v + by : v)]);
            Assert.Equal((At(h) - At(-h)) / (2 * h), logits.grad!.flatten()[i].item<double>(), 1e-8);
        }
    }

    [Fact]
    public void Logits_that_are_sure_beyond_single_precision_stay_finite()
    {
        using var scope = NewDisposeScope();
        var logits = tensor([500f, -500, 500], [1, 3]).requires_grad_();
        var value = Loss(gamma: 2).ComputeSoft(logits, tensor([1f, 0, 0], [1, 3]));
        value.backward();
        Assert.Equal(500, value.item<float>());
        Assert.True(logits.grad!.isfinite().all().item<bool>());
    }

    [Fact]
    public void One_class_a_row_gives_the_binary_loss_of_its_label_and_leaves_out_ignored_rows()
    {
        var (logits, oneHot) = (Some.Rows(3, 4), tensor([0.0, 1, 0, 0, 1, 0, 0, 0], [2, 4]));
        Assert.Equal(Loss().ComputeSoft(logits.narrow(0, 0, 2), oneHot).item<double>(),
            Loss().Compute(logits, tensor([1L, 0, -100])).item<double>(), 1e-14);
    }

    [Fact]
    public void Positives_weigh_the_cosine_of_both_sets()
    {
        // {a, b} and {a} share 1/√2, {a, b} and {b} the same, {a} and {b} nothing; {b, c} ½ with the first, 1/√2 with {b}.
        using var step = new JointObjective(new() { CrossEntropy = Loss() }).Compute(Some.Rows(4, 5), Some.Rows(4, 3),
            zeros(4, dtype: int64), mixture: tensor(sets, [4, 3]));
        Assert.Equal((6 / Math.Sqrt(2) + 1) / 4, step.Statistics.MeanPositives, 1e-12);
        Assert.Equal(3 - (6 / Math.Sqrt(2) + 1) / 4, step.Statistics.MeanNegatives, 1e-12);
        Assert.Equal(3, step.Statistics.Classes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Sets_of_one_class_each_give_the_contrastive_loss_of_labels(bool single)
    {
        using var scope = NewDisposeScope();
        long[] labels = [0, 0, 1, 2, 1, 0, 2, 2];
        var (z, y) = (Some.Rows(8, 5, dtype: single ? ScalarType.Float32 : ScalarType.Float64), tensor(labels));
        var logits = Some.Rows(8, 3, dtype: z.dtype);
        using var hard = new JointObjective(new()).Compute(z, logits, y);
        using var sets = new JointObjective(new() { CrossEntropy = Loss() }).Compute(z, logits, y,
            mixture: nn.functional.one_hot(y, 3).to_type(ScalarType.Float32));
        Assert.Equal(hard.Contrastive, sets.Contrastive, single ? 1e-6 : 1e-12);
        var difference = (hard.EmbeddingGradient! - sets.EmbeddingGradient!).abs().max().to_type(ScalarType.Float64).item<double>();
        Assert.InRange(difference, 0, single ? 1e-7 : 1e-13);
    }

    [Fact]
    public void The_tiled_kernel_agrees_with_the_op_graph_on_shared_classes()
    {
        using var scope = NewDisposeScope();
        var (z, logits, y) = (Some.Rows(40, 6, dtype: ScalarType.Float32), Some.Rows(40, 5, dtype: ScalarType.Float32),
            zeros(40, dtype: int64));
        var mixture = (Some.Rows(40, 5, seed: 3) > 0.3).to_type(ScalarType.Float32);             // some rows show none
        using var tiled = new JointObjective(new() { CrossEntropy = Loss(), Kernel = LossKernel.Tiled }).Compute(z, logits, y,
            mixture: mixture);
        using var graph = new JointObjective(new() { CrossEntropy = Loss(), Kernel = LossKernel.OpGraph }).Compute(z, logits, y,
            mixture: mixture);
        Assert.Equal(graph.Contrastive, tiled.Contrastive, 1e-5);
        Assert.InRange((graph.EmbeddingGradient! - tiled.EmbeddingGradient!).abs().max().item<float>(), 0, 1e-6);
    }

    [Fact]
    public void The_parts_of_all_ranks_add_up_to_the_whole()
    {
        using var scope = NewDisposeScope();
        var (z, logits, y, mixture) = (Some.Rows(4, 5), Some.Rows(4, 3), zeros(4, dtype: int64), tensor(sets, [4, 3]));
        var objective = new JointObjective(new() { CrossEntropy = Loss(gamma: 1, weights: [1, 2, 3]) });
        var whole = objective.Compute(z, logits, y, mixture: mixture);
        var parts = ((int, int)[])[(0, 1), (1, 3)];
        var shares = parts.Select(p => objective.ComputeShare(new(p.Item1, p.Item2), z, logits.narrow(0, p.Item1, p.Item2), y,
            mixture: mixture)).ToList();
        Assert.Equal(whole.Total, shares.Sum(p => p.Total), 1e-12);
        Assert.True((whole.LogitGradient! - cat(shares.Select(p => p.LogitGradient!).ToList())).abs().max().item<double>() < 1e-13);
        Assert.True((whole.EmbeddingGradient! - shares[0].EmbeddingGradient! - shares[1].EmbeddingGradient!).abs().max().item<double>()
            < 1e-13);
    }

    [Fact]
    public void Losses_that_know_no_shared_classes_are_refused()
    {
        var triplet = new JointObjective(new() { Loss = new TripletLoss(), CrossEntropy = Loss() });
        Assert.Contains("can't compare rows by the classes that they share", Assert.Throws<ArgumentException>(() =>
            triplet.Compute(Some.Rows(4, 5), Some.Rows(4, 3), zeros(4, dtype: int64), mixture: tensor(sets, [4, 3]))).Message);
        Assert.Contains("the loss triplet can't compare; choose supcon or schane", Assert.Throws<SchaneException>(() =>
            RecipeFile.Parse("loss: triplet\nmulti-label: true", "r").Objective()).Message);
        Assert.Contains("mixing clean", Assert.Throws<SchaneException>(() =>
            RecipeFile.Parse("mixing: clean\nmixup: 1\nmulti-label: true", "r").Objective()).Message);
    }
}
