using Schane.Checkpoints;
using static TorchSharp.torch;

namespace Schane.Models;

/// <summary>Puts the tensors of a checkpoint into a classifier and keeps account of each. Nothing is written before every name and
/// shape is found right; a number that is not finite ends it where it is met.</summary>
internal sealed class WeightLoading(ImageClassifier model, string projection, HeadLoading heads)
{
    private readonly List<string> used = [], resized = [], reinitialised = [], ignored = [];

    /// <exception cref="CheckpointException">See <see cref="ImageClassifier.Load(ICheckpoint, HeadLoading)"/>.</exception>
    public LoadingReport Load(ICheckpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        checkpoint = model.Backbone.Combined(checkpoint);
        var state = model.StateDict();
        var sources = Match(checkpoint, state);

        var fitted = new Dictionary<string, Tensor>();
        foreach (var (name, tensor) in state)
            Plan(checkpoint, name, tensor, sources.GetValueOrDefault(name), fitted);

        using var _ = no_grad();
        foreach (var (name, source) in sources)
        {
            if (reinitialised.Contains(name))
                continue;
            // one tensor at a time: a large checkpoint is never whole in private memory
            using var one = NewDisposeScope();
            var values = fitted.TryGetValue(name, out var ready) ? ready : checkpoint.Read(source);
            if (values.is_floating_point() && !values.isfinite().all().item<bool>())
                throw new CheckpointException(checkpoint.Origin, $"has {(values.isnan().any().item<bool>() ? "NaN" : "infinity")} in " +
                    $"'{Printable.Short(source)}', so the model could answer nothing; take weights saved before they broke.");
            state[name].copy_(values);
        }
        return new(checkpoint.Origin, used, resized, reinitialised, ignored);
    }

    /// <summary>Model name → name in the checkpoint.</summary>
    private Dictionary<string, string> Match(ICheckpoint checkpoint, IReadOnlyDictionary<string, Tensor> state)
    {
        var sources = new Dictionary<string, string>();
        var unknown = new List<string>();
        var naming = model.Backbone.Naming(checkpoint.Names);
        foreach (var given in checkpoint.Names)
        {
            var here = naming(given);
            if (here is null || (IsHead(here) && (heads == HeadLoading.Never || !state.ContainsKey(here))))
                ignored.Add(given);
            else if (!state.ContainsKey(here))
                unknown.Add(given);
            else if (!sources.TryAdd(here, given))
                throw new CheckpointException(checkpoint.Origin, $"has both '{sources[here]}' and '{given}' for the model's '{here}'.");
        }
        if (unknown.Count > 0)
            throw new CheckpointException(checkpoint.Origin, $"has {unknown.Count} tensors that {model.Backbone.Info.Name} has no place " +
                $"for, '{Printable.Short(unknown[0])}' first. Is it of another model?");
        return sources;
    }

    private void Plan(ICheckpoint checkpoint, string name, Tensor tensor, string? source, Dictionary<string, Tensor> fitted)
    {
        if (source is null)
        {
            if (Adapters.Have(name))
                return;                                                   // of a new run, which begin at nothing
            if (IsHead(name) && heads != HeadLoading.Required)
                reinitialised.Add(name);
            else if (!name.EndsWith("num_batches_tracked", StringComparison.Ordinal))            // a count that nothing depends on
                throw new CheckpointException(checkpoint.Origin,
                    $"has no tensor for '{name}' of {model.Backbone.Info.Name}. Is it of another model?");
            return;
        }
        var (given, wanted) = (checkpoint.ShapeOf(source), tensor.shape);
        if (checkpoint.TypeOf(source) is ScalarType.ComplexFloat32 or ScalarType.Bool
            || tensor.is_floating_point() != IsFloat(checkpoint.TypeOf(source)))
            throw new CheckpointException(checkpoint.Origin,
                $"stores '{source}' as {checkpoint.TypeOf(source)}, but the model's is {tensor.dtype}.");
        if (given.SequenceEqual(wanted))
            used.Add(name);
        else if (IsHead(name) && heads != HeadLoading.Required)
        {
            reinitialised.Add(name);
            ignored.Add(source);
        }
        else
        {
            using var one = NewDisposeScope();
            var fit = IsHead(name) ? null : model.Backbone.Fit(name, checkpoint.Read(source), wanted);
            if (fit is null)
                throw new CheckpointException(checkpoint.Origin, $"has '{source}' with shape [{string.Join(", ", given)}], but " +
                    $"{model.Backbone.Info.Name} needs [{string.Join(", ", wanted)}].");
            fitted.Add(name, fit.MoveToOuterDisposeScope());
            resized.Add($"{name} [{string.Join(", ", given)}] → [{string.Join(", ", wanted)}]");
        }
    }

    private bool IsHead(string name) =>
        IsClassifier(name) || Under(name, $"{model.Backbone.Info.HeadName}_dist") || Under(name, projection);

    /// <summary>ConvNeXt's norm after pooling is called <c>head.norm</c>, but belongs to the trunk; only <c>weight</c> and <c>bias</c>
    /// are the classifier's.</summary>
    private bool IsClassifier(string name) =>
        name == $"{model.Backbone.Info.HeadName}.weight" || name == $"{model.Backbone.Info.HeadName}.bias";

    private static bool Under(string name, string parent) =>
        name.StartsWith(parent, StringComparison.Ordinal) && name.AsSpan(parent.Length).StartsWith(".");

    private static bool IsFloat(ScalarType type) =>
        type is ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32 or ScalarType.Float64;
}
