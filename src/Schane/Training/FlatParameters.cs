using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>How one parameter is treated by the optimiser.</summary>
/// <param name="RateScale">Factor on the learning rate.</param>
/// <param name="WeightDecay">Weight decay.</param>
internal readonly record struct ParameterTreatment(double RateScale, double WeightDecay);

/// <summary>
/// All trainable parameters as slices of one buffer and their gradients as slices of another, so that the optimiser is a few large
/// operations, clipping is one norm and a reduction over ranks is one call. Parameters of equal treatment stand together.
/// </summary>
internal sealed class FlatParameters : IDisposable
{
    private const int Alignment = 16;                                     // elements: 64 bytes, whole cache lines for the matrix kernels

    /// <param name="parameters">The parameters with their treatment; from now on they and their gradients live in
    /// this object's buffers.</param>
    public FlatParameters(IReadOnlyList<(Tensor Parameter, ParameterTreatment Treatment)> parameters)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var ordered = parameters.GroupBy(p => p.Treatment).ToList();
        var total = parameters.Sum(p => Padded(p.Parameter.numel()));
        var first = parameters[0].Parameter;
        Values = zeros(total, first.dtype, first.device).MoveToOuterDisposeScope();
        Gradients = zeros(total, first.dtype, first.device).MoveToOuterDisposeScope();

        var groups = new List<(ParameterTreatment, long, long)>();
        var offset = 0L;
        foreach (var group in ordered)
        {
            var start = offset;
            foreach (var (parameter, _) in group)
            {
                var slice = Values.narrow(0, offset, parameter.numel()).view(parameter.shape);
                slice.copy_(parameter);
                parameter.set_(slice);
                parameter.grad = Gradients.narrow(0, offset, parameter.numel()).view(parameter.shape);
                offset += Padded(parameter.numel());
            }
            groups.Add((group.Key, start, offset - start));
        }
        Groups = groups;
        Values.DetachFromDisposeScope();
        Gradients.DetachFromDisposeScope();
    }

    /// <summary>[P] all parameters, each padded to whole cache lines with zeros.</summary>
    public Tensor Values { get; }

    /// <summary>[P] their gradients, in the same places; the padding stays 0.</summary>
    public Tensor Gradients { get; }

    /// <summary>Slices of equal treatment.</summary>
    public IReadOnlyList<(ParameterTreatment Treatment, long Offset, long Length)> Groups { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Values.Dispose();
        Gradients.Dispose();
    }

    private static long Padded(long count) => (count + Alignment - 1) / Alignment * Alignment;
}
