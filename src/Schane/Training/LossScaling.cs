using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>
/// Dynamic loss scaling for fp16, around an optimiser (Micikevicius et al. 2018, arXiv:1710.03740, §3.2): gradients are taken of the loss
/// times a scale, so that small ones don't vanish, and divided by it afterwards. A step whose gradient overflows is left out and halves the
/// scale; two thousand good ones in a row double it.
/// </summary>
internal sealed class LossScaling(IOptimizer inner, FlatParameters parameters) : IOptimizer
{
    private const double First = 65536;
    private const int Patience = 2000;
    // scale, good steps since it last moved, overflows
    private readonly Tensor state = tensor((double[])[First, 0, 0]).DetachFromDisposeScope();

    /// <summary>The factor the loss is multiplied by before the gradient is taken.</summary>
    public double Scale => At(0);

    /// <summary>Steps left out so far.</summary>
    public long Overflows => (long)At(2);

    public IReadOnlyDictionary<string, Tensor> State => new Dictionary<string, Tensor>(inner.State) { ["loss_scale"] = state };

    /// <summary>Divides the gradient by the scale and moves the scale.</summary>
    /// <param name="norm">Norm of the gradient as it is.</param>
    /// <returns>Its norm afterwards; infinity where it overflowed and the step is to be left out; NaN where it isn't finite at scale 1,
    /// which is not the scale's fault.</returns>
    public double Unscale(double norm)
    {
        var (scale, good) = (Scale, At(1) + 1);
        var overflow = !double.IsFinite(norm) && scale > 1;
        var moves = overflow || good >= Patience;
        using var values = tensor(
            (double[])[overflow ? scale / 2 : moves ? scale * 2 : scale, moves ? 0 : good, Overflows + (overflow ? 1 : 0)]);
        state.copy_(values);
        if (overflow)
            return double.PositiveInfinity;
        parameters.Gradients.div_(scale);
        return double.IsFinite(norm) ? norm / scale : double.NaN;
    }

    public void Step(double rate, long step) => inner.Step(rate, step);

    public void Dispose()
    {
        state.Dispose();
        inner.Dispose();
    }

    private double At(int index)
    {
        using var value = state[index];
        return value.ToDouble();
    }
}
