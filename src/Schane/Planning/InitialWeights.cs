using System.Text.Json;
using System.Text.Json.Serialization;
using Schane.Checkpoints;
using Schane.Checkpoints.Hub;
using Schane.Inference;
using Schane.Models;
using Schane.Runs;
using Schane.Training;

namespace Schane.Planning;

/// <summary>The weights a run starts from, on this machine now, and what the run records so that it can only go
/// on with the very same.</summary>
/// <param name="Reference">As a recipe may say it to others: a hub's with its commit, an address with its hash, a path without the folders
/// above, <c>embedded</c> or <c>none</c>. No secrets.</param>
/// <param name="Revision">Commit of the hub; null elsewhere.</param>
/// <param name="Files">Every file with its size and SHA-256; none for those in the library and for <c>none</c>.</param>
internal sealed record InitialWeights(string Reference, string? Revision, IReadOnlyList<WeightsFile> Files)
{
    /// <summary>No weights: the seed draws them.</summary>
    public const string None = "none";

    /// <summary>The weights the registry names for the model, else the embedded ones.</summary>
    public const string Published = "default";

    /// <summary>What training starts from where there are none.</summary>
    public static InitialWeights Nothing { get; } = new(None, null, []);

    private const string Ways =
        $"a file, a run folder, hf:OWNER/NAME, nuget:PACKAGE, https://…, '{Published}', '{EmbeddedWeights.Name}' or '{None}'";

    private string path = "";
    private HubOptions? hub;

    /// <summary>As this machine finds it again: like <see cref="Reference"/>, but a full path.</summary>
    [JsonIgnore]
    public string Location { get; private init; } = Reference;

    /// <summary>Licence the publisher gave them, where the registry knows it.</summary>
    private string? License { get; init; }

    /// <summary>Whether training starts from given weights and not from drawn ones.</summary>
    [JsonIgnore]
    public bool Exist => Reference != None;

    /// <summary>Finds weights, fetching them if need be.</summary>
    /// <param name="asked">What a recipe says; null: embedded weights where the model has them, published ones where they are on this
    /// machine, else none.</param>
    /// <param name="model">Name in the registry.</param>
    /// <param name="hub">Cache, token and whether the network is out of bounds; null for the defaults.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="stop">Stops a download.</param>
    /// <exception cref="SchaneException">There are no such weights.</exception>
    /// <exception cref="DownloadException">The network fails.</exception>
    public static InitialWeights Find(string? asked, string model, HubOptions? hub = null, IProgress<TrainingProgress>? progress = null,
        CancellationToken stop = default)
    {
        var info = ModelRegistry.InfoOf(model);
        using var weights = new WeightsHub(hub);
        asked ??= EmbeddedWeights.Exist(info.Name) ? EmbeddedWeights.Name
            : info.Weights is { } known && weights.AreHere(known) ? Published : None;
        var published = asked == Published ? info.Weights : null;
        if (asked == Published)
            asked = published ?? (EmbeddedWeights.Exist(info.Name) ? EmbeddedWeights.Name
                : throw new SchaneException(
                    $"No published weights are known for '{info.Name}'; name a file with --weights, or train from --weights {None}."));
        if (asked == None)
            return Nothing;
        if (asked == EmbeddedWeights.Name)
            return !EmbeddedWeights.Exist(info.Name)
                ? throw new SchaneException($"There are no embedded weights for '{info.Name}'; name other weights ({Ways}).")
                : new(EmbeddedWeights.Name, null, EmbeddedWeights.FileOf(info.Name) is { } beside
                    ? weights.ResolveAsync(beside, null, stop).GetAwaiter().GetResult().Files : []);

        var local = (WeightsReference.Parse(asked) as WeightsReference.LocalFile)?.Path;
        if (local is not null && !Path.Exists(local))
            throw new SchaneException($"There are no weights '{Printable.Escape(asked)}'; name {Ways}.");
        var found = weights.ResolveAsync(Directory.Exists(local) ? RunFolder.Open(local).Model : asked, new Fetching(progress), stop)
            .GetAwaiter().GetResult();
        return new(local is null ? found.Pinned : RunPaths.Shareable(local), found.Revision, found.Files)
        {
            Location = local is null ? found.Pinned : Path.GetFullPath(local),
            License = published is null ? null : info.WeightsLicense,
            path = found.Path,
            hub = hub,
        };
    }

