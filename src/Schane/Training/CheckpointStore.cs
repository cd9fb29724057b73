using System.Globalization;
using System.Security.Cryptography;
using Schane.Checkpoints;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>
/// The checkpoints of a run: weights, optimiser state and the step they stand at. Everything random in training is a pure function of the seed
/// and the step, so nothing else is needed to go on with the same bits. A checkpoint counts once its SHA-256 stands beside it.
/// </summary>
internal sealed class CheckpointStore(RunFolder folder, int keep = 2)
{
    private const string ModelPrefix = "model.", OptimizerPrefix = "optimizer.";

    /// <summary>Writes the state after <paramref name="step"/> steps and removes all but the last few checkpoints.</summary>
    public void Save(long step, IReadOnlyDictionary<string, Tensor> model, IOptimizer optimizer, string dataFingerprint)
    {
        var tensors = model.ToDictionary(t => ModelPrefix + t.Key, t => t.Value);
        foreach (var (name, tensor) in optimizer.State)
            tensors[OptimizerPrefix + name] = tensor;
        var path = PathOf(step);
        File.Delete(HashOf(path));
        Safetensors.Write(path, tensors, new Dictionary<string, string>
        {
            ["step"] = step.ToString(CultureInfo.InvariantCulture),
            ["data"] = dataFingerprint,
        });
        AtomicFile.WriteText(HashOf(path), Hash(path) + "\n");
        foreach (var old in Steps().Skip(keep))
        {
            File.Delete(HashOf(PathOf(old)));
            File.Delete(PathOf(old));
        }
    }

    /// <summary>Restores the newest checkpoint that is whole.</summary>
    /// <param name="model">Tensors by name, overwritten in place.</param>
    /// <param name="optimizer">Its state is overwritten in place.</param>
    /// <param name="dataFingerprint">What the data must be.</param>
    /// <param name="warn">Told of each damaged checkpoint that is passed over.</param>
    /// <returns>Steps done; null where there is no whole checkpoint.</returns>
    /// <exception cref="SchaneException">The checkpoint is of another model or of other data.</exception>
    public long? Restore(IReadOnlyDictionary<string, Tensor> model, IOptimizer optimizer, string dataFingerprint, Action<string> warn)
    {
        foreach (var step in Steps())
        {
            var path = PathOf(step);
            if (!File.Exists(HashOf(path)) || File.ReadAllText(HashOf(path)).Trim() != Hash(path))
            {
                warn($"Checkpoint {Path.GetFileName(path)} is damaged; going on from the one before.");
                continue;
            }
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            using var file = Safetensors.Open(path);
            if (file.Metadata["data"] != dataFingerprint)
                throw new SchaneException($"The data has changed since {Path.GetFileName(path)} was written; restore it, or start a new run.");
            foreach (var (name, tensor) in model)
                Restore(file, ModelPrefix + name, tensor);
            foreach (var (name, tensor) in optimizer.State)
                Restore(file, OptimizerPrefix + name, tensor);
            return step;
        }
        return null;
    }

    private static void Restore(SafetensorsFile file, string name, Tensor target)
    {
        if (!file.Names.Contains(name) || !file.ShapeOf(name).SequenceEqual(target.shape))
            throw new SchaneException($"'{file.Origin}' holds another model: {name} should have shape [{string.Join(", ", target.shape)}]. Resume with the recipe of that run.");
        target.copy_(file.Read(name));
    }

    /// <summary>Steps of the checkpoints on disk, newest first.</summary>
    private List<long> Steps() => Directory.EnumerateFiles(folder.Checkpoints, "step-*.safetensors")
        .Select(file => long.TryParse(Path.GetFileNameWithoutExtension(file)["step-".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var step) ? step : -1)
        .Where(step => step >= 0).OrderDescending().ToList();

    private string PathOf(long step) => Path.Combine(folder.Checkpoints, string.Create(CultureInfo.InvariantCulture, $"step-{step:D8}.safetensors"));

    private static string HashOf(string path) => path + ".sha256";

    private static string Hash(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
