using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Tests.Tensors;

/// <summary>Numbers that a collection can't take away while libtorch is about to read them.</summary>
[Trait("Long", "1")]
public sealed class KeptScalarTests
{
    /// <summary>With a number that is made for the call one of a few hundred such fills fails.</summary>
    [Fact]
    public async Task A_fill_has_its_number_while_garbage_is_collected()
    {
        using var scope = NewDisposeScope();
        using var stop = new CancellationTokenSource();
        var collector = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        });
        var (values, mask) = (ones([1000, 1000], ScalarType.Float64), ones([1000, 1000], ScalarType.Bool));
        for (var i = 0; i < 300; i++)
        {
            using var filled = values.masked_fill(mask, KeptScalar.NegativeInfinity);
            Assert.Equal(double.NegativeInfinity, filled.max().item<double>());
        }
        await stop.CancelAsync();
        await collector;
    }
}
