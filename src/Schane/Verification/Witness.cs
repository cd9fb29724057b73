using static TorchSharp.torch;

namespace Schane.Verification;

/// <summary>Stands at a place of a pass: hands on another value than the one that comes, and backward another gradient.</summary>
internal sealed class Witness : autograd.SingleTensorFunction<Witness>
{
    private const string Gradient = "gradient";

    public override string Name => nameof(Witness);

    /// <param name="input">What comes.</param>
    /// <param name="value">Makes a tensor of its shape that nobody else holds, from it or of other origin.</param>
    /// <param name="gradient">The same for the gradient, where one comes back; never throws, since native frames lie between.</param>
    public static Tensor Call(Tensor input, Func<Tensor, Tensor> value, Func<Tensor, Tensor> gradient)
    {
        if (is_grad_enabled() && input.requires_grad)
            return apply(input, value, gradient);
        using var _ = no_grad();
        return value(input);
    }

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        ctx.save_data(Gradient, vars[2]);
        using var _ = no_grad();
        return ((Func<Tensor, Tensor>)vars[1])((Tensor)vars[0]);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using var _ = no_grad();
        return [((Func<Tensor, Tensor>)ctx.get_data(Gradient))(grad_output), null!, null!];
    }
}
