using Schane.Recipes;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>Turns the gradients in <see cref="FlatParameters"/> into new values.</summary>
internal interface IOptimizer : IDisposable
{
    /// <summary>What a checkpoint must hold to go on with the same bits, by name.</summary>
    IReadOnlyDictionary<string, Tensor> State { get; }

    /// <summary>One update.</summary>
    /// <param name="rate">Learning rate before each group's scale.</param>
    /// <param name="step">Steps done before this one; the bias correction of AdamW follows from it.</param>
    void Step(double rate, long step);
}

/// <summary>The optimiser that a recipe asks for.</summary>
internal static class Optimizers
{
    /// <exception cref="SchaneException">Nesterov's form is asked for without momentum or with dampening.</exception>
    public static IOptimizer Of(Recipe recipe, FlatParameters parameters) => recipe.Optimizer switch
    {
        OptimizerKind.AdamW => new AdamW(parameters, recipe.AdamBeta1, recipe.AdamBeta2, recipe.AdamEps),
        OptimizerKind.Sgd when recipe is { Nesterov: true, Momentum: 0 } or { Nesterov: true, Dampening: > 0 } => throw new SchaneException(
            $"nesterov needs a momentum above 0 and no dampening, but momentum is {recipe.Momentum} and dampening {recipe.Dampening}."),
        OptimizerKind.Sgd => new Sgd(parameters, recipe.Momentum, recipe.Nesterov, recipe.Dampening),
        _ => throw new ArgumentOutOfRangeException(nameof(recipe), recipe.Optimizer, "No such optimiser."),
    };
}

/// <summary>AdamW with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101), as torch.optim.AdamW.</summary>
internal sealed class AdamW(FlatParameters parameters, double beta1, double beta2, double epsilon) : IOptimizer
{
    private readonly Tensor mean = zeros_like(parameters.Values).DetachFromDisposeScope(),
        square = zeros_like(parameters.Values).DetachFromDisposeScope();

    public IReadOnlyDictionary<string, Tensor> State => new Dictionary<string, Tensor> { ["mean"] = mean, ["square"] = square };

    public void Step(double rate, long step)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var correction1 = 1 - Math.Pow(beta1, step + 1);
        var correction2 = 1 - Math.Pow(beta2, step + 1);
        mean.lerp_(parameters.Gradients, 1 - beta1);
        square.mul_(beta2).addcmul_(parameters.Gradients, parameters.Gradients, 1 - beta2);
        foreach (var (treatment, offset, length) in parameters.Groups)
        {
            var scaled = rate * treatment.RateScale;
            var values = parameters.Values.narrow(0, offset, length);
            if (treatment.WeightDecay != 0)
                values.mul_(1 - scaled * treatment.WeightDecay);
            var denominator = square.narrow(0, offset, length).sqrt().div_(Math.Sqrt(correction2)).add_(epsilon);
            values.addcdiv_(mean.narrow(0, offset, length), denominator, -scaled / correction1);
        }
    }

    public void Dispose()
    {
        mean.Dispose();
        square.Dispose();
    }
}

/// <summary>Stochastic gradient descent with momentum and weight decay in the gradient, as torch.optim.SGD.</summary>
internal sealed class Sgd(FlatParameters parameters, double momentum, bool nesterov = false, double dampening = 0) : IOptimizer
{
    private readonly Tensor velocity = zeros_like(parameters.Values).DetachFromDisposeScope();

    public IReadOnlyDictionary<string, Tensor> State => new Dictionary<string, Tensor> { ["velocity"] = velocity };

    public void Step(double rate, long step)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        foreach (var (treatment, offset, length) in parameters.Groups)
        {
            var values = parameters.Values.narrow(0, offset, length);
            var gradient = parameters.Gradients.narrow(0, offset, length);
            if (treatment.WeightDecay != 0)
                gradient = gradient.add(values, alpha: treatment.WeightDecay);
            var velocityHere = velocity.narrow(0, offset, length);
            velocityHere.mul_(momentum).add_(gradient, alpha: step == 0 ? 1 : 1 - dampening);      // torch dampens from the second step on
            var direction = nesterov ? gradient.add(velocityHere, alpha: momentum) : velocityHere;
            values.add_(direction, alpha: -rate * treatment.RateScale);
        }
    }

    public void Dispose() => velocity.Dispose();
}
