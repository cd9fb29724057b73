using System.Text.Json;
using Schane.Checkpoints;
using Schane.Data;
using Schane.Evaluation;
using Schane.Inference;
using Schane.Runs;
using Schane.Tensors;

namespace Schane.Jobs.Folds;

/// <summary>The outputs of one fold, as its folder keeps them once it is done.</summary>
/// <param name="Images">Names of the n images that were held out.</param>
/// <param name="Labels">[n].</param>
/// <param name="Logits">[n, C] of the trained model, row by row.</param>
/// <param name="ProbeLogits">The same of the linear probe; null where there was none.</param>
internal sealed record FoldOutputs(string[] Images, long[] Labels, double[] Logits, double[]? ProbeLogits)
{
    /// <summary>[n, C], which classes the images show, where they may show several; null where each shows one.</summary>
    public bool[]? Truth { get; init; }

    /// <summary>Wall time of the fold, from its images to these outputs.</summary>
    public double Seconds { get; init; }

    /// <summary>Where a fold keeps them.</summary>
    public static string In(RunFolder fold) => Path.Combine(fold.Root, "outputs.json");

    /// <summary>Lets the models of a fold that has been trained look at the images that were held out.</summary>
    public static FoldOutputs Of(RunFolder fold, IImageDataset heldOut, Func<RunModel, ModelOutputs> pass, string device)
    {
        using var model = RunModel.Load(fold.Model, device);
        using var trained = pass(model);
        var alone = RunResults.Load(fold.Results).Steps == 0;             // the probe is the model
        using var probe = ProbeStart.Restore(fold, model) && !alone ? pass(model) : null;
        var probed = alone ? trained : probe;
        return new([.. trained.Indices.Select(heldOut.NameOf)], Copy.Longs(trained.Labels), Copy.Doubles(trained.Logits),
            probed is null ? null : Copy.Doubles(probed.Logits))
        { Truth = model.Thresholds is null ? null : LabelSetScores.TruthOf(heldOut, trained.Indices) };
    }

    public void Save(string path) => AtomicFile.WriteText(path, JsonSerializer.Serialize(this, JsonFile.Options));
}
