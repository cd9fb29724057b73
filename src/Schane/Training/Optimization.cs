using Schane.Models;
using Schane.Recipes;
using Schane.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>How the weights move: the gradients of what is trained, clipped, go to the optimiser at the schedule's rate, and the average of
/// the weights follows. The model's trained parameters live in its buffers.</summary>
internal sealed class Optimization : IDisposable
{
    private readonly Recipe recipe;
    private readonly FlatParameters parameters;
    private readonly IOptimizer optimizer;
    private readonly LossScaling? scaling;
    private readonly RateSchedule schedule;

    /// <param name="recipe">Resolved.</param>
    /// <param name="model">On the recipe's device.</param>
    /// <param name="preTrained">Whether the trunk comes from a checkpoint, so that the trunk's own rate applies.</param>
    /// <param name="batchesPerEpoch">Steps in an epoch.</param>
    /// <exception cref="SchaneException">Settings of the recipe don't fit the model or each other.</exception>
    public Optimization(Recipe recipe, ImageClassifier model, bool preTrained, int batchesPerEpoch)
    {
        this.recipe = recipe;
        var steps = recipe.Steps ?? throw new ArgumentException("The recipe must be resolved: Steps is not set.", nameof(recipe));
        schedule = RateSchedule.Of(recipe, steps, batchesPerEpoch);
        NativeMemory.KeepFreedPages();
        Freezing = new Freezing(model, recipe.Freeze);
        parameters = new FlatParameters(
            [.. Freezing.Trained.Select(p => ((Tensor)p.Parameter, Treat(p.Layer, p.Decays, preTrained, model.Backbone.LayerCount)))]);
        optimizer = Optimizers.Of(recipe, parameters);
        if (recipe.Precision == Precision.Fp16)
            optimizer = scaling = new LossScaling(optimizer, parameters);
        Average = recipe.Ema is { } decay ? new WeightAverage(decay, parameters, model.Buffers()) : null;
    }

    /// <summary>Which layers are trained.</summary>
    public Freezing Freezing { get; }

    /// <summary>The moving average of the weights; null without one.</summary>
    public WeightAverage? Average { get; }

    /// <summary>Of all trained parameters, one after the other.</summary>
    public Tensor Gradients => parameters.Gradients;

    /// <summary>Factor that the gradient is to have.</summary>
    public double Scale => scaling?.Scale ?? 1;

    /// <summary>Bytes of what the optimiser keeps.</summary>
    public long StateBytes => optimizer.State.Values.Sum(t => t.numel() * t.ElementSize);

    /// <summary>What a checkpoint holds, by name.</summary>
    public IEnumerable<(string Name, Tensor Value)> State => optimizer.State.Select(t => ($"optimizer.{t.Key}", t.Value))
        .Concat((Average?.State ?? []).Select(t => ($"ema.{t.Name}", t.Value)));

    /// <summary>What must be the same on all ranks.</summary>
    public IReadOnlyList<Tensor> Shared => [parameters.Values, .. State.Select(t => t.Value)];

    /// <summary>L2 norm of the gradient, its scale taken off; null where it overflowed, after which the scale is smaller. Waits for the
    /// device.</summary>
    public double? TakeNorm()
    {
        var norm = Gradients.norm().ToDouble();
        return scaling is null ? norm : scaling.Unscale(norm) is var plain && double.IsPositiveInfinity(plain) ? null : plain;
    }

    /// <summary>Moves the weights.</summary>
    /// <param name="state">Steps done and left out.</param>
    /// <param name="norm">Of <see cref="TakeNorm"/>.</param>
    /// <returns>The learning rate.</returns>
    public double Step(RunState state, double norm)
    {
        if (recipe.ClipNorm is { } limit && norm > limit)
            Gradients.mul_(limit / (norm + 1e-6));
        var rate = schedule.At(state.At);
        var updates = state.Step - state.Skipped - (scaling?.Overflows ?? 0);
        optimizer.Step(rate, updates);
        Average?.Update(updates);
        return rate;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        optimizer.Dispose();
        Average?.Dispose();
        parameters.Dispose();
    }

    private ParameterTreatment Treat(int layer, bool decays, bool preTrained, int depth)
    {
        // depth: the head's layer id
        var scale = Math.Pow(recipe.LayerDecay, depth - layer) * (preTrained && layer < depth ? recipe.TrunkRate ?? 1 : 1);
        return new ParameterTreatment(scale, decays ? recipe.WeightDecay : 0);
    }
}
