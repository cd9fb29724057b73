using Schane.Losses;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Losses;

public class JointObjectiveTests
{
    private static readonly long[] labels = [0, 0, 1, 1, 2, 3];

    [Fact]
    public void Its_gradients_are_those_of_the_weighted_sum_of_both_terms()
    {
        using var scope = NewDisposeScope();
        var (z, logits, y) = (Some.Rows(6, 5).requires_grad_(), Some.Rows(6, 4, seed: 2).requires_grad_(), tensor(labels));
        var ce = nn.functional.cross_entropy(logits, y, label_smoothing: 0.1);
        var con = new SchaneLoss { Temperature = 0.2, Beta = 2 }.Compute(z, y);
        (0.3 * ce + 0.7 * con).backward();

        using var step = new JointObjective(new()
        { Lambda = 0.7, Loss = new SchaneLoss { Temperature = 0.2, Beta = 2 }, CrossEntropy = new() { LabelSmoothing = 0.1 } }).Compute(z,
            logits, y);
        Assert.Equal(0.3 * ce.item<double>() + 0.7 * con.item<double>(), step.Total, 1e-12);
        Assert.True((step.EmbeddingGradient! - z.grad!).abs().max().item<double>() < 1e-13);
        Assert.True((step.LogitGradient! - logits.grad!).abs().max().item<double>() < 1e-13);
    }

    [Fact]
    public void Counts_the_pairs_and_the_zero_rows()
    {
        var z = Some.Rows(6, 5);
        z[3].zero_();
        using var step = new JointObjective(new()).Compute(z, Some.Rows(6, 4), tensor(labels));
        Assert.Equal((6, 2.0 / 6, 4.0 / 6, 1),
            (step.Statistics.Rows, step.Statistics.ShareWithoutPositives, step.Statistics.MeanPositives, step.Statistics.ZeroRows));
        Assert.Equal((4 * 4 + 2 * 5) / 6.0, step.Statistics.MeanNegatives, 1e-12);
        Assert.Equal(labels.Distinct().Count(), step.Statistics.Classes);
        using var halfLabelled = new JointObjective(new JointOptions { Loss = new CrossEntropyAlone() }).Compute(z, Some.Rows(6, 4),
            tensor([0L, 0, 1, -100, -100, -100]));
        Assert.Equal(2, halfLabelled.Statistics.Classes);
    }

    [Fact]
    public void Tells_the_hardest_negative_and_how_many_negatives_count()
    {
        // Unit rows at 0°, 60°, 90°, 180°; 0 and 1 are of one class. τ = β = 1, so w ∝ exp(cos).
        var z = tensor([1.0, 0, 0.5, Math.Sqrt(0.75), 0, 1, -1, 0], [4, 2]);
        using var step = new JointObjective(new JointOptions { Loss = new SchaneLoss { Temperature = 1 } }).Compute(z,
            Some.Rows(4, 3), tensor([0L, 0, 1, 2]));
        var rows = step.Rows!;
        Assert.Equal([2, 2, 1, 2], rows.HardestNegative);
        Assert.Equal(Math.Sqrt(0.75), rows.HardestNegativeSimilarity[2], 1e-6);
        Assert.Equal(0.5, rows.PositiveSimilarity[0], 1e-6);
        Assert.Equal(-0.5, rows.NegativeSimilarity[0], 1e-6);
        double p = 1 / (1 + Math.Exp(-1)), q = 1 - p;                                            // row 0: cosines 0 and −1
        Assert.Equal(Math.Exp(-p * Math.Log(p) - q * Math.Log(q)), rows.EffectiveNegatives[0], 1e-6);
        Assert.True(float.IsNaN(rows.PositiveSimilarity[3]) && rows.Loss[3] == 0);
    }

    [Fact]
    public void Cross_entropy_alone_computes_no_contrastive_term()
    {
        using var step = new JointObjective(new JointOptions { Loss = new CrossEntropyAlone() }).Compute(Some.Rows(6, 5),
            Some.Rows(6, 4), tensor(labels));
        Assert.Null(step.EmbeddingGradient);
        Assert.Null(step.Rows);
        Assert.Equal((0.0, step.CrossEntropy), (step.Contrastive, step.Total));
        Assert.Equal(4.0 / 6, step.Statistics.MeanPositives, 1e-12);
    }

