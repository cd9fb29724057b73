using Schane.Losses;
using Schane.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Losses;

/// <summary>Wrong arguments: each is refused by the argument's name and the rule.</summary>
public class LossInputTests
{
    private static readonly JointObjective objective = new(new());
    private static Tensor Rows => Some.Rows(4, 3, dtype: ScalarType.Float32);
    private static Tensor Logits => Some.Rows(4, 2, dtype: ScalarType.Float32);
    private static Tensor Labels => tensor([0L, 0, 1, 1]);

    private static void Refuses(string argument, string rule, Action act)
    {
        var error = Assert.ThrowsAny<ArgumentException>(act);
        Assert.Equal(argument, error.ParamName);
        Assert.Contains(rule, error.Message);
    }

    [Fact]
    public void Shapes_that_disagree()
    {
        Refuses("labels", "shape [4]", () => objective.Compute(Rows, Logits, tensor([0L, 1, 1])));
        Refuses("labels", "shape [4]", () => new SchaneLoss().Compute(Rows, zeros(4, 1, ScalarType.Int64)));
        Refuses("embeddings", "shape [any, any]", () => objective.Compute(Rows.unsqueeze(0), Logits, Labels));
        Refuses("logits", "shape [4, any]", () => objective.Compute(Rows, Logits.narrow(0, 0, 3), Labels));
        Refuses("mixture", "shape [4, 2]", () => objective.Compute(Rows, Logits, Labels, mixture: Some.Mixtures(4, 3)));
        Refuses("imageIds", "shape [4]",
            () => new JointObjective(new JointOptions { Loss = new HclLoss() }).Compute(Rows, Logits, Labels, imageIds: tensor([0L, 0])));
        Refuses("own", "at least one row", () => objective.ComputeShare(new(3, 2), Rows, Logits, Labels));
        Refuses("own", "at least one row", () => objective.ComputeShare(new(3, 0), Rows, Logits, Labels));
    }

    [Fact]
    public void Types_that_are_wrong()
    {
        Refuses("labels", "int64 but is Int32", () => objective.Compute(Rows, Logits, Labels.to_type(ScalarType.Int32)));
        Refuses("labels", "int64 but is Float32", () => new SupConLoss().Compute(Rows, Labels.to_type(ScalarType.Float32)));
        Refuses("embeddings", "float32 or float64", () => objective.Compute(Rows.to_type(ScalarType.Float16), Logits, Labels));
        Refuses("logits", "float32 or float64", () => objective.Compute(Rows, Logits.to_type(ScalarType.Int64), Labels));
        Refuses("embeddings", "Set Kernel to OpGraph",
            () => new JointObjective(new() { Kernel = LossKernel.Tiled }).Compute(Rows.to_type(ScalarType.Float64), Logits, Labels));
    }

    [Fact]
    public void Values_that_are_not_finite_or_out_of_range()
    {
        foreach (var bad in new[] { float.NaN, float.PositiveInfinity })
        {
            var rows = Rows;
            rows[2, 1] = bad;
            Refuses("embeddings", "row 2", () => objective.Compute(rows, Logits, Labels));
            Refuses("logits", "row 2", () => objective.Compute(Rows, rows, Labels));
            Refuses("embeddings", "row 2", () => new TripletLoss().Compute(rows, Labels));
        }
        Refuses("labels", "between 0 and 1", () => objective.Compute(Rows, Logits, tensor([0L, 0, 1, 2])));
        Refuses("labels", "between 0 and 1", () => objective.Compute(Rows, Logits, tensor([0L, 0, 1, -1])));
        Refuses("mixture", "sum 1", () => objective.Compute(Rows, Logits, Labels, mixture: ones(4, 2)));
        Refuses("mixture", "below 0", () => objective.Compute(Rows, Logits, Labels, mixture: tensor([2f, -1, 1, 0, 1, 0, 1, 0], [4, 2])));
    }

