using System.Text;
using Schane.Tensors;

namespace Schane.Checkpoints.Hub;

/// <summary>Settings of <see cref="WeightsHub"/>.</summary>
public sealed record HubOptions
{
    /// <summary>Where downloads are kept. Default: $SCHANE_CACHE, else <c>schane</c> in $XDG_CACHE_HOME, else in the
    /// user's cache folder.</summary>
    public string CacheFolder { get; init; } = DefaultCache();

    /// <summary>Whether the network is out of bounds: only what is in the cache is found.</summary>
    public bool Offline { get; init; }

    /// <summary>Server of <c>hf:</c> references, https or on this machine. Default: $HF_ENDPOINT, else https://huggingface.co.</summary>
    public Uri Endpoint { get; init => field = Safe(value); } = DefaultEndpoint();

    /// <summary>Access token, sent to the host of <see cref="Endpoint"/> alone, not along redirects to others, and written nowhere.
    /// Default: $HF_TOKEN; null for none.</summary>
    public string? Token { get; init => field = Sendable(value); } = Sendable(Environment.GetEnvironmentVariable("HF_TOKEN")?.Trim());

    /// <summary>Folder from which on upwards NuGet's settings are looked for, before those of the user and the machine, as
    /// <c>dotnet restore</c> does. Default: the current folder.</summary>
    public string NuGetFolder { get; init; } = Directory.GetCurrentDirectory();

    /// <summary>Attempts after the first, at least 0.</summary>
    public int Retries { get; init => field = Require.AtLeast(value, 0); } = 5;

    /// <summary>Wait before the first retry; each later one waits twice as long, with jitter, unless the server says how long.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a server may stay silent.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(30);

    private static Uri DefaultEndpoint()
    {
        var given = Environment.GetEnvironmentVariable("HF_ENDPOINT") is { Length: > 0 } set ? set : "https://huggingface.co";
        return Safe(Uri.TryCreate(given, UriKind.Absolute, out var uri)
            ? uri : throw new SchaneException("HF_ENDPOINT is not an address; https://HOST is one."));
    }

    private static Uri Safe(Uri endpoint) => endpoint.Scheme == "https" || (endpoint.Scheme == "http" && endpoint.IsLoopback) ? endpoint
        : throw new SchaneException($"The hub '{WeightsReference.Show(endpoint)}' is not encrypted, so weights and token could be read " +
            "and changed on the way; set HF_ENDPOINT to an address with https.");

    private static string? Sendable(string? token) => string.IsNullOrEmpty(token) ? null : token.All(c => c is > ' ' and <= '~') ? token
        : throw new SchaneException("HF_TOKEN holds characters that no access token has, a line break perhaps; set it again.");

    internal static string DefaultCache()
    {
        if (Environment.GetEnvironmentVariable("SCHANE_CACHE") is { Length: > 0 } own)
            return own;
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg)
            return Path.Combine(xdg, "schane");
        return OperatingSystem.IsWindows()
            ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "schane", "cache")
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "schane");
    }

    // The token must not appear where options are printed.
    private bool PrintMembers(StringBuilder text)
    {
        text.Append($"CacheFolder = {CacheFolder}, Offline = {Offline}, Endpoint = {Endpoint.Host}, Retries = {Retries}");
        return true;
    }
}