    [Fact]
    public void The_contrastive_term_alone_needs_no_logits()
    {
        using var step = new JointObjective(new() { Lambda = 1 }).Compute(Some.Rows(6, 5), null, tensor(labels));
        Assert.Null(step.LogitGradient);
        Assert.Equal(step.Contrastive, step.Total);
    }

    [Fact]
    public void A_batch_without_positives_is_NaN() =>
        Assert.True(double.IsNaN(new JointObjective(new()).Compute(Some.Rows(3, 5), Some.Rows(3, 4), tensor([0L, 1, 2])).Total));

    [Theory]
    [InlineData("simclr")]
    [InlineData("hcl")]
    public void Views_of_one_image_are_positives_where_labels_play_no_part(string loss)
    {
        var objective = new JointObjective(new JointOptions { Loss = LossRegistry.Find(loss) });
        var (z, logits, images) = (Some.Rows(6, 5), Some.Rows(6, 4), tensor([0L, 1, 2, 0, 1, 2]));
        using var one = objective.Compute(z, logits, tensor(labels), imageIds: images);
        using var other = objective.Compute(z, logits, tensor([3L, 2, 1, 0, 0, 0]), imageIds: images);
        Assert.Equal(one.Contrastive, other.Contrastive);
        Assert.Equal(1, one.Statistics.MeanPositives);
        Assert.Throws<ArgumentNullException>(() => objective.Compute(z, logits, tensor(labels)));
    }

    [Fact]
    public void Soft_pairs_follow_the_mixtures_and_clean_pairs_the_labels()
    {
        var (z, logits, y, mixture) = (Some.Rows(6, 5), Some.Rows(6, 4), tensor(labels), Some.Mixtures(6, 4));
        using var soft = new JointObjective(new()).Compute(z, logits, y, mixture: mixture);
        using var clean = new JointObjective(new() { Mixed = MixedPairs.Clean }).Compute(z, logits, y, mixture: mixture);
        var loss = new SchaneLoss();
        Assert.Equal(loss.ComputeSoft(z, mixture).item<double>(), soft.Contrastive, 1e-12);
        Assert.Equal(loss.Compute(z, y).item<double>(), clean.Contrastive, 1e-12);
        Assert.Equal(soft.CrossEntropy, clean.CrossEntropy);
        Assert.Throws<ArgumentException>(() => new JointObjective(
            new JointOptions { Loss = new SimClrLoss(), Mixed = MixedPairs.Soft }).Compute(z, logits, y, imageIds: y, mixture: mixture));
    }

    [Fact]
    public void Defaults_are_those_of_the_design()
    {
        Assert.Equal(new JointOptions(), new JointOptions { Loss = new SchaneLoss() });
        Assert.Equal(new JointSettings(0.5, 1, 0.9), new JointOptions().At(0));
        Assert.Equal(new JointSettings(0.1, null, 0.9), new JointOptions { Loss = new SupConLoss() }.At(0));
        Assert.Equal(new JointSettings(0.1, 1, 0.9), new JointOptions { Loss = new HclLoss() }.At(0));
        Assert.Equal(new JointSettings(null, null, 0.9), new JointOptions { Loss = new TripletLoss() }.At(0));
        Assert.Equal(new JointSettings(null, null, 0), new JointOptions { Loss = new CrossEntropyAlone() }.At(0));
    }

    [Fact]
    public void Float32_on_the_CPU_takes_the_tiled_kernel_which_agrees_with_the_op_graph()
    {
        var (z, logits, y) = (Some.Rows(50, 5, dtype: ScalarType.Float32),
            Some.Rows(50, 4, dtype: ScalarType.Float32), tensor(Some.Labels(50, 4)));
        var (chosen, graph) = (new JointObjective(new()), new JointObjective(new() { Kernel = LossKernel.OpGraph }));
        using var one = chosen.Compute(z, logits, y);
        using var other = graph.Compute(z, logits, y);
        Assert.Equal(LossKernel.Tiled, chosen.Kernel);
        Assert.Equal(other.Contrastive, one.Contrastive, 1e-5);
        Assert.True((one.EmbeddingGradient! - other.EmbeddingGradient!).abs().max().item<float>() < 1e-7);
        Assert.Equal(other.Statistics.EffectiveNegatives!.Value, one.Statistics.EffectiveNegatives!.Value, 1e-3);
        Assert.Equal(other.Rows!.HardestNegative, one.Rows!.HardestNegative);
    }

