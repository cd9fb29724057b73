using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Schane.Models.Layers;

/// <summary>Batch normalisation over [n, H, W] per channel (Ioffe &amp; Szegedy 2015), eps 1e-5, momentum 0.1,
/// unbiased running variance.</summary>
internal sealed class BatchNormalization : Layer
{
    internal const double Eps = 1e-5;
    private const double Momentum = 0.1;

    // RegisterComponents makes field names, or the names given here, checkpoint keys: renaming one breaks saved files.
    private readonly Parameter weight, bias;
    [ComponentName(Name = "running_mean")] private readonly Tensor runningMean;
    [ComponentName(Name = "running_var")] private readonly Tensor runningVariance;
    [ComponentName(Name = "num_batches_tracked")] private readonly Tensor batches;
    private readonly double initialScale;

    /// <param name="channels">Channels.</param>
    /// <param name="initialScale">Initial weight; 0 makes a residual branch start as nothing.</param>
    public BatchNormalization(long channels, double initialScale = 1) : base("BatchNormalization")
    {
        (weight, bias, this.initialScale) = (Weight(channels), Weight(channels), initialScale);
        (runningMean, runningVariance, batches) = (zeros(channels), ones(channels), zeros([], ScalarType.Int64));
        RegisterComponents();
    }

    /// <summary>Sums over the processes that train together, by whose rows a training pass then normalises; null: by its own.</summary>
    public RankSums? Over { get; set; }

    public override void Initialise(WeightInit init)
    {
        WeightInit.Constant(weight, initialScale);
        WeightInit.Constant(bias, 0);
        WeightInit.Constant(runningMean, 0);
        WeightInit.Constant(runningVariance, 1);
        WeightInit.Constant(batches, 0);
    }

    public override Tensor forward(Tensor input)
    {
        if (training)
        {
            using var _ = no_grad();
            batches.add_(1);
        }
        using var scope = NewDisposeScope();
        var wide = Wide(input);
        return (training && Over is not null
            ? SharedNormalization.Call(wide, weight, bias, runningMean, runningVariance, Momentum, Eps, Over)
            : nn.functional.batch_norm(wide, runningMean, runningVariance, weight, bias, training, Momentum, Eps))
            .MoveToOuterDisposeScope();
    }
}
