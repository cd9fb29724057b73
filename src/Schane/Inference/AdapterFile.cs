using System.Globalization;
using Schane.Checkpoints;
using Schane.Checkpoints.Hub;
using Schane.Models;
using Schane.Runs;
using static TorchSharp.torch;

namespace Schane.Inference;

/// <summary>Files of weights that may hold adapters and heads alone and name the weights of the trunk that these were trained on.</summary>
internal static class AdapterFile
{
    /// <summary>Gives a model the weights of a file; of one with adapters those of its trunk, and the adapters merged into them.</summary>
    /// <param name="model">Takes them; its own adapters, if it has some, stay beside.</param>
    /// <param name="file">Open.</param>
    /// <param name="path">Where it lies: a trunk that was a file of a machine is looked for beside it.</param>
    /// <param name="heads">What to do with the heads of the file.</param>
    /// <param name="hub">Where the trunk is fetched from; null for the defaults.</param>
    /// <exception cref="SchaneException">It is of another model, or its trunk isn't to be had or is another.</exception>
    /// <exception cref="DownloadException">The network fails.</exception>
    public static LoadingReport Into(ImageClassifier model, ICheckpoint file, string path, HeadLoading heads, HubOptions? hub = null)
    {
        if (!file.Metadata.TryGetValue(Adapters.AlphaKey, out var text))
            return model.Load(file, heads);
        if (!double.TryParse(text, CultureInfo.InvariantCulture, out var alpha))
            throw new CheckpointException(file.Origin, $"says '{Printable.Escape(text)}' for '{Adapters.AlphaKey}', which must be a " +
                "number; it is damaged.");
        using var scope = NewDisposeScope();
        var trunk = TrunkOf(model, file, path, hub);
        using (var weights = CheckpointFile.Open(trunk))
            Into(model, weights, trunk, HeadLoading.Never, hub);

        var rest = file.Names.ToHashSet();
        foreach (var (name, layer) in Adapters.Linear(model.Backbone))
            if (Adapters.NamesOf(name) is var (down, up) && rest.Contains(down) && rest.Contains(up))
            {
                var (a, b) = (Read(file, down, [-1, layer.Inputs]), Read(file, up, [layer.Outputs, file.ShapeOf(down)[0]]));
                layer.Add(a, b, alpha / a.shape[0]);
                rest.ExceptWith([down, up]);
            }
        var all = model.Backbone.state_dict().Where(t => !Adapters.Have(t.Key)).ToDictionary();
        foreach (var name in rest)                                        // heads, and what has no place, which is refused
            all[name] = file.Read(name);
        return model.Load(new TensorsInMemory(all, file.Origin), heads);
    }

    /// <summary>Where the trunk's weights lie on this machine now.</summary>
    private static string TrunkOf(ImageClassifier model, ICheckpoint file, string path, HubOptions? hub)
    {
        var (reference, hash) = (file.Metadata.GetValueOrDefault("weights"), file.Metadata.GetValueOrDefault("weights_sha256"));
        if (reference is null || hash is null)
            throw new CheckpointException(file.Origin, "holds adapters and does not say of which weights; it is damaged.");
        if (reference == EmbeddedWeights.Name)
            reference = EmbeddedWeights.FileOf(model.Backbone.Info.Name) ?? reference;
        if (WeightsReference.Parse(reference) is WeightsReference.LocalFile { Path: var local })
        {
            var beside = Path.Combine(Path.GetDirectoryName(path) ?? "", Path.GetFileName(local));
            reference = Path.Exists(beside) ? beside : Path.Exists(local) ? local : throw new CheckpointException(file.Origin,
                $"holds adapters of the weights '{Printable.Short(local)}', which are not here; put them (SHA-256 " +
                $"{Printable.Short(hash)}) beside it, or take model.safetensors of the run, which is whole.");
        }
        using var weights = new WeightsHub(hub);
        var found = weights.ResolveAsync(Directory.Exists(reference) ? RunFolder.Open(reference).Model : reference)
            .GetAwaiter().GetResult();
        return string.Join(" ", found.Files.Select(f => f.Sha256)) == hash ? found.Path
            : throw new CheckpointException(file.Origin, $"holds adapters of weights with SHA-256 {Printable.Short(hash)}, and " +
                $"'{Printable.Short(found.Path)}' are others; put the right ones in their place, or take model.safetensors of the run, " +
                "which is whole.");
    }

    private static Tensor Read(ICheckpoint file, string name, long[] wanted)
    {
        var given = file.ShapeOf(name);
        return given.Length == 2 && (wanted[0] < 0 || given[0] == wanted[0]) && given[1] == wanted[1]
            ? file.Read(name).to_type(ScalarType.Float32)
            : throw new CheckpointException(file.Origin, $"has '{Printable.Short(name)}' with shape [{string.Join(", ", given)}], which " +
                "doesn't fit the weight beside it. Is it of another model?");
    }
}
