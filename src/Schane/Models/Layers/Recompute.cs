using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>Activation checkpointing (Chen et al. 2016, arXiv:1604.06174): keeps only a block's input and runs the block again
/// in the backward pass.</summary>
internal sealed class Recompute : autograd.SingleTensorFunction<Recompute>
{
    private const string Block = "block";

    public override string Name => nameof(Recompute);

    /// <summary>Runs <paramref name="block"/> on <paramref name="input"/>, without keeping what lies between where a
    /// gradient is to come back.</summary>
    /// <remarks>The block must give the same result twice: drop path does, batch norm with running statistics does not.</remarks>
    public static Tensor Call(Func<Tensor, Tensor> block, Tensor input) =>
        is_grad_enabled() && input.requires_grad ? apply(block, input) : block(input);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (block, input) = ((Func<Tensor, Tensor>)vars[0], (Tensor)vars[1]);
        ctx.save_for_backward([input]);
        ctx.save_data(Block, block);
        using var _ = no_grad();
        return block(input);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var block = (Func<Tensor, Tensor>)ctx.get_data(Block);
        using var _ = enable_grad();
        using var scope = NewDisposeScope();
        var input = ctx.get_saved_variables()[0].detach().requires_grad_();
        block(input).backward([grad_output]);
        return [null!, input.grad!.MoveToOuterDisposeScope()];
    }
}
