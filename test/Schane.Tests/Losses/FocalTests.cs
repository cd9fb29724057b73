using Schane.Losses;
using Schane.Recipes;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Losses;

/// <summary>What cross-entropy has for classes of few images: the focal loss and weights of classes.</summary>
public class FocalTests
{
    [Fact]
    public void A_row_that_is_right_with_one_half_counts_a_quarter_at_gamma_2()
    {
        using var scope = NewDisposeScope();
        var logits = tensor([0.0, 0], [1, 2]);                            // q = ½ each
        Assert.Equal(0.25 * Math.Log(2), new CrossEntropyLoss { Gamma = 2 }.Compute(logits, tensor([1L])).item<double>(), 1e-15);
        Assert.Equal(0.25 * Math.Log(2),
            new CrossEntropyLoss { Gamma = 2 }.ComputeSoft(logits, tensor([0.3, 0.7], [1, 2])).item<double>(), 1e-15);
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(1)]
    [InlineData(2.5)]
    public void Its_slope_is_that_of_finite_differences(double gamma)
    {
        using var scope = NewDisposeScope();
        var loss = new CrossEntropyLoss { Gamma = gamma, LabelSmoothing = 0.1, ClassWeights = [1, 2, 0.5] };
        var (values, mixture) = (new[] { 0.3, -1, 2, 1.5, 0, -0.2 }, Some.Mixtures(2, 3));
        var logits = tensor(values, [2, 3]).requires_grad_();
        loss.ComputeSoft(logits, mixture).backward();
        const double h = 1e-5;
        for (var i = 0; i < values.Length; i++)
        {
            double At(double by) => loss.ComputeSoft(
                tensor([.. values.Select((v, j) => i == j ? v + by : v)], [2, 3]), mixture).item<double>();
            Assert.Equal((At(h) - At(-h)) / (2 * h), logits.grad!.flatten()[i].item<double>(), 1e-9);
        }
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(2)]
    public void Rows_that_are_sure_to_the_last_bit_have_finite_slopes(double gamma)
    {
        using var scope = NewDisposeScope();
        var logits = tensor([500f, 0, -500, 0, 500, 0], [2, 3]).requires_grad_();
        var value = new CrossEntropyLoss { Gamma = gamma }.Compute(logits, tensor([0L, 2]));
        value.backward();
        Assert.Equal(250, value.item<float>(), 1e-3);                     // one right: 0; one wrong: −log q = 500
        Assert.True(logits.grad!.isfinite().all().item<bool>());
        Assert.Equal(0, logits.grad![0].abs().max().item<float>());
    }

    [Fact]
    public void Classes_weigh_by_the_effective_number_of_their_images()
    {
        // Inverse: 1/8 and 1/2, whose mean over 8 + 2 images is 1/5. β ½: 8 images count as (1 − ½⁸) / ½ = 1.9921875, 2 as 1.5.
        var mean = 0.8 / 1.9921875 + 0.2 / 1.5;
        Assert.Equal([0.625, 2.5], RecipeObjective.ClassWeights(1, [8, 2])!, (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal([1 / 1.9921875 / mean, 1 / 1.5 / mean], RecipeObjective.ClassWeights(0.5, [8, 2])!,
            (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Fact]
    public void Classes_weigh_alike_at_0_and_one_without_images_as_one_with_a_single_one()
    {
        Assert.Null(RecipeObjective.ClassWeights(0, [8, 2]));
        var weights = RecipeObjective.ClassWeights(0.9, [5, 1, 0])!;
        Assert.Equal(weights[1], weights[2]);
    }

    [Theory]
    [InlineData("lambda: 1\nfocal: 2", "focal 2 is of cross-entropy, which lambda 1 leaves out")]
    [InlineData("steps: 0\nclass-weights: 1", "class-weights 1 is of training, but steps 0 fits the linear probe alone")]
    public void What_would_do_nothing_is_refused(string recipe, string sentence) =>
        Assert.Contains(sentence, Assert.Throws<SchaneException>(() => RecipeFile.Parse(recipe, "r").Objective()).Message);
}
