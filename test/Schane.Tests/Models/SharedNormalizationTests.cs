using Schane.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Models;

/// <summary>Batch normalisation by the rows of several processes, in one: the sums of the others are given.</summary>
public class SharedNormalizationTests
{
    [Theory]
    [InlineData(new long[] { 6, 3, 4, 5 })]
    [InlineData(new long[] { 7, 3 })]
    public void With_nobody_else_it_is_the_batch_norm_of_libtorch_forward_backward_and_in_what_it_keeps(long[] shape)
    {
        using var scope = NewDisposeScope();
        var (weights, input) = (Some.Weights(), rand(shape, float64) * 3 + 1);
        var slope = rand(shape, float64);
        var (expected, kept) = (Some.Pass(weights, input, slope, null), Some.Pass(weights, input, slope, new RankSums(_ => { })));
        foreach (var (name, value) in expected)
            Assert.True((value - kept[name]).abs().max().item<double>() <= 1e-12, name);
    }

    [Fact]
    public void Rows_of_others_count_as_a_pencil_says()
    {
        using var scope = NewDisposeScope();
        // This process has rows 1 and 3, another 5 and 7: mean 4, variance 5.
        var seen = 0;
        var sums = new RankSums(values =>
        {
            if (seen++ == 0)
                values.add_(tensor((double[])[12, 2]));                   // 5 + 7, two rows
            else
                values.add_(1 + 9);                                       // (5 − 4)² + (7 − 4)²
        });
        var found = Some.Pass((ones(1, float64), zeros(1, float64)), tensor((double[])[1, 3]).view(2, 1), zeros(2, 1, float64), sums);
        var deviation = Math.Sqrt(5 + 1e-5);
        Assert.Equal([-3 / deviation, -1 / deviation], found["output"].data<double>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(0.4, found["mean"].item<double>(), 1e-12);           // a tenth of 4
        Assert.Equal(0.9 + 0.1 * 20 / 3, found["variance"].item<double>(), 1e-12);
    }

    [Fact]
    public void A_sum_that_fails_in_the_backward_pass_is_thrown_after_it()
    {
        using var scope = NewDisposeScope();
        var calls = 0;
        var sums = new RankSums(_ =>
        {
            if (++calls == 3)
                throw new TimeoutException("gone");
        });
        Some.Pass(Some.Weights(), rand([4, 3], float64), rand([4, 3], float64), sums);
        Assert.Equal("gone", Assert.Throws<TimeoutException>(sums.Rethrow).Message);
    }

    private static class Some
    {
        public static (Tensor Weight, Tensor Bias) Weights() => (tensor((double[])[1, 0.5, 2]), tensor((double[])[0, 1, -1]));

        /// <summary>Output, what is kept, and the gradients of a pass whose output has the slope that is given.</summary>
        public static Dictionary<string, Tensor> Pass((Tensor Weight, Tensor Bias) of, Tensor input, Tensor slope, RankSums? over)
        {
            using var norm = new BatchNormalization(of.Weight.shape[0]) { Over = over };
            norm.to(ScalarType.Float64);
            var state = norm.state_dict();
            using (no_grad())
            {
                state["weight"].copy_(of.Weight);
                state["bias"].copy_(of.Bias);
                state["running_mean"].zero_();
                state["running_var"].fill_(1);
            }
            norm.train();
            var leaf = input.detach().clone().requires_grad_();
            var output = norm.call(leaf);
            output.backward([slope]);
            return new()
            {
                ["output"] = output.detach(),
                ["mean"] = state["running_mean"].clone(),
                ["variance"] = state["running_var"].clone(),
                ["input gradient"] = leaf.grad!,
                ["weight gradient"] = state["weight"].grad!.clone(),
                ["bias gradient"] = state["bias"].grad!.clone(),
            };
        }
    }
}
