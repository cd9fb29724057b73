using Schane.Recipes;
using Schane.Runs;
using static TorchSharp.torch;

namespace Schane.Training;

internal sealed partial class Trainer
{
    /// <summary>What <see cref="Run"/> was told of the machine; null before, and where nothing was asked.</summary>
    public ProofEvent? Proof { get; private set; }

    internal static SchaneException NothingToContrast() =>
        new("The trunk is frozen and there is no projection, so the contrastive term has nothing to train; set --projection, --loss ce, " +
            "or freeze less.");

    private int EpochOf(long step) => (int)(step / batches.BatchesPerEpoch);

    /// <inheritdoc/>
    public void Dispose()
    {
        optimizer.Dispose();
        average?.Dispose();
        statistics.Dispose();
        guard.Dispose();
        parameters.Dispose();
    }

    /// <summary>Writes a checkpoint, after a look whether all ranks hold the same weights.</summary>
    private void Save(RunState state)
    {
        WeightHash.MustAgree(ranks, state.Step,
            [parameters.Values, .. optimizer.State.Values, .. average?.State.Select(t => t.Value) ?? []]);
        checkpoints.Save(state, Tensors());
        ranks.Barrier();
    }

    /// <summary>All that a checkpoint holds, by name; the run's own tensors.</summary>
    private Dictionary<string, Tensor> Tensors()
    {
        var tensors = model.StateDict().ToDictionary(t => $"model.{t.Key}", t => t.Value);
        foreach (var (name, tensor) in optimizer.State)
            tensors.Add($"optimizer.{name}", tensor);
        foreach (var (name, tensor) in average?.State ?? [])
            tensors.Add($"ema.{name}", tensor);
        foreach (var (name, tensor) in hard?.State ?? [])
            tensors.Add($"confusion.{name}", tensor);
        return tensors;
    }

    private void TakeFinalWeights()
    {
        if (steps == 0)
            return;
        var wanted = recipe.FinalWeights ?? (average is null ? FinalWeights.Last : FinalWeights.Ema);
        if (wanted == FinalWeights.Best)
            checkpoints.RestoreBest(model.StateDict());
        else if (wanted == FinalWeights.Ema)
            average!.Exchange();
    }

    private ParameterTreatment Treat(int layer, bool decays, bool preTrained)
    {
        var depth = model.Backbone.LayerCount;                                                 // the head's layer id
        var scale = Math.Pow(recipe.LayerDecay, depth - layer) * (preTrained && layer < depth ? recipe.TrunkRate ?? 1 : 1);
        return new ParameterTreatment(scale, decays ? recipe.WeightDecay : 0);
    }
}
