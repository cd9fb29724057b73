using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>
/// Batch normalisation of a training pass by the rows of all processes that train together, forward and backward, so that each normalises
/// as one with all rows would. Two small sums a layer forward and one backward; all processes run the same layers in the same order.
/// </summary>
internal sealed class SharedNormalization : autograd.SingleTensorFunction<SharedNormalization>
{
    private const string Rows = "rows", Over = "over";

    public override string Name => nameof(SharedNormalization);

    /// <summary>Normalises, and moves the running statistics as a pass of all rows would.</summary>
    /// <param name="input">[n, C, …], of this process.</param>
    /// <param name="weight">[C].</param>
    /// <param name="bias">[C].</param>
    /// <param name="runningMean">[C], moved.</param>
    /// <param name="runningVariance">[C], moved.</param>
    /// <param name="momentum">Share of this pass in the running statistics.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="sums">Sums over the processes.</param>
    public static Tensor Call(Tensor input, Tensor weight, Tensor bias, Tensor runningMean, Tensor runningVariance,
        double momentum, double eps, RankSums sums)
    {
        using var scope = NewDisposeScope();
        Tensor mean, deviation;
        double rows;
        using (no_grad())
        {
            var (channels, values) = (input.shape[1], input.detach());
            var first = cat([values.sum(OtherThanChannels(input), type: ScalarType.Float64),
                tensor([(double)(input.numel() / channels)], device: input.device)]);
            sums.Sum(first);
            rows = first[channels].item<double>();
            var average = first.narrow(0, 0, channels) / rows;
            mean = average.to_type(input.dtype);
            var squares = (values - AsChannels(mean, input)).square().sum(OtherThanChannels(input), type: ScalarType.Float64);
            sums.Sum(squares);
            deviation = (squares / rows + eps).sqrt().to_type(input.dtype);
            runningMean.lerp_(mean.to_type(runningMean.dtype), momentum);
            runningVariance.lerp_((squares / Math.Max(1, rows - 1)).to_type(runningVariance.dtype), momentum);
        }
        return apply(input, weight, bias, mean, deviation, rows, sums).MoveToOuterDisposeScope();
    }

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (input, weight, bias, mean, deviation) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2], (Tensor)vars[3], (Tensor)vars[4]);
        ctx.save_for_backward([input, weight, mean, deviation]);
        ctx.save_data(Rows, vars[5]);
        ctx.save_data(Over, vars[6]);
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        return (input - AsChannels(mean, input)).mul_(AsChannels(weight / deviation, input))
            .add_(AsChannels(bias, input)).MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var saved = ctx.get_saved_variables();
        var (input, weight, mean, deviation) = (saved[0], saved[1], saved[2], saved[3]);
        var (rows, sums) = ((double)ctx.get_data(Rows), (RankSums)ctx.get_data(Over));
        var normal = (input - AsChannels(mean, input)).div_(AsChannels(deviation, input));
        // [2, C]
        var own = stack([grad_output.sum(OtherThanChannels(input), type: ScalarType.Float64),
            (grad_output * normal).sum(OtherThanChannels(input), type: ScalarType.Float64)]);
        var all = own.clone();
        sums.SumInBackward(all);
        var means = (all / rows).to_type(input.dtype);
        var slope = (grad_output - AsChannels(means[0], input)).sub_(normal.mul_(AsChannels(means[1], input)))
            .mul_(AsChannels(weight / deviation, input));
        return [slope.MoveToOuterDisposeScope(), own[1].to_type(weight.dtype).MoveToOuterDisposeScope(),
            own[0].to_type(weight.dtype).MoveToOuterDisposeScope(), null!, null!, null!, null!];
    }

    private static long[] OtherThanChannels(Tensor input) =>
        [.. Enumerable.Range(0, (int)input.dim()).Where(d => d != 1).Select(d => (long)d)];

    private static Tensor AsChannels(Tensor values, Tensor input) => values.view([1, -1, .. Enumerable.Repeat(1L, (int)input.dim() - 2)]);
}

/// <summary>Sums over the processes that train together, for layers that normalise by the rows of all.</summary>
/// <param name="sum">Adds float64 tensors up, in place.</param>
internal sealed class RankSums(Action<Tensor> sum)
{
    private ExceptionDispatchInfo? failure;

    public void Sum(Tensor values) => sum(values);

    /// <summary>The same inside a backward pass, through whose native frames no exception may fly: it is kept for <see cref="Rethrow"/>,
    /// and the sums after it are left out.</summary>
    public void SumInBackward(Tensor values)
    {
        if (failure is not null)
            return;
        try
        {
            sum(values);
        }
        catch (Exception e)
        {
            failure = ExceptionDispatchInfo.Capture(e);
        }
    }

    /// <summary>Throws what a backward pass kept.</summary>
    public void Rethrow() => failure?.Throw();
}