    [Fact]
    public void Options_out_of_range()
    {
        foreach (var temperature in new[] { 0, -0.1, double.NaN, double.PositiveInfinity })
        {
            Refuses("Temperature", "above 0", () => _ = new HclLoss { Temperature = temperature });
            Refuses("Temperature", "above 0", () => _ = new SchaneLoss { Temperature = temperature });
            Refuses("Temperature", "above 0", () => _ = new SupConLoss { Temperature = temperature });
        }
        Refuses("Lambda", "between 0 and 1", () => _ = new JointOptions { Lambda = 1.1 });
        Refuses("Lambda", "between 0 and 1", () => _ = new JointOptions { Lambda = double.NaN });
        Refuses("Beta", "between 0", () => _ = new SchaneLoss { Beta = -1 });
        Refuses("TauPlus", "between 0", () => _ = new HclLoss { TauPlus = 1 });
        Refuses("ClassWeights", "above 0", () => _ = new CrossEntropyLoss { ClassWeights = [1, 0] });
        Refuses("Lambda", "loss ce", () => _ = new JointObjective(new() { Loss = new CrossEntropyAlone(), Lambda = 0.9 }));
        Refuses("logits", "2 classes but has 3",
            () => new JointObjective(new() { CrossEntropy = new() { ClassWeights = [1, 1, 1] } }).Compute(Rows, Logits, Labels));
    }

    [Fact]
    public void No_row_is_refused_one_row_is_NaN_and_two_of_one_class_are_finite()
    {
        Refuses("embeddings", "at least one row", () => objective.Compute(zeros(0, 3), zeros(0, 2), zeros(0, ScalarType.Int64)));
        Refuses("embeddings", "one column", () => objective.Compute(zeros(4, 0), Logits, Labels));
        Assert.True(double.IsNaN(objective.Compute(Rows.narrow(0, 0, 1), Logits.narrow(0, 0, 1), tensor([0L])).Total));
        Assert.True(double.IsFinite(objective.Compute(Rows.narrow(0, 0, 2), Logits.narrow(0, 0, 2), tensor([1L, 1])).Total));
    }

    [Fact]
    public void More_than_two_to_the_31_elements() =>
        Refuses("embeddings", "2^31",
            () => objective.Compute(zeros(1, 1).expand(70_000, 40_000), zeros(1, 1).expand(70_000, 2), zeros(70_000, ScalarType.Int64)));

    [Fact]
    public void A_tensor_on_another_device()
    {
        var elsewhere = new Device(DeviceType.META);
        Refuses("labels", "must be on cpu", () => objective.Compute(Rows, Logits, empty(4, ScalarType.Int64, elsewhere)));
        Refuses("logits", "must be on cpu", () => objective.Compute(Rows, empty(4, 2, device: elsewhere), Labels));
        Refuses("mixture", "must be on cpu", () => objective.Compute(Rows, Logits, Labels, mixture: empty(4, 2, device: elsewhere)));
        Refuses("imageIds", "must be on cpu", () => new JointObjective(new JointOptions { Loss = new SimClrLoss() }).Compute(Rows, Logits,
            Labels, imageIds: empty(4, ScalarType.Int64, elsewhere)));
        Refuses("embeddings", "Set Kernel to OpGraph",
            () => new JointObjective(new() { Kernel = LossKernel.TiledBf16 }).Compute(Rows.to_type(ScalarType.Float64), Logits, Labels));
    }

    [Fact]
    public void Rows_without_a_label_where_positives_are_of_one_class_or_images_were_mixed()
    {
        var some = tensor([0L, 0, -100, 1]);
        foreach (var loss in new[] { "schane", "supcon", "triplet" })
            Refuses("labels", "row 2 is -100",
                () => new JointObjective(new JointOptions { Loss = LossRegistry.Find(loss) }).Compute(Rows, Logits, some));
        Refuses("labels", "mixture of every row",
            () => objective.Compute(Rows, Logits, some, mixture: Some.Mixtures(4, 2).to_type(ScalarType.Float32)));
        Assert.True(double.IsFinite(new JointObjective(new JointOptions { Loss = new SimClrLoss() }).Compute(Rows, Logits,
            some, imageIds: Labels).Total));
        Assert.True(
            double.IsFinite(new JointObjective(new JointOptions { Loss = new CrossEntropyAlone() }).Compute(Rows, Logits, some).Total));
    }

    [Theory]
    [InlineData("simclr")]
    [InlineData("hcl")]
    [InlineData("triplet")]
    public void Soft_pairs_of_a_loss_without_classes(string loss) => Refuses("mixture", "Set Mixed to Clean", () =>
        new JointObjective(new JointOptions { Loss = LossRegistry.Find(loss), Mixed = MixedPairs.Soft }).Compute(Rows, Logits, Labels,
            imageIds: Labels, mixture: Some.Mixtures(4, 2).to_type(ScalarType.Float32)));
}