    [Fact]
    public void Bfloat16_tiles_are_taken_when_asked_for()
    {
        var (z, logits, y) = (Some.Rows(50, 16, dtype: ScalarType.Float32),
            Some.Rows(50, 4, dtype: ScalarType.Float32), tensor(Some.Labels(50, 4)));
        var half = new JointObjective(new() { Kernel = LossKernel.TiledBf16 });
        using var one = half.Compute(z, logits, y);
        using var other = new JointObjective(new() { Kernel = LossKernel.Tiled }).Compute(z, logits, y);
        Assert.Equal(LossKernel.TiledBf16, half.Kernel);
        Assert.NotEqual(other.Contrastive, one.Contrastive);
        Assert.Equal(other.Contrastive, one.Contrastive, 1e-2);
        Assert.Equal(other.Statistics.EffectiveNegatives!.Value, one.Statistics.EffectiveNegatives!.Value, 0.1);
    }

    [Fact]
    public void A_temperature_too_small_for_the_tiled_kernel_goes_to_the_op_graph_and_is_counted()
    {
        var objective = new JointObjective(new() { Loss = new SchaneLoss { Temperature = 0.01 } });
        using var step = objective.Compute(Some.Rows(50, 5, dtype: ScalarType.Float32),
            Some.Rows(50, 4, dtype: ScalarType.Float32), tensor(Some.Labels(50, 4)));
        Assert.True(double.IsFinite(step.Total));
        Assert.Equal((LossKernel.Tiled, 1), (objective.Kernel, objective.StepsLeftToOpGraph));
    }

    [Theory]
    [InlineData("schane", false, 0)]
    [InlineData("schane", true, 2)]
    [InlineData("triplet", false, 2)]
    public void The_parts_of_all_ranks_add_up_to_the_whole(string loss, bool mixed, double gamma)
    {
        using var scope = NewDisposeScope();
        var (z, logits, y) = (Some.Rows(9, 5), Some.Rows(9, 4), tensor([0L, 0, 1, 1, 2, 3, 3, 1, 0]));
        var mixture = mixed ? Some.Mixtures(9, 4) : null;
        var objective = new JointObjective(new JointOptions
        { Loss = LossRegistry.Find(loss), CrossEntropy = new() { LabelSmoothing = 0.1, ClassWeights = [1, 2, 3, 4], Gamma = gamma } });
        var whole = objective.Compute(z, logits, y, mixture: mixture);
        var (total, embeddings, heads) = (0.0, zeros_like(z), new List<Tensor>());
        foreach (var (first, count) in new[] { (0, 4), (4, 5) })
        {
            var part = objective.ComputeShare(new(first, count), z, logits.narrow(0, first, count), y, mixture: mixture);
            total += part.Total;
            embeddings += part.EmbeddingGradient!;
            heads.Add(part.LogitGradient!);
        }
        Assert.Equal(whole.Total, total, 1e-12);
        Assert.True((whole.EmbeddingGradient! - embeddings).abs().max().item<double>() < 1e-13);
        Assert.True((whole.LogitGradient! - cat(heads)).abs().max().item<double>() < 1e-13);
    }

    [Fact]
    public void Schedules_move_temperature_hardness_and_weight_with_the_steps()
    {
        var objective = new JointObjective(new()
        {
            BetaSchedule = LossSchedule.WarmUp(2, steps: 10),
            TemperatureSchedule = new() { Shape = ScheduleShape.Cosine, From = 0.6, To = 0.2, Delay = 4, Steps = 8 },
            LambdaSchedule = new() { From = 0, To = 1, Steps = 4 },
        });
        JointSettings At(long step) => objective.Compute(Some.Rows(6, 5), Some.Rows(6, 4), tensor(labels), step).Settings;
        Assert.Equal(new JointSettings(0.6, 0, 0), At(0));
        Assert.Equal(new JointSettings(0.6, 0.8, 1), At(4));
        Assert.Equal(0.4, At(8).Temperature!.Value, 1e-12);
        Assert.Equal(0.2 + 0.4 * (1 + Math.Cos(Math.PI / 4)) / 2, At(6).Temperature!.Value, 1e-12);
        Assert.Equal(new JointSettings(0.2, 2, 1), At(1000));
        Assert.Throws<ArgumentOutOfRangeException>(() => new JointObjective(new() { LambdaSchedule = new() { To = 2 } }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new JointObjective(new() { TemperatureSchedule = new() { To = 1 } }));
    }
}
