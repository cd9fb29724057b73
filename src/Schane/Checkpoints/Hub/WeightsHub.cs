using System.Security.Cryptography;
using System.Text;
using Schane.Checkpoints.Packages;

namespace Schane.Checkpoints.Hub;

/// <summary>
/// Finds weights by reference: <c>hf:OWNER/NAME[@REVISION][/FILE]</c>, <c>nuget:PACKAGE[@VERSION][/FILE][#sha256=…]</c>,
/// <c>https://…[#sha256=…]</c>, <c>file:PATH</c> or a path. Downloads are kept in a cache that several processes may share, under the
/// commit or version they are of, and are checked by size and SHA-256.
/// </summary>
internal sealed class WeightsHub : IDisposable
{
    private static readonly string[] UsualFiles = ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
        "pytorch_model.bin.index.json"];

    private readonly HubOptions options;
    private readonly Download download;

    /// <summary>A hub with these settings; null for the defaults, which come from the environment.</summary>
    public WeightsHub(HubOptions? options = null)
    {
        this.options = options ?? new();
        download = new(this.options);
    }

    /// <summary>Makes sure that the weights are on this machine, fetching them if they are not.</summary>
    /// <param name="reference">What to find.</param>
    /// <param name="progress">Told of each piece that arrives.</param>
    /// <param name="stop">Stops a download; what is there is kept and goes on next time.</param>
    /// <exception cref="SchaneException">The reference breaks a rule, there is no such file, the server refuses it, or
    /// its hash is wrong.</exception>
    /// <exception cref="DownloadException">The network fails.</exception>
    public async Task<ResolvedWeights> ResolveAsync(string reference, IProgress<DownloadProgress>? progress = null,
        CancellationToken stop = default)
    {
        var parsed = WeightsReference.Parse(reference);
        return parsed switch
        {
            WeightsReference.LocalFile local => await LocalAsync(local, stop).ConfigureAwait(false),
            WeightsReference.Address address => await AddressAsync(address, progress, stop).ConfigureAwait(false),
            WeightsReference.Package package =>
                await new PackageWeights(options, package).ResolveAsync(progress, stop).ConfigureAwait(false),
            _ => await HubAsync((WeightsReference.Hub)parsed, progress, stop).ConfigureAwait(false),
        };
    }

    /// <summary>Whether weights are on this machine, so that they are found with no network. Nothing is read but names and notes.</summary>
    /// <exception cref="SchaneException">The reference breaks a rule.</exception>
    public bool AreHere(string reference) => WeightsReference.Parse(reference) switch
    {
        WeightsReference.LocalFile local => File.Exists(local.Path),
        WeightsReference.Package package => new PackageWeights(options, package).IsHere(),
        WeightsReference.Hub hub => File.Exists(NoteOf(hub, FolderOf(hub))) || (WeightsReference.IsCommit(hub.Revision)
            && hub.File is not null && File.Exists(Path.Combine(FolderOf(hub), hub.Revision, hub.File))),
        WeightsReference.Address address => File.Exists(PathOf(address)),
        _ => false,
    };

    /// <inheritdoc/>
    public void Dispose() => download.Dispose();

    private static async Task<ResolvedWeights> LocalAsync(WeightsReference.LocalFile local, CancellationToken stop)
    {
        var files = new List<WeightsFile>();
        foreach (var path in ShardsOf(local.Path)
            .Select(shard => Path.Combine(Path.GetDirectoryName(local.Path) ?? "", shard)).Prepend(local.Path))
        {
            using (new ByteSource(path)) { }                              // says what is wrong with the path
            files.Add(new(Path.GetFileName(path), new FileInfo(path).Length, await Download.HashAsync(path, stop).ConfigureAwait(false)));
        }
        return new(local.Shown, local.Path, null, files) { Pinned = local.Shown };
    }

    private async Task<ResolvedWeights> AddressAsync(WeightsReference.Address address,
        IProgress<DownloadProgress>? progress, CancellationToken stop)
    {
        var path = PathOf(address);
        async Task<WeightsFile> FileAsync(string file, Uri uri, string? sha256) =>
            await CachedAsync(file, WeightsReference.Show(uri), sha256, async () =>
            {
                var remote = await download.AskAsync(uri, stop).ConfigureAwait(false)
                    ?? throw new CheckpointException(WeightsReference.Show(uri), "does not exist (HTTP 404).");
                return remote with { Sha256 = sha256 ?? remote.Sha256 };
            }, progress, stop).ConfigureAwait(false);

        var files = new List<WeightsFile> { await FileAsync(path, address.Uri, address.Sha256).ConfigureAwait(false) };
        foreach (var shard in ShardsOf(path))
            files.Add(await FileAsync(Path.Combine(Path.GetDirectoryName(path)!, shard),
                new Uri(address.Uri, Uri.EscapeDataString(shard)), null).ConfigureAwait(false));
        return new(address.Shown, path, null, files) { Pinned = $"{address.Shown}#sha256={files[0].Sha256}" };
    }

    private async Task<ResolvedWeights> HubAsync(WeightsReference.Hub hub, IProgress<DownloadProgress>? progress, CancellationToken stop)
    {
        var folder = FolderOf(hub);
        var (commit, name) = await RevisionAsync(hub, folder, stop).ConfigureAwait(false);
        var files = new List<WeightsFile>();

        async Task<string> FileAsync(string file)
        {
            var path = Path.Combine(folder, commit, file);
            var uri = Address(hub.Repository, commit, file);
            files.Add(await CachedAsync(path, hub.Shown, null, async () =>
                await download.AskAsync(uri, stop).ConfigureAwait(false) ?? throw new CheckpointException(hub.Shown,
                    $"has no file '{file}' in revision {commit}."), progress, stop).ConfigureAwait(false));
            return path;
        }
        var main = await FileAsync(name).ConfigureAwait(false);
        foreach (var shard in ShardsOf(main))
            await FileAsync(Path.Combine(Path.GetDirectoryName(name) ?? "", shard)).ConfigureAwait(false);
        return new(hub.Shown, main, commit, files) { Pinned = (hub with { Revision = commit, File = name }).Shown };
    }

    /// <summary>The other files of a sharded model, in order; none of a single file.</summary>
    private static IEnumerable<string> ShardsOf(string path) =>
        path.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
            ? ShardedCheckpoint.ReadIndex(path).Values.Distinct().Order(StringComparer.Ordinal) : [];

    /// <summary>Commit and file of a reference: asked of the server, and remembered for when there is none.</summary>
    private async Task<(string Commit, string File)> RevisionAsync(WeightsReference.Hub hub, string folder, CancellationToken stop)
    {
        if (hub.File is { } named && WeightsReference.IsCommit(hub.Revision))
            return (hub.Revision, named);
        var note = NoteOf(hub, folder);
        var known = CacheNotes.Read<Reference>(note);
        if (known is not null && (options.Offline || known.Commit == hub.Revision))   // a commit never changes
            return (known.Commit, known.File);
        if (options.Offline)
            throw new CheckpointException(hub.Shown, $"is not in the cache at {options.CacheFolder}, and --offline forbids to fetch it.");
        foreach (var file in hub.File is { } asked ? [asked] : UsualFiles)
        {
            if (await download.AskAsync(Address(hub.Repository, hub.Revision, file), stop).ConfigureAwait(false) is not { } remote)
                continue;
            var commit = remote.Revision is { } revision && revision.Length <= 96 && revision.All(char.IsAsciiLetterOrDigit)
                ? revision : hub.Revision;
            CacheNotes.Write(note, new Reference(commit, file));
            return (commit, file);
        }
        throw new CheckpointException(hub.Shown, hub.File is null
            ? $"does not exist, or has none of {string.Join(", ", UsualFiles)} in revision {hub.Revision}; name the file behind a slash."
            : $"does not exist (HTTP 404); check owner, name, revision and file.");
    }

    /// <summary>The file from the cache, or fetched into it. One process fetches; others wait for it.</summary>
    private async Task<WeightsFile> CachedAsync(string path, string shown, string? sha256, Func<Task<RemoteFile>> ask,
        IProgress<DownloadProgress>? progress, CancellationToken stop)
    {
        WeightsFile? Known() => File.Exists(path) && CacheNotes.Read<WeightsFile>($"{path}.json") is { } note
            && note.Bytes == new FileInfo(path).Length && (sha256 is null || sha256 == note.Sha256) ? note : null;

        if (Known() is { } there)
            return there;
        if (options.Offline)
            throw new CheckpointException(shown, $"is not in the cache at {options.CacheFolder}, and --offline forbids to fetch it.");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await using var turn = await CacheNotes.LockAsync($"{path}.lock", stop).ConfigureAwait(false);
        if (Known() is { } meanwhile)
            return meanwhile;
        var file = await download.FetchAsync(await ask().ConfigureAwait(false), path, progress, stop).ConfigureAwait(false);
        CacheNotes.Write($"{path}.json", file);
        return file;
    }

    private string PathOf(WeightsReference.Address address)
    {
        var key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(WeightsReference.Show(address.Uri))))[..32];
        var name = Path.GetFileName(address.Uri.AbsolutePath) is { Length: > 0 and < 200 } last ? last.Replace(':', '_') : "weights";
        return Path.Combine(options.CacheFolder, "url", key, name);
    }

    private string FolderOf(WeightsReference.Hub hub) =>
        Path.Combine(options.CacheFolder, "hf", hub.Repository.Replace("/", "--", StringComparison.Ordinal));

    /// <summary>Where commit and file of a reference are remembered.</summary>
    private static string NoteOf(WeightsReference.Hub hub, string folder)
    {
        var file = hub.File is null ? "" : "." + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(hub.File)))[..16];
        return Path.Combine(folder, "refs", $"{hub.Revision}{file}.json");
    }

    private Uri Address(string repository, string revision, string file) =>
        new(options.Endpoint, $"/{repository}/resolve/{revision}/{file.Replace('\\', '/')}");

    private sealed record Reference(string Commit, string File);
}
