using System.Net;
using System.Net.Http.Headers;

namespace Schane.Checkpoints.Hub;

internal sealed partial class Download
{
    /// <summary>A GET from byte <paramref name="from"/> on, along redirects.</summary>
    private async Task<HttpResponseMessage> FollowAsync(Uri origin, long from, string? tag, CancellationToken stop)
    {
        var uri = origin;
        for (var hop = 0; hop <= MaxRedirects; hop++)
        {
            var here = uri;
            var response = await SendAsync(() =>
            {
                var request = Request(HttpMethod.Get, here, origin);
                if (from > 0)
                {
                    request.Headers.Range = new RangeHeaderValue(from, null);
                    if (tag is not null)
                        request.Headers.IfRange = new RangeConditionHeaderValue(new EntityTagHeaderValue(tag));
                }
                return request;
            }, uri, stop).ConfigureAwait(false);
            if (!IsRedirect(response))
                return response;
            var next = response.Headers.Location is { } location ? new Uri(uri, location) : null;
            response.Dispose();
            if (next is null || next.Scheme is not ("http" or "https") || (next.Scheme == "http" && !next.IsLoopback))
                throw new CheckpointException(WeightsReference.Show(origin),
                    $"is redirected to {(next is null ? "nowhere" : WeightsReference.Show(next))}, which is not https.");
            uri = next;
        }
        throw new CheckpointException(WeightsReference.Show(origin), $"is redirected more than {MaxRedirects} times.");
    }

    private HttpRequestMessage Request(HttpMethod method, Uri uri, Uri origin)
    {
        var request = new HttpRequestMessage(method, uri);
        if (options.Token is { } token && SameHost(uri, options.Endpoint) && SameHost(origin, options.Endpoint))
            request.Headers.Authorization = new("Bearer", token);
        return request;
    }

    private async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> request, Uri uri, CancellationToken stop)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(stop);
        silence.CancelAfter(options.Silence * (options.Retries + 1) + options.RetryDelay * Math.Pow(2, options.Retries + 1)
            + TimeSpan.FromMinutes(options.Retries > 0 ? 2 : 0));
        try
        {
            using var message = request();
            return await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, silence.Token).ConfigureAwait(false);
        }
        catch (HttpRequestException e)
        {
            // The message of a proxy that refuses has the proxy's address with its password, so neither that nor the exception goes on.
            var (reason, cause) = e.HttpRequestError == HttpRequestError.ProxyTunnelError
                ? ("the proxy refuses.", (Exception?)null) : (e.Message, e);
            throw new DownloadException($"'{WeightsReference.Show(uri)}' can't be reached: {reason} Check the network or the proxy, or " +
                "work with --offline.", cause);
        }
        catch (OperationCanceledException e) when (!stop.IsCancellationRequested)
        {
            throw new DownloadException($"'{WeightsReference.Show(uri)}' did not answer.", e);
        }
    }

    /// <summary>An answer that is not the file.</summary>
    private void Check(HttpResponseMessage response, Uri uri)
    {
        if (response.IsSuccessStatusCode)
            return;
        var shown = WeightsReference.Show(uri);
        throw response.StatusCode switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new CheckpointException(shown,
                $"is {(options.Token is null ? "not open to everyone" : "refused to your token")} (HTTP {(int)response.StatusCode}); " +
                $"{access}."),
            HttpStatusCode.NotFound => new CheckpointException(shown, "does not exist (HTTP 404); check owner, name, revision and file."),
            HttpStatusCode.TooManyRequests => new DownloadException($"'{shown}' is asked for too often (HTTP 429); try again later."),
            >= HttpStatusCode.InternalServerError =>
                new DownloadException($"'{shown}' is not served at the moment (HTTP {(int)response.StatusCode}); try again later."),
            _ => new CheckpointException(shown, $"is answered with HTTP {(int)response.StatusCode}."),
        };
    }

    private static bool IsRedirect(HttpResponseMessage response) =>
        response.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther
            or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;

    private static bool SameHost(Uri a, Uri b) =>
        a.Scheme == b.Scheme && a.Authority.Equals(b.Authority, StringComparison.OrdinalIgnoreCase);
}
