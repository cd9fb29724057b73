using System.Net;
using System.Net.NetworkInformation;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Schane.Server;

/// <summary>
/// Decides who may ask. A Host that is not the server's own is refused (a name that was pointed at this machine), and so is
/// a page of another origin, whose browser could otherwise post to the loopback address; no CORS header is ever sent. Keys
/// are compared in constant time.
/// </summary>
internal sealed class Guard
{
    private readonly HashSet<string> hosts = new(StringComparer.OrdinalIgnoreCase);
    private readonly byte[]? key;

    public Guard(ServeOptions options)
    {
        key = options.ApiKey is null ? null : SHA256.HashData(Encoding.UTF8.GetBytes(options.ApiKey));
        hosts.UnionWith(options.Hosts);
        if (IPAddress.IsLoopback(options.Address))
            hosts.UnionWith(["localhost", "127.0.0.1", "[::1]", options.Address.ToString()]);
        else if (options.Address.Equals(IPAddress.Any) || options.Address.Equals(IPAddress.IPv6Any))
            hosts.UnionWith(["localhost", "127.0.0.1", "[::1]", Dns.GetHostName(), .. NetworkInterface.GetAllNetworkInterfaces()
                .SelectMany(n => n.GetIPProperties().UnicastAddresses).Select(a => Host(a.Address))]);
        else
            hosts.UnionWith([Host(options.Address), Dns.GetHostName()]);
    }

    /// <summary>Whether requests must show a key.</summary>
    public bool NeedsKey => key is not null;

    /// <summary>The status and sentence of a refusal, null for a request that may pass.</summary>
    public (int Status, string Sentence)? Refusal(HttpRequest request)
    {
        if (!hosts.Contains(request.Host.Host))
            return (StatusCodes.Status421MisdirectedRequest,
                "This server does not go by that name; call it by its address, or start it with --host NAME.");
        if (request.Headers.Origin is [{ } origin, ..] && origin != $"{request.Scheme}://{request.Host}")
            return (StatusCodes.Status403Forbidden, "Pages of another origin may not ask this server.");
        if (key is not null && request.Path.Value is not ("/" or "/page.css" or "/page.js" or "/healthz") && !IsKey(Shown(request)))
            return (StatusCodes.Status401Unauthorized, "This server needs its key: send X-API-Key or Authorization: Bearer.");
        return null;
    }

    // Hashes have one length, so that the comparison tells nothing about the key's.
    private bool IsKey(string shown) => CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(shown)), key);

    private static string Shown(HttpRequest request) =>
        request.Headers["X-API-Key"] is [{ } named] ? named
        : request.Headers.Authorization is [{ } bearer] && bearer.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
        ? bearer["Bearer ".Length..] : "";

    private static string Host(IPAddress address) =>
        address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{address}]" : $"{address}";
}
