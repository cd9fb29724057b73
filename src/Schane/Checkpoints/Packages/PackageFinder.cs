using System.Net;
using System.Security.Cryptography;
using NuGet.Common;
using NuGet.Configuration;
using NuGet.Packaging;
using NuGet.Protocol;
using NuGet.Protocol.Core.Types;
using NuGet.Versioning;
using Schane.Checkpoints.Hub;

namespace Schane.Checkpoints.Packages;

/// <summary>
/// Finds packages where <c>dotnet restore</c> would: in the global packages folder and its fallbacks, then in the feeds of the user's
/// <c>nuget.config</c>, with the sources it maps, the credentials it keeps and the proxy it names. Nobody is asked for a password.
/// </summary>
internal sealed class PackageFinder
{
    private readonly HubOptions options;
    private readonly ISettings settings;

    public PackageFinder(HubOptions options)
    {
        this.options = options;
        try
        {
            settings = Settings.LoadDefaultSettings(options.NuGetFolder);
        }
        catch (NuGetConfigurationException e)
        {
            throw new SchaneException($"NuGet's settings can't be read: {Printable.Short(e.Message)}", e);
        }
    }

    /// <summary>Versions in the packages folders, as their folders are called.</summary>
    public IEnumerable<string> InstalledVersions(string id) =>
        Folders().Select(f => new VersionFolderPathResolver(f).GetVersionListPath(id))
        .Where(Directory.Exists).SelectMany(Directory.GetDirectories).Select(v => Path.GetFileName(v)!);

    /// <summary>The package's file in a packages folder, with NuGet's note of its hash beside it; null where it is in none.</summary>
    public string? Installed(string id, NuGetVersion version) => Folders().Select(folder => new VersionFolderPathResolver(folder))
        .Where(paths => File.Exists(paths.GetHashPath(id, version)))
        .Select(paths => paths.GetPackageFilePath(id, version)).FirstOrDefault(File.Exists);

