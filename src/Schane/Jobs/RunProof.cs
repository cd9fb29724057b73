using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Schane.Data;
using Schane.Data.Transforms;
using Schane.Distributed;
using Schane.Inference;
using Schane.Recipes;
using Schane.Runs;
using Schane.Tensors;
using Schane.Training;
using Schane.Verification;
using static TorchSharp.torch;

namespace Schane.Jobs;

/// <summary>Before the first step: whether this machine computes the run's model on the run's images as float64 says.</summary>
internal static class RunProof
{
    private static readonly JsonSerializerOptions Format = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>Every rank proves its own machine.</summary>
    /// <param name="recipe">Resolved.</param>
    /// <param name="train">Where the images are from.</param>
    /// <param name="model">On the recipe's device; left as it is, bit for bit.</param>
    /// <param name="ranks">The processes that train together.</param>
    /// <param name="progress">Told what was found.</param>
    /// <exception cref="WrongArithmeticException">A rank's machine does not.</exception>
    public static ProofEvent Of(Recipe recipe, IImageDataset train, RunModel model, ICollective ranks,
        IProgress<TrainingProgress>? progress)
    {
        if (recipe.NoProof == true)
            return new(null, null, null, null, null, null, "not proven, as no-proof asks for");
        var watch = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        ProofImages pictures;
        ProofResult found;
        using (ranks.Busy())
        {
            pictures = ProofImages.Of(train, TransformPreset.Find(recipe.Augmentation!), model.Input);
            found = ModelProof.OfTraining(model.Classifier, pictures.Images);
            NativeMemory.ReturnFreedPages();
        }
        var all = ranks.GatherTexts(JsonSerializer.Serialize(found, Format))
            .Select(text => JsonSerializer.Deserialize<ProofResult>(text, Format)!).ToArray();
        for (var rank = 0; rank < all.Length; rank++)
            if (all[rank].Fault is { } fault)
                throw new WrongArithmeticException(fault, all[rank],
                    ranks.Size == 1 ? "This machine" : $"Rank {rank} on {ranks.Hosts[rank]}",
                    "Nothing was trained; --no-proof trains all the same.");
        found = all.MaxBy(one => one.Error)!;
        if (pictures.Problem is { } problem)
            Say($"Look-alikes take the place of images that the machine was to be proven with: {problem}");
        Say($"The model is {ProofResult.Sentence(found.Error)} ({found.Images} {pictures.Source} at once).");
        return new(found.Error, found.Where, found.Precision.ToString().ToLowerInvariant(), found.Images, pictures.Source,
            watch.Elapsed.TotalSeconds, null);

        void Say(string message) => progress?.Report(TrainingProgress.Note(message));
    }
}
