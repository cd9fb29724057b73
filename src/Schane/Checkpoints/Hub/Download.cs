using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Http.Resilience;
using Polly;
using Polly.Retry;

namespace Schane.Checkpoints.Hub;

/// <summary>What a server says of a file before it sends it.</summary>
/// <param name="Uri">The address asked.</param>
/// <param name="Revision">Commit of the hub (X-Repo-Commit).</param>
/// <param name="Sha256">Hash the file must have; null where unknown.</param>
/// <param name="Bytes">Size the file must have; null where unknown.</param>
internal sealed record RemoteFile(Uri Uri, string? Revision, string? Sha256, long? Bytes);

/// <summary>
/// Fetches files over HTTP: redirects are followed here, so that a token goes to its own host alone; failures that pass are tried again
/// with growing waits; a download that was cut goes on where it stopped; size and hash are checked before the file gets its name.
/// </summary>
internal sealed partial class Download : IDisposable
{
    private const int MaxRedirects = 10;
    private const int BufferBytes = 1 << 17;

    private readonly HubOptions options;
    private readonly string access;
    private readonly HttpClient client;
    private readonly ResiliencePipeline again;

    /// <param name="options">Retries, waits, and the token of the hub.</param>
    /// <param name="transport">Sends the requests, with credentials and proxy of its own; null for plain ones. It stays its
    /// owner's.</param>
    /// <param name="access">Way out where the server asks for credentials; null for the hub's.</param>
    public Download(HubOptions options, HttpMessageHandler? transport = null, string? access = null)
    {
        this.options = options;
        this.access = access ?? (options.Token is null
            ? "accept its licence on its page and set HF_TOKEN to your access token" : "accept its licence on its page");
        var requests = new ResiliencePipelineBuilder<HttpResponseMessage>()
            .AddRetry(new HttpRetryStrategyOptions
            {
                MaxRetryAttempts = Math.Max(1, options.Retries), Delay = options.RetryDelay,
                BackoffType = DelayBackoffType.Exponential, UseJitter = true
            })
            .Build();
        // proxies come from the environment
        var sockets = transport
            ?? new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = options.Silence, ResponseDrainTimeout = TimeSpan.Zero };
        client = new HttpClient(options.Retries == 0 ? sockets : new ResilienceHandler(requests) { InnerHandler = sockets },
            transport is null)
        { Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.UserAgent.ParseAdd("schane");
        // A body that is cut is no failed request; the whole attempt is repeated and goes on from the bytes that are there.
        again = options.Retries == 0 ? ResiliencePipeline.Empty : new ResiliencePipelineBuilder()
            .AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = options.Retries, Delay = options.RetryDelay, BackoffType = DelayBackoffType.Exponential,
                UseJitter = true, ShouldHandle = new PredicateBuilder().Handle<CutShortException>()
            })
            .Build();
    }

    /// <summary>Asks for the head of a file; null if the server has none there (404).</summary>
    /// <exception cref="CheckpointException">The server refuses.</exception>
    /// <exception cref="DownloadException">It can't be reached.</exception>
    public async Task<RemoteFile?> AskAsync(Uri uri, CancellationToken stop)
    {
        // The hub's own answer, before any redirect, names commit, hash and size.
        using var response = await SendAsync(() => Request(HttpMethod.Head, uri, uri), uri, stop).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.NotFound)
            return null;
        if (response.StatusCode is HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotImplemented)
            return new(uri, null, null, null);
        if (!IsRedirect(response))
            Check(response, uri);
        string? Header(string name) => response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;
        var etag = (Header("X-Linked-Etag") ?? Header("ETag"))?.Trim('"').ToLowerInvariant();
        return new(uri, Header("X-Repo-Commit"), etag is not null && WeightsReference.IsHash(etag) ? etag : null,
            long.TryParse(Header("X-Linked-Size"), out var size)
                ? size : IsRedirect(response) ? null : response.Content.Headers.ContentLength);
    }

    /// <summary>Fetches a file to <paramref name="path"/>, going on from an earlier attempt's bytes, and
    /// returns its size and hash.</summary>
    /// <exception cref="CheckpointException">The server refuses, or size or hash are wrong.</exception>
    /// <exception cref="DownloadException">The network fails for longer than the retries.</exception>
    public async Task<WeightsFile> FetchAsync(RemoteFile remote, string path, IProgress<DownloadProgress>? progress, CancellationToken stop)
    {
        var partial = $"{path}.part";
        try
        {
            await again.ExecuteAsync(async token => await FetchOnceAsync(remote, partial, Path.GetFileName(path), progress,
                token).ConfigureAwait(false), stop).ConfigureAwait(false);
        }
        catch (CutShortException e)
        {
            throw new DownloadException(
                $"'{WeightsReference.Show(remote.Uri)}' could not be fetched: {e.Message} What is there is kept; try again to go on.", e);
        }

        var file = new WeightsFile(Path.GetFileName(path), new FileInfo(partial).Length,
            await HashAsync(partial, stop).ConfigureAwait(false));
        var wrong = remote.Bytes is { } bytes && bytes != file.Bytes ? $"has {file.Bytes} bytes where {bytes} were announced"
            : remote.Sha256 is { } hash && hash != file.Sha256 ? $"has the SHA-256 {file.Sha256} where {hash} is right"
            : null;
        if (wrong is not null)
        {
            DeletePartial(partial);
            throw new CheckpointException(WeightsReference.Show(remote.Uri), $"{wrong}; what was fetched is thrown away.");
        }
        File.Move(partial, path, overwrite: true);
        File.Delete($"{partial}.json");
        return file;
    }

    /// <summary>SHA-256 of a file, lower-case hexadecimal.</summary>
    public static async Task<string> HashAsync(string path, CancellationToken stop)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20,
            FileOptions.SequentialScan | FileOptions.Asynchronous);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file, stop).ConfigureAwait(false));
    }

    public void Dispose() => client.Dispose();

    private async Task FetchOnceAsync(RemoteFile remote, string partial, string name,
        IProgress<DownloadProgress>? progress, CancellationToken stop)
    {
        var (have, tag) = Resumable(partial);
        if (remote.Bytes is { } expected && have == expected)
            return;                                                       // cut between the last byte and the rename
        using var response = await FollowAsync(remote.Uri, have, tag, stop).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            DeletePartial(partial);
            throw new CutShortException("the server does not have the rest of it.");
        }
        Check(response, remote.Uri);
        var resumes = response.StatusCode == HttpStatusCode.PartialContent && response.Content.Headers.ContentRange?.From == have;
        if (!resumes)
        {
            DeletePartial(partial);
            have = 0;
            if (response.StatusCode == HttpStatusCode.PartialContent)
                throw new CutShortException("the server sent another part of it than the one that was asked for.");
        }
        var total = remote.Bytes ?? have + response.Content.Headers.ContentLength;
        if (response.Headers.ETag is { IsWeak: false } strong)
            await File.WriteAllTextAsync($"{partial}.json",
                JsonSerializer.Serialize(new PartialFile(strong.Tag)), stop).ConfigureAwait(false);
        await CopyAsync(response, partial, name, have, total, progress, stop).ConfigureAwait(false);
    }

    private async Task CopyAsync(HttpResponseMessage response, string partial, string name, long have, long? total,
        IProgress<DownloadProgress>? progress, CancellationToken stop)
    {
        await using var file = new FileStream(partial, FileMode.OpenOrCreate, FileAccess.Write,
            FileShare.None, 1, FileOptions.Asynchronous);
        file.SetLength(have);
        file.Position = have;
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var buffer = new byte[BufferBytes];
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(stop).ConfigureAwait(false);
            while (true)
            {
                silence.CancelAfter(options.Silence);
                var read = await body.ReadAsync(buffer, silence.Token).ConfigureAwait(false);
                if (read == 0)
                    break;
                await file.WriteAsync(buffer.AsMemory(0, read), stop).ConfigureAwait(false);
                have += read;
                progress?.Report(new(name, have, total));
            }
        }
        catch (HttpIOException e)
        {
            throw new CutShortException($"the connection was cut after {have} bytes.", e);
        }
        catch (IOException e) when (e.InnerException is System.Net.Sockets.SocketException)
        {
            throw new CutShortException($"the connection was cut after {have} bytes.", e);
        }
        catch (OperationCanceledException e) when (!stop.IsCancellationRequested)
        {
            throw new CutShortException($"the server was silent for {options.Silence.TotalSeconds:0.#} s after {have} bytes.", e);
        }
        file.Flush(flushToDisk: true);
        if (total is { } all && have < all)
            throw new CutShortException($"the server sent {have} bytes of {all}.");
    }

    /// <summary>Bytes of an earlier attempt and the strong tag its server gave; without a tag they can't be trusted to
    /// be of the same file.</summary>
    private static (long Bytes, string? Tag) Resumable(string partial)
    {
        if (!File.Exists(partial) || !File.Exists($"{partial}.json"))
            return (0, null);
        try
        {
            return JsonSerializer.Deserialize<PartialFile>(File.ReadAllText($"{partial}.json"))?.Tag is { Length: > 1 } tag
                ? (new FileInfo(partial).Length, tag) : (0, null);
        }
        catch (JsonException)
        {
            return (0, null);
        }
    }

    private static void DeletePartial(string partial)
    {
        File.Delete(partial);
        File.Delete($"{partial}.json");
    }

    private sealed record PartialFile(string Tag);

    /// <summary>An attempt that may be repeated.</summary>
    private sealed class CutShortException : Exception
    {
        public CutShortException(string message, Exception? inner = null) : base(message, inner) { }
    }
}
