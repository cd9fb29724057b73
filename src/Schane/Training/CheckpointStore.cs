using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Schane.Checkpoints;
using Schane.Distributed;
using Schane.Runs;
using static TorchSharp.torch;

namespace Schane.Training;

/// <summary>
/// The checkpoints of a run: tensors by name and the <see cref="RunState"/> they belong to; the last few, and the best. A checkpoint counts
/// once its SHA-256 stands beside it, and none is removed before a newer one counts, so a full disk leaves the last good one. Rank 0 alone
/// writes and reads; the others are told.
/// </summary>
internal sealed class CheckpointStore(RunFolder folder, RunIdentity identity, int keep, ICollective ranks) : IDisposable
{
    private const string Next = ".next";

    private Task hashed = Task.CompletedTask;

    private string Best => Path.Combine(folder.Checkpoints, "best.safetensors");

    /// <summary>Writes a checkpoint and removes all but the last few.</summary>
    /// <param name="state">Its state.</param>
    /// <param name="tensors">By name.</param>
    /// <param name="goesOn">Whether to come back once the tensors are on the disk: the hash, which takes longer, is computed meanwhile,
    /// and waited for before the next is written.</param>
    /// <exception cref="IOException">This one, or the one before, can't be written.</exception>
    public void Save(RunState state, IReadOnlyDictionary<string, Tensor> tensors, bool goesOn = false) => ranks.OnFirst(() =>
    {
        Wait();
        var path = PathOf(state.Step);
        WriteNext(path, state, tensors);
        hashed = Task.Run(() =>
        {
            Count(path);
            foreach (var old in Steps().Skip(keep))
            {
                File.Delete(HashOf(PathOf(old)));
                File.Delete(PathOf(old));
            }
        });
        if (!goesOn)
            Wait();
    });

    /// <summary>Lets a checkpoint that is being hashed be done with.</summary>
    public void Dispose() => Task.WaitAny(hashed);                        // why it failed is told by the save after it

    /// <summary>Writes the weights that were best up to now; they are not counted among the last.</summary>
    public void SaveBest(RunState state, IReadOnlyDictionary<string, Tensor> weights) => ranks.OnFirst(() =>
    {
        WriteNext(Best, state, weights);
        Count(Best);
    });

    /// <summary>Takes the best weights.</summary>
    /// <exception cref="SchaneException">There are none, or they are damaged.</exception>
    public void RestoreBest(IReadOnlyDictionary<string, Tensor> weights)
    {
        ranks.OnFirst(() =>
        {
            if (!IsWhole(Best))
                throw new SchaneException(
                    $"The best checkpoint '{Path.GetFileName(Best)}' is missing or damaged; train again, or set final-weights to last.");
            Read(Best, weights, acceptChangedData: true);
        });
        ranks.BroadcastAll(weights.Values);
    }

    /// <summary>Restores the newest checkpoint that is whole.</summary>
    /// <param name="tensors">Tensors by name, overwritten in place.</param>
    /// <param name="acceptChangedData">Goes on although the training images are others.</param>
    /// <param name="warn">Told of each damaged checkpoint that is passed over.</param>
    /// <returns>Null where there is no whole checkpoint.</returns>
    /// <exception cref="SchaneException">The checkpoint is of another model, of other classes, data or batches.</exception>
    public RunState? Restore(IReadOnlyDictionary<string, Tensor> tensors, bool acceptChangedData, Action<string> warn)
    {
        RunState? state = null;
        ranks.OnFirst(() => state = Newest(tensors, acceptChangedData, warn));
        state = JsonSerializer.Deserialize<RunState?>(ranks.BroadcastText(JsonSerializer.Serialize(state)));
        if (state is not null)
            ranks.BroadcastAll(tensors.Values);
        return state;
    }

    private RunState? Newest(IReadOnlyDictionary<string, Tensor> tensors, bool acceptChangedData, Action<string> warn)
    {
        foreach (var pattern in (string[])[$"*{Next}", "*.tmp"])                               // what a killed process was writing
            foreach (var unfinished in Directory.GetFiles(folder.Checkpoints, pattern))
                File.Delete(unfinished);
        foreach (var step in Steps())
        {
            if (IsWhole(PathOf(step)))
                return Read(PathOf(step), tensors, acceptChangedData);
            warn($"Checkpoint {Path.GetFileName(PathOf(step))} is damaged; going on from the one before.");
        }
        return null;
    }

    private void Wait()
    {
        var before = hashed;
        hashed = Task.CompletedTask;
        before.GetAwaiter().GetResult();
    }

    private void WriteNext(string path, RunState state, IReadOnlyDictionary<string, Tensor> tensors) =>
        Safetensors.Write(path + Next, tensors, new Dictionary<string, string>(
            identity.Parts.Select(p => KeyValuePair.Create(p.Name, p.Value)))
        { ["state"] = JsonSerializer.Serialize(state) });

    /// <summary>The old file counts until the new one stands in its place: between the two the hash names both.</summary>
    private static void Count(string path)
    {
        var next = path + Next;
        var hash = Hash(next) + "\n";
        AtomicFile.WriteText(HashOf(path), File.Exists(path) && File.Exists(HashOf(path)) ? hash + File.ReadAllText(HashOf(path)) : hash);
        AtomicFile.Move(next, path);
        AtomicFile.WriteText(HashOf(path), hash);
    }

    private RunState Read(string path, IReadOnlyDictionary<string, Tensor> tensors, bool acceptChangedData)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var file = Safetensors.Open(path);
        if (identity.Refusal(Path.GetFileName(path), file.Metadata, acceptChangedData) is { } refusal)
            throw new SchaneException(refusal);
        foreach (var (name, tensor) in tensors)
            if (!file.Names.Contains(name) || !file.ShapeOf(name).SequenceEqual(tensor.shape))
                throw new SchaneException($"'{file.Origin}' holds another model: {name} should have shape " +
                    $"[{string.Join(", ", tensor.shape)}]. Resume with the recipe of that run.");
        foreach (var (name, tensor) in tensors)
        {
            using var one = NewDisposeScope();
            tensor.copy_(file.Read(name));
        }
        return JsonSerializer.Deserialize<RunState>(file.Metadata["state"])!;
    }

    private static bool IsWhole(string path) =>
        File.Exists(path) && File.Exists(HashOf(path)) && File.ReadAllLines(HashOf(path)).Contains(Hash(path));

    /// <summary>Steps of the checkpoints on disk, newest first.</summary>
    private List<long> Steps() => Directory.EnumerateFiles(folder.Checkpoints, "step-*.safetensors")
        .Select(file => long.TryParse(Path.GetFileNameWithoutExtension(file)["step-".Length..], NumberStyles.None,
            CultureInfo.InvariantCulture, out var step) ? step : -1)
        .Where(step => step >= 0).OrderDescending().ToList();

    private string PathOf(long step) =>
        Path.Combine(folder.Checkpoints, string.Create(CultureInfo.InvariantCulture, $"step-{step:D8}.safetensors"));

    private static string HashOf(string path) => path + ".sha256";

    private static string Hash(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