    /// <summary>Gives them to a model whose head stays its own unless <paramref name="keepHead"/>, and tells what was used, resized,
    /// re-initialised and ignored.</summary>
    /// <returns>Null where there are none.</returns>
    /// <exception cref="CheckpointException">They are not of this model.</exception>
    public LoadingReport? Into(ImageClassifier model, bool keepHead, IProgress<TrainingProgress>? progress)
    {
        if (!Exist)
            return null;
        using var file = Reference == EmbeddedWeights.Name ? EmbeddedWeights.Open(model.Backbone.Info.Name) : CheckpointFile.Open(path);
        var heads = keepHead ? HeadLoading.IfItFits : HeadLoading.Never;
        var report = AdapterFile.Into(model, file, path, heads, hub) with { Origin = Reference };
        var prefix = file is WithoutPrefix { Prefix: var all } ? $" The prefix '{all}' of all names was taken off." : "";
        progress?.Report(Said($"Weights {report}{prefix}{(License is null ? "" : $" Their licence is {License}.")}"));
        return report;
    }

    /// <summary>Stops unless these are the weights that the run began with.</summary>
    /// <exception cref="SchaneException">They are others.</exception>
    public void MustBe(InitialWeights begun)
    {
        if (!Files.SequenceEqual(begun.Files))
            throw new SchaneException(
                $"The weights '{begun.Reference}' have changed since the run began (SHA-256 {begun.Files.Except(Files).First().Sha256} " +
                $"then, {Files.Except(begun.Files).First().Sha256} now); restore them, or start a new run.");
    }

    /// <summary>What the metadata of a model say of where it started.</summary>
    public IReadOnlyDictionary<string, string> Metadata()
    {
        var texts = new Dictionary<string, string> { ["weights"] = Reference };
        if (Revision is not null)
            texts["weights_revision"] = Revision;
        if (Files.Count > 0)
            texts["weights_sha256"] = string.Join(" ", Files.Select(f => f.Sha256));
        return texts;
    }

    public void Save(string file) => AtomicFile.WriteText(file, JsonSerializer.Serialize(this) + "\n");

    public static InitialWeights Saved(string file) => JsonSerializer.Deserialize<InitialWeights>(File.ReadAllText(file))!;

    /// <summary>A reference without what may be secret.</summary>
    public static string Shown(string reference) =>
        WeightsReference.Parse(reference) is WeightsReference.LocalFile ? reference : WeightsReference.Parse(reference).Shown;

    /// <summary>Whether a reference is of a hub or an address, and so says the same everywhere.</summary>
    public static bool AreFetched(string reference) => WeightsReference.Parse(reference) is not WeightsReference.LocalFile;

    /// <summary>Whether a resolved reference is what was asked for: a reference without commit or hash is met by any.</summary>
    public static bool Meets(string resolved, string asked, string? model)
    {
        if (asked == Published && model is not null)
            asked = ModelRegistry.InfoOf(model).Weights ?? EmbeddedWeights.Name;
        return (WeightsReference.Parse(resolved), WeightsReference.Parse(asked)) switch
        {
            (WeightsReference.Hub r, WeightsReference.Hub a) => r.Repository == a.Repository && (a.File ?? r.File) == r.File
                && (!WeightsReference.IsCommit(a.Revision) || a.Revision == r.Revision),
            (WeightsReference.Address r, WeightsReference.Address a) => r.Shown == a.Shown && (a.Sha256 ?? r.Sha256) == r.Sha256,
            (WeightsReference.Package r, WeightsReference.Package a) => r.Id.Equals(a.Id, StringComparison.OrdinalIgnoreCase)
                && (a.Version ?? r.Version, a.File ?? r.File, a.Sha256 ?? r.Sha256) == (r.Version, r.File, r.Sha256),
            (WeightsReference.LocalFile r, WeightsReference.LocalFile a) => r.Path == a.Path || r.Path == RunPaths.Shareable(a.Path),
            _ => false,
        };
    }

    private static TrainingProgress Said(string message) => new("prepare", 0, 0, 0, null, 0, null, message);

    /// <summary>A download as a phase of training, counted in megabytes.</summary>
    private sealed class Fetching(IProgress<TrainingProgress>? progress) : IProgress<DownloadProgress>
    {
        private const int Megabyte = 1_000_000;
        private long last = -1;

        public void Report(DownloadProgress value)
        {
            var done = value.Done / Megabyte;
            if (done == last && value.Done != value.Total)
                return;
            last = done;
            progress?.Report(new($"fetch {value.File} (MB)", done, (value.Total ?? 0) / Megabyte, 0, null, 0, null));
        }
    }
}