    /// <summary>The same file, which has the hash that NuGet noted when it put it there.</summary>
    /// <exception cref="CheckpointException">It has changed.</exception>
    public static async Task<string> UnchangedAsync(string file, CancellationToken stop)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20,
            FileOptions.Asynchronous | FileOptions.SequentialScan);
        var hash = Convert.ToBase64String(await SHA512.HashDataAsync(stream, stop).ConfigureAwait(false));
        return hash == (await File.ReadAllTextAsync($"{file}.sha512", stop).ConfigureAwait(false)).Trim() ? file
            : throw new CheckpointException(file, "has changed since NuGet put it there (its SHA-512 is not the one beside it); delete " +
                "the folder it is in and restore the package again.");
    }

    /// <summary>The newest version that the feeds have; a pre-release where there is nothing else.</summary>
    public async Task<NuGetVersion> NewestAsync(WeightsReference.Package reference, CancellationToken stop)
    {
        var (found, feeds) = await VersionsAsync(reference, stop).ConfigureAwait(false);
        return Newest([.. found.Select(f => f.Version)]) ?? throw Absent(reference, feeds);
    }

    /// <summary>Fetches a package into a folder and gives its path. What an earlier attempt fetched is kept and gone on with.</summary>
    /// <exception cref="CheckpointException">No feed has it, or one asks for credentials.</exception>
    /// <exception cref="DownloadException">No feed that was reached has it, and one can't be reached.</exception>
    public async Task<string> FetchAsync(WeightsReference.Package reference, NuGetVersion version, string folder,
        IProgress<DownloadProgress>? progress, CancellationToken stop)
    {
        var (found, feeds) = await VersionsAsync(reference, stop).ConfigureAwait(false);
        if (found.FirstOrDefault(f => f.Version == version).Feed is not { } feed)
        {
            if (found.Count == 0)
                throw Absent(reference, feeds);
            var there = found.Select(f => f.Version).Distinct().OrderDescending().Select(v => v.ToNormalizedString()).ToList();
            throw new CheckpointException(reference.Shown,
                $"has no version {version.ToNormalizedString()}; there are " +
                $"{string.Join(", ", there.Take(5))}{(there.Count > 5 ? ", …" : "")}.");
        }
        var path = Path.Combine(folder, $"{reference.Id}.{version.ToNormalizedString()}.nupkg".ToLowerInvariant());
        return await GuardedAsync(reference, feed.PackageSource, async () =>
        {
            if (await feed.GetResourceAsync<ServiceIndexResourceV3>(stop).ConfigureAwait(false) is { } index
                && index.GetServiceEntryUri(ServiceTypes.PackageBaseAddress) is { } root)
            {
                var (id, number) = (reference.Id.ToLowerInvariant(), version.ToNormalizedString().ToLowerInvariant());
                var address = new Uri($"{root.AbsoluteUri.TrimEnd('/')}/{id}/{number}/{id}.{number}.nupkg");
                var transport = await feed.GetResourceAsync<HttpHandlerResource>(stop).ConfigureAwait(false);
                using var download = new Download(options, transport!.MessageHandler, Access(feed.PackageSource));
                await download.FetchAsync(new(address, null, null, null), path, progress, stop).ConfigureAwait(false);
                return path;
            }
            var packages = await PackagesOfAsync(feed, stop).ConfigureAwait(false);
            using var cache = Uncached();
            await using var file = File.Create(path);
            return await packages.CopyNupkgToStreamAsync(reference.Id, version, file, cache, NullLogger.Instance,
                stop).ConfigureAwait(false) ? path : throw Absent(reference, [feed]);
        }).ConfigureAwait(false);
    }

    /// <summary>The newest of them; a pre-release where there is nothing else.</summary>
    public static NuGetVersion? Newest(IReadOnlyList<NuGetVersion> versions) =>
        versions.OrderBy(v => !v.IsPrerelease).ThenBy(v => v).LastOrDefault();

    /// <summary>Every version that a feed has, with the feed; offline, of the feeds that are folders.</summary>
    private async Task<(List<(NuGetVersion Version, SourceRepository Feed)> Found, List<SourceRepository> Feeds)> VersionsAsync(
        WeightsReference.Package reference, CancellationToken stop)
    {
        var feeds = Feeds(reference.Id).Where(f => !options.Offline || f.PackageSource.IsLocal).ToList();
        var found = new List<(NuGetVersion, SourceRepository)>();
        Exception? failure = null;
        using var cache = Uncached();
        foreach (var feed in feeds)
        {
            try
            {
                found.AddRange(await GuardedAsync(reference, feed.PackageSource, async () =>
                {
                    var packages = await PackagesOfAsync(feed, stop).ConfigureAwait(false);
                    return (await packages.GetAllVersionsAsync(reference.Id, cache, NullLogger.Instance, stop).ConfigureAwait(false))
                        .Select(v => (v, feed)).ToList();
                }).ConfigureAwait(false));
            }
            catch (Exception e) when (e is CheckpointException or DownloadException)
            {
                failure ??= e;
            }
        }
        if (found.Count == 0 && failure is not null)
            throw failure;
        return (found, feeds);
    }

    private List<SourceRepository> Feeds(string id)
    {
        var mapping = PackageSourceMapping.GetPackageSourceMapping(settings);
        var mapped = mapping.IsEnabled ? mapping.GetConfiguredPackageSources(id) : null;
        return [.. new PackageSourceProvider(settings).LoadPackageSources()
            .Where(s => s.IsEnabled && (mapped is null || mapped.Contains(s.Name))).Select(s => Repository.Factory.GetCoreV3(s))];
    }

    private CheckpointException Absent(WeightsReference.Package reference, List<SourceRepository> feeds) =>
        new(reference.Shown, options.Offline
        ? $"is neither in the cache at {options.CacheFolder} nor in {string.Join(", ", Folders())}, and --offline forbids to fetch it."
        : feeds.Count == 0 ? "can't be fetched: your nuget.config names no feed for it."
        : $"is in none of your NuGet feeds ({string.Join(", ", feeds.Select(f => f.PackageSource.Name))}); check the name.");

    /// <summary>Runs what asks a feed; its failures become one sentence without addresses, which may hold secrets.</summary>
    private static async Task<T> GuardedAsync<T>(WeightsReference.Package reference, PackageSource feed, Func<Task<T>> ask)
    {
        if (feed.IsHttp && !feed.IsHttps && !feed.SourceUri.IsLoopback && !feed.AllowInsecureConnections)
            throw new CheckpointException(reference.Shown, $"is not looked for in the NuGet feed '{feed.Name}', whose connection is not " +
                "encrypted; use https, or allowInsecureConnections=\"true\" in nuget.config.");
        try
        {
            return await ask().ConfigureAwait(false);
        }
        catch (Exception e) when (e is NuGetProtocolException or HttpRequestException or IOException and not DownloadException
            or UnauthorizedAccessException)
        {
            var causes = Causes(e).ToList();
            var status = causes.OfType<HttpRequestException>().Select(h => h.StatusCode).FirstOrDefault(s => s is not null);
            if (status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
                throw new CheckpointException(reference.Shown,
                    $"can't be fetched: the NuGet feed '{feed.Name}' asks for credentials (HTTP {(int)status}); {Access(feed)}.");
            if (status is HttpStatusCode.ProxyAuthenticationRequired
                || causes.OfType<HttpRequestException>().Any(h => h.HttpRequestError == HttpRequestError.ProxyTunnelError))
                throw new DownloadException($"'{reference.Shown}' can't be fetched: the proxy refuses the NuGet feed '{feed.Name}'.");
            throw new DownloadException($"'{reference.Shown}' can't be fetched: the NuGet feed '{feed.Name}' " +
                $"{(status is { } code ? $"answers HTTP {(int)code}" : "can't be reached")}; check the network, the proxy and `dotnet " +
                "nuget list source`, or work with --offline.");
        }
    }

    private static async Task<FindPackageByIdResource> PackagesOfAsync(SourceRepository feed, CancellationToken stop) =>
        await feed.GetResourceAsync<FindPackageByIdResource>(stop).ConfigureAwait(false)
            ?? throw new IOException("It is no feed of packages.");

    private static string Access(PackageSource feed) =>
        $"keep them with `dotnet nuget update source {feed.Name} --username … --password …`, or in the environment variable " +
        $"NuGetPackageSourceCredentials_{feed.Name}";

    private static IEnumerable<Exception> Causes(Exception? e)
    {
        for (; e is not null; e = e.InnerException)
            yield return e;
    }

    private IEnumerable<string> Folders() =>
        SettingsUtility.GetFallbackPackageFolders(settings).Prepend(SettingsUtility.GetGlobalPackagesFolder(settings));

    private static SourceCacheContext Uncached() => new() { NoCache = true, DirectDownload = true };
}
