using Schane.Models.Layers;
using Schane.Products;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Products;

public sealed class LinearProductTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Its_gradients_are_those_of_float64(bool withBias)
    {
        using var scope = NewDisposeScope();
        var (x, w, b) = (Values(1, 3, 50, 40), Values(2, 70, 40), withBias ? Values(3, 70) : null);
        var direction = Values(4, 3, 50, 70);
        var own = Gradients(x, w, b, direction, LinearProduct.Call);
        var exact = Gradients(Wide(x)!, Wide(w)!, Wide(b), Wide(direction)!, nn.functional.linear);
        Assert.Equal(withBias ? 4 : 3, own.Count);
        foreach (var (value, right) in own.Zip(exact))
            Assert.InRange(((value.to_type(ScalarType.Float64) - right).abs().max() / right.abs().max()).ToDouble(), 0, 2e-6);
    }

    [Fact]
    public void Factors_that_lie_in_steps_are_taken_as_they_are_meant()
    {
        using var scope = NewDisposeScope();
        var (x, w) = (Values(1, 40, 60).t(), Values(2, 40, 70).t());
        var direction = Values(4, 70, 60).t();
        var own = Gradients(x, w, null, direction, LinearProduct.Call);
        var exact = Gradients(Wide(x)!, Wide(w)!, null, Wide(direction)!, nn.functional.linear);
        foreach (var (value, right) in own.Zip(exact))
            Assert.InRange(((value.to_type(ScalarType.Float64) - right).abs().max() / right.abs().max()).ToDouble(), 0, 2e-6);
    }

    [Fact]
    public void A_frozen_weight_gets_no_gradient_and_the_input_has_its_own()
    {
        using var scope = NewDisposeScope();
        var (x, w) = (Values(1, 30, 40).requires_grad_(), Values(2, 50, 40));
        LinearProduct.Call(x, w, null).sum().backward();
        Assert.Null(w.grad);
        Assert.True(x.grad!.allclose(w.sum([0L]).expand(30, 40), 1e-4, 1e-5));
    }

    [Fact]
    public void A_layer_with_own_products_trains_as_one_with_libtorchs()
    {
        using var scope = NewDisposeScope();
        using var layer = new Dense(256, 320);
        using var init = no_grad();
        foreach (var parameter in layer.parameters())
            parameter.copy_(Values(5, parameter.shape));
        using var _ = enable_grad();
        var x = Values(6, 4, 50, 256);
        var results = ((bool[])[true, false]).Select(own =>
        {
            layer.OwnProducts = own;
            layer.zero_grad();
            var leaf = x.clone().requires_grad_();
            layer.call(leaf).square().sum().backward();
            return (Tensor[])[leaf.grad!.clone(), .. layer.parameters().Select(p => p.grad!.clone())];
        }).ToList();
        foreach (var (one, other) in results[0].Zip(results[1]))
            Assert.InRange(((one - other).abs().max() / other.abs().max()).ToDouble(), 1e-9, 1e-5);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_a_forward_pass_kept_is_given_back_whether_or_not_a_gradient_is_asked_for(bool backward)
    {
        var live = new List<long>();
        for (var step = 0; step < 5; step++)
        {
            using (NewDisposeScope())
            {
                var (x, w) = (Values(1, 50, 40).requires_grad_(), Values(2, 40, 40).requires_grad_());
                var sum = LinearProduct.Call(LinearProduct.Call(x, w, null), w, null).sum();
                if (backward)
                    sum.backward();
            }
            live.Add(DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
        }
        Assert.Equal(Enumerable.Repeat(live[1], 4), live[1..]);
    }

    private static List<Tensor> Gradients(Tensor x, Tensor w, Tensor? b, Tensor direction, Func<Tensor, Tensor, Tensor?, Tensor> linear)
    {
        List<Tensor> leaves = [.. new[] { x, w, b }.OfType<Tensor>().Select(t => t.detach().requires_grad_())];
        var y = linear(leaves[0], leaves[1], b is null ? null : leaves[2]);
        return [y.detach(), .. autograd.grad([y], leaves, [direction])];
    }

    private static Tensor? Wide(Tensor? tensor) => tensor?.to_type(ScalarType.Float64);

    private static Tensor Values(int seed, params long[] shape)
    {
        using var generator = new Generator((ulong)seed, CPU);
        return rand(shape, generator: generator) * 2 - 1;
    }
}
