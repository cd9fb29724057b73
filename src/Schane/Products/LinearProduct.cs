using Schane.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Products;

/// <summary>x Wᵀ + b in float32 on the processor, and its gradients, by <see cref="PackedProduct"/>.</summary>
internal sealed unsafe class LinearProduct : autograd.SingleTensorFunction<LinearProduct>
{
    private const string Wanted = "wanted";

    private static readonly Lock turn = new();
    private static PackedProduct? shared;

    // TorchSharp keeps what a backward pass returned, and what its context saved, until the whole graph is gone: as much memory again as
    // the pass itself takes. So the context is given back as soon as it was used, which lets a graph go backward once, and what was
    // returned when the next gradient is asked for, since the graph has its own hold of it by then.
    [ThreadStatic] private static List<Tensor>? returned;

    // Smaller ones are over before a packed block pays.
    private const long LeastRows = 2 * MatrixKernel.RowGroup;
    private const double LeastWork = 7e6;

    public override string Name => nameof(LinearProduct);

    /// <summary>Whether these products are faster than libtorch's on this machine: measured at the first question.</summary>
    public static bool Pays => ProductChoice.Ratio >= ProductChoice.Least;

    /// <summary>Whether it takes such factors: float32 on the processor, and large enough.</summary>
    public static bool Takes(Tensor input, Tensor weight)
    {
        var rows = input.numel() / Math.Max(1, weight.shape[1]);
        return input.device_type == DeviceType.CPU && input.dtype == ScalarType.Float32 && weight.dtype == ScalarType.Float32
            && rows is >= LeastRows and < int.MaxValue && (double)rows * weight.numel() >= LeastWork;
    }

    /// <param name="input">[…, inputs].</param>
    /// <param name="weight">[outputs, inputs].</param>
    /// <param name="bias">[outputs], or null.</param>
    /// <returns>[…, outputs].</returns>
    public static Tensor Call(Tensor input, Tensor weight, Tensor? bias) =>
        is_grad_enabled() && (input.requires_grad || weight.requires_grad || bias?.requires_grad == true)
            ? bias is null ? apply(new Gradients(input.requires_grad, weight.requires_grad, null), input, weight)
                : apply(new Gradients(input.requires_grad, weight.requires_grad, bias.requires_grad), input, weight, bias)
            : Forward(input, weight, bias);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (input, weight, bias) = ((Tensor)vars[1], (Tensor)vars[2], vars.Length > 3 ? (Tensor)vars[3] : null);
        ctx.save_for_backward([input, weight]);
        ctx.save_data(Wanted, vars[0]);
        return Forward(input, weight, bias);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var kept = ctx;
        var before = returned ??= [];
        foreach (var gradient in before)
            gradient.Dispose();
        before.Clear();
        var (wanted, saved) = ((Gradients)ctx.get_data(Wanted), ctx.get_saved_variables());
        var slope = grad_output.contiguous();
        Tensor Returned(Tensor gradient)
        {
            before.Add(gradient.DetachFromDisposeScope());
            return gradient;
        }
        var byInput = wanted.Input ? Returned(ByInput(slope, saved[1])) : null;
        var byWeight = wanted.Weight ? Returned(ByWeight(slope, saved[0])) : null;
        var byBias = wanted.Bias == true ? Returned(slope.view(-1, slope.shape[^1]).sum([0L])) : null;
        return wanted.Bias is null ? [null!, byInput!, byWeight!] : [null!, byInput!, byWeight!, byBias!];
    }

    /// <summary>The gradient by the input: [..., outputs] · [outputs, inputs].</summary>
    internal static Tensor ByInput(Tensor slope, Tensor weight)
    {
        using var scope = NewDisposeScope();
        var (inputs, outputs) = ((int)weight.shape[1], (int)weight.shape[0]);
        var result = empty([.. slope.shape[..^1], inputs]);
        Multiply(Operand.Rows(Start(slope), outputs), Operand.Rows(Start(weight.contiguous()), inputs), result,
            ((int)(slope.numel() / outputs), inputs, outputs));
        return result.MoveToOuterDisposeScope();
    }

    /// <summary>The gradient by the weight: [..., outputs]ᵀ · [..., inputs].</summary>
    internal static Tensor ByWeight(Tensor slope, Tensor input)
    {
        using var scope = NewDisposeScope();
        var (inputs, outputs) = ((int)input.shape[^1], (int)slope.shape[^1]);
        var result = empty(outputs, inputs);
        Multiply(Operand.Transposed(Start(slope), outputs), Operand.Rows(Start(input.contiguous()), inputs), result,
            (outputs, inputs, (int)(slope.numel() / outputs)));
        return result.MoveToOuterDisposeScope();
    }

    private static Tensor Forward(Tensor input, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var (inputs, outputs) = ((int)weight.shape[1], (int)weight.shape[0]);
        var x = input.contiguous();
        var result = empty([.. input.shape[..^1], outputs]);
        Multiply(Operand.Rows(Start(x), inputs), Operand.Transposed(Start(weight.contiguous()), inputs), result,
            ((int)(x.numel() / inputs), outputs, inputs), bias is null ? null : Start(bias.contiguous()));
        return result.MoveToOuterDisposeScope();
    }

    // With the process's one set of threads and buffers, on as many threads as libtorch has.
    private static void Multiply(Operand left, Operand right, Tensor to, (int Rows, int Columns, int Depth) size, float* added = null)
    {
        lock (turn)
        {
            var threads = Math.Max(1, get_num_threads());
            if (shared?.Threads != threads)
            {
                shared?.Dispose();
                shared = new PackedProduct(threads);
            }
            shared.Multiply(left, right, Start(to), size, added);
        }
    }

    private static float* Start(Tensor tensor) => (float*)DataPointer.Of(tensor);

    /// <summary>Which gradients are asked for; null where there is no bias.</summary>
    private sealed record Gradients(bool Input, bool Weight, bool? Bias);
}
