using Schane.Checkpoints;
using Schane.Checkpoints.Hub;
using Schane.Data.Reading;

namespace Schane.Data;

/// <summary>How far a fetch has come.</summary>
/// <param name="What">The file, and whether it is fetched or unpacked.</param>
/// <param name="Done">Bytes of it that are done.</param>
/// <param name="Total">All its bytes; null while unknown.</param>
internal sealed record FetchProgress(string What, long Done, long? Total);

/// <summary>
/// Fetches a data set from its official address into the data root: what was cut goes on where it stopped, size and SHA-256 are checked
/// before anything is unpacked, and what is done is remembered, so that a fetch that was stopped can be started again.
/// </summary>
internal static class DatasetFetch
{
    /// <summary>Fetches and unpacks a data set.</summary>
    /// <param name="name">A name of <see cref="DatasetCatalog.Entries"/> that has <see cref="CatalogEntry.Archives"/>.</param>
    /// <param name="dataRoot">Where data sets lie; null: <c>$SCHANE_DATA</c>, else the user's data folder.</param>
    /// <param name="progress">Told of each piece.</param>
    /// <param name="stop">Stops; what is there is kept.</param>
    /// <returns>The folder that holds it.</returns>
    /// <exception cref="SchaneException">No such data set, one that can't be fetched, a wrong hash, or an archive
    /// that breaks a rule.</exception>
    /// <exception cref="DownloadException">The network fails.</exception>
    public static Task<string> RunAsync(string name, string? dataRoot = null, IProgress<FetchProgress>? progress = null,
        CancellationToken stop = default)
    {
        var entry = DatasetCatalog.Find(name);
        if (entry.Archives.Count == 0)
            throw new SchaneException($"{name} can't be fetched: it needs no files, is not open to everyone, or has no address for " +
                $"programs. `schane data check {name}` says what is there and where to get the rest.");
        return RunAsync(entry, DataRoot.Candidates(dataRoot)[0], new HubOptions(), progress, stop);
    }

    internal static async Task<string> RunAsync(CatalogEntry entry, string dataRoot, HubOptions options,
        IProgress<FetchProgress>? progress, CancellationToken stop)
    {
        var folder = Path.Combine(dataRoot, entry.Folder!);
        Directory.CreateDirectory(folder);
        using var download = new Download(options);
        foreach (var archive in entry.Archives)
        {
            var path = Path.Combine(folder, archive.Name);
            var done = Path.Combine(folder, $".{archive.Name}.{archive.Sha256[..16]}.unpacked");
            if (archive.Unpacked
                ? File.Exists(done) : File.Exists(path) && await Download.HashAsync(path, stop).ConfigureAwait(false) == archive.Sha256)
                continue;
            if (!File.Exists(path) || await Download.HashAsync(path, stop).ConfigureAwait(false) != archive.Sha256)
                await download.FetchAsync(new(archive.Address, null, archive.Sha256, archive.Bytes), path,
                    progress is null ? null : new Fetched(archive.Name, progress), stop).ConfigureAwait(false);
            if (!archive.Unpacked)
                continue;
            Archive.Unpack(path, folder, progress is null ? null : new Unpacking(archive.Name, progress), stop);
            AtomicFile.WriteText(done, "");
            File.Delete(path);
        }
        return folder;
    }

    // Not Progress<T>, which reports later and out of order.
    private sealed class Fetched(string name, IProgress<FetchProgress> to) : IProgress<DownloadProgress>
    {
        public void Report(DownloadProgress value) => to.Report(new($"fetch {name}", value.Done, value.Total));
    }

    private sealed class Unpacking(string name, IProgress<FetchProgress> to) : IProgress<long>
    {
        public void Report(long value) => to.Report(new($"unpack {name}", value, null));
    }
}
