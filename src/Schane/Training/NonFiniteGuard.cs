using System.Globalization;
using Schane.Checkpoints;
using Schane.Data.Feeding;
using Schane.Losses;
using Schane.Models;
using Schane.Recipes;
using Schane.Runs;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>What happens at a step whose loss or gradient is not finite: it is named, its batch is kept for a look, and the run stops or
/// leaves the step out.</summary>
internal sealed class NonFiniteGuard(Recipe recipe, ImageClassifier model, RunFolder folder, int rank) : IDisposable
{
    private readonly List<(Tensor Buffer, Tensor Before)> statistics = [];

    private string WayOut => $"Lower --lr (now {recipe.LearningRate}) or set --clip-norm; the last checkpoint is in {folder.Name}.";

    /// <summary>Remembers what a forward pass changes apart from gradients, so that a step can be undone completely.</summary>
    public void Before()
    {
        if (recipe.OnNonFinite == NonFinitePolicy.Stop)
            return;
        if (statistics.Count == 0)
            statistics.AddRange(model.buffers().Select(b => (b, b.clone().DetachFromDisposeScope())));
        foreach (var (buffer, before) in statistics)
            before.copy_(buffer);
    }

    /// <summary>The loss of a step; null with the reason where an output of the model is not finite.</summary>
    public static (StepLoss? Loss, string? Problem) Try(Func<StepLoss> step)
    {
        try
        {
            return (step(), null);
        }
        catch (NonFiniteOutputException e)
        {
            return (null, e.Message.TrimEnd('.'));
        }
        catch (ArgumentException e) when (e.ParamName is "embeddings" or "logits")
        {
            return (null, e.Message.Split(" (Parameter")[0].TrimEnd('.'));
        }
    }

    /// <summary>What of a step is not finite, by name; null if all is.</summary>
    /// <exception cref="SchaneException">No anchor of the batch has a positive, which the sampler has to mend.</exception>
    public string? Problem(long step, StepLoss loss, double gradientNorm)
    {
        if (double.IsNaN(loss.Contrastive) && loss.Statistics.ShareWithoutPositives == 1)
            throw new SchaneException(
                $"Step {step + 1}: no image of the batch has another of its class, so the contrastive loss is undefined. Use " +
                (recipe.MultiLabel == true ? "a larger --batch" : "--sampler balanced with --images-per-class 2 or more") +
                ", or --views 2.");
        foreach (var (what, value) in ((string, double)[])[("cross-entropy", loss.CrossEntropy), ("contrastive loss", loss.Contrastive)])
            if (!double.IsFinite(value))
                return $"the {what} is {value}{(FirstNonFinite(p => p) is { } weight ? $", and so is the parameter {weight}" : "")}";
        return double.IsFinite(gradientNorm) ? null
            : FirstNonFinite(p => p.grad) is { } name ? $"the gradient of {name} is not finite" : $"the gradient norm is {gradientNorm}";
    }

    /// <summary>Keeps the batch and stops, or undoes what the step changed.</summary>
    /// <returns>The state after the step was left out, and the sentence about it.</returns>
    /// <exception cref="DivergedException">The policy is to stop, or too many steps were skipped.</exception>
    public (RunState State, string Message) Handle(RunState state, string problem, Batch batch)
    {
        var kept = Keep(batch, state.Step, problem);
        var sentence = $"Step {state.Step + 1}: {problem}. The batch is in {Path.GetFileName(folder.Checkpoints)}/{kept}.";
        if (recipe.OnNonFinite == NonFinitePolicy.Stop)
            throw new DivergedException($"{sentence} {WayOut}");
        if (state.Skipped >= recipe.SkipLimit)
            throw new DivergedException($"{sentence} {state.Skipped} steps were skipped before it, as many as skip-limit allows. {WayOut}");
        foreach (var (buffer, before) in statistics)
            buffer.copy_(before);
        return (state.After(state.Moved) with { Skipped = state.Skipped + 1 },
            $"{sentence} The step is skipped, {state.Skipped + 1} of at most {recipe.SkipLimit}.");
    }

    public void Dispose() => statistics.ForEach(s => s.Before.Dispose());

    private string Keep(Batch batch, long step, string problem)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"non-finite-{step + 1:D8}{(rank == 0 ? "" : $"-rank{rank}")}.safetensors");
        Directory.CreateDirectory(folder.Checkpoints);                    // of a rank on a machine that does not see the first one's disk
        Safetensors.Write(Path.Combine(folder.Checkpoints, name),
            new Dictionary<string, Tensor> { ["images"] = batch.Images, ["labels"] = batch.Labels, ["image_ids"] = batch.ImageIds },
            new Dictionary<string, string> { ["step"] = (step + 1).ToString(CultureInfo.InvariantCulture), ["problem"] = problem });
        return name;
    }

    private string? FirstNonFinite(Func<Tensor, Tensor?> of)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        foreach (var (name, parameter, _, _) in model.NamedParameters())
            if (parameter.requires_grad && of(parameter) is { } value && !value.isfinite().all().item<bool>())
                return name;
        return null;
    }
}
