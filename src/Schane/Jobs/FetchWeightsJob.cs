using Schane.Checkpoints;
using Schane.Checkpoints.Hub;
using Schane.Models;
using Schane.Planning;
using Schane.Training;
using static TorchSharp.torch;

namespace Schane.Jobs;

/// <summary>Brings the published weights of a model to this machine, so that training needs no network later: what
/// <c>schane models fetch</c> does.</summary>
internal sealed record FetchWeightsJob
{
    /// <summary>A model of the registry that published weights are known for.</summary>
    public required string Model { get; init; }

    /// <summary>A safetensors file to write them to as well, to be carried to another machine; null for none.</summary>
    public string? Out { get; init; }

    /// <summary>Whether parameters of two and more dimensions are written to <see cref="Out"/> as float16. Off unless asked for.</summary>
    public bool Half { get; init; }

    /// <summary>Where downloads are kept and whether the network may be used; null for the defaults, which come
    /// from the environment.</summary>
    public HubOptions? Hub { get; init; }

    /// <summary>Told how far the download is.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>Fetches what is not here yet, checks that it fits the model, and writes the file.</summary>
    /// <exception cref="SchaneException">No such model, none published, or a file that is refused.</exception>
    /// <exception cref="DownloadException">The network fails.</exception>
    public FetchedWeights Run(CancellationToken stop = default)
    {
        var info = ModelRegistry.InfoOf(Model);
        if (Half && Out is null)
            throw new SchaneException("float16 is a form of the file to write, and none is named; name it with --out FILE.safetensors.");
        var weights = InitialWeights.Find(InitialWeights.Published, info.Name, Hub, Progress, stop);
        using var scope = NewDisposeScope();
        using var model = new ImageClassifier(ModelRegistry.Create(info.Name, seed: 0), classes: 1);
        weights.Into(model, keepHead: false, Progress);
        if (Out is null)
            return new(info.Name, weights.Reference, info.WeightsLicense, weights.Files, null);
        var tensors = model.Backbone.state_dict().Where(t => !t.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal))
            .ToDictionary(t => t.Key, t => Stored(t.Key, t.Value));
        Safetensors.Write(Out, tensors, new Dictionary<string, string>
        { ["format"] = "pt", ["architecture"] = info.Name, ["source"] = weights.Reference, ["license"] = info.WeightsLicense ?? "" });
        return new(info.Name, weights.Reference, info.WeightsLicense, weights.Files, new FileInfo(Out).Length);
    }

    /// <summary>Vectors (norms, biases, statistics) stay float32: they are small, and a variance may leave float16's range.</summary>
    private Tensor Stored(string name, Tensor value)
    {
        if (!Half || value.dim() < 2)
            return value;
        var half = value.detach().to(ScalarType.Float16);
        return half.isfinite().all().item<bool>()
            ? half : throw new SchaneException($"'{name}' has values that float16 can't hold; write the file without --half.");
    }
}

/// <summary>Weights that are on this machine.</summary>
/// <param name="Model">The model they are of.</param>
/// <param name="Reference">Where they are from, pinned.</param>
/// <param name="License">Their licence, where it is known.</param>
/// <param name="Files">The files that are loaded, with size and SHA-256.</param>
/// <param name="Written">Bytes of the file that was written; null for none.</param>
internal sealed record FetchedWeights(string Model, string Reference, string? License, IReadOnlyList<WeightsFile> Files, long? Written);
