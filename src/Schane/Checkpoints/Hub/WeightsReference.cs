using System.Text.RegularExpressions;
using NuGet.Versioning;

namespace Schane.Checkpoints.Hub;

/// <summary>What <c>--weights</c> names: a file, an address, a model of a hub, or a file of a NuGet package.</summary>
internal abstract partial record WeightsReference
{
    /// <summary>A file of this machine.</summary>
    public sealed record LocalFile(string Path) : WeightsReference;

    /// <summary>A file behind an address, perhaps with the hash it must have.</summary>
    public sealed record Address(Uri Uri, string? Sha256) : WeightsReference;

    /// <summary>A model of the Hugging Face hub; without a file the usual names are tried.</summary>
    public sealed record Hub(string Repository, string Revision, string? File) : WeightsReference;

    /// <summary>
    /// A file of a NuGet package, perhaps with the hash it must have; without a version the newest at hand, without a
    /// file the only one with weights.
    /// </summary>
    public sealed record Package(string Id, string? Version, string? File, string? Sha256) : WeightsReference;

    /// <summary>The reference as it may be shown and recorded: an address without user, password and query, which can be secrets.</summary>
    public string Shown => this switch
    {
        LocalFile file => $"file:{file.Path}",
        Address address => Show(address.Uri),
        Hub hub => $"hf:{hub.Repository}{(hub.Revision == "main" ? "" : $"@{hub.Revision}")}{(hub.File is null ? "" : $"/{hub.File}")}",
        Package package =>
            $"nuget:{package.Id}{(package.Version is null ? "" : $"@{package.Version}")}{(package.File is null ? "" : $"/{package.File}")}",
        _ => "",
    };

    /// <summary>
    /// Parses <c>hf:owner/name[@revision][/file]</c>, <c>nuget:package[@version][/file][#sha256=…]</c>, <c>https://…[#sha256=…]</c>,
    /// <c>file:path</c> or a path.
    /// </summary>
    /// <exception cref="SchaneException">It is none of these, or http of another machine.</exception>
    public static WeightsReference Parse(string text)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(text);
        if (text.StartsWith("hf:", StringComparison.OrdinalIgnoreCase))
        {
            var match = HubPattern().Match(text);
            if (!match.Success || match.Groups["file"].Value.Split('/').Contains(".."))
                throw new SchaneException($"'{Printable.Short(text)}' is not a model of a hub: hf:OWNER/NAME, " +
                    "hf:OWNER/NAME@REVISION or either with /FILE is one.");
            var (revision, file) = (match.Groups["revision"], match.Groups["file"]);
            return new Hub(match.Groups["repository"].Value, revision.Success ? revision.Value : "main", file.Success ? file.Value : null);
        }
        if (text.StartsWith("nuget:", StringComparison.OrdinalIgnoreCase))
            return ParsePackage(text);
        if (text.StartsWith("file:", StringComparison.OrdinalIgnoreCase))
            return new LocalFile(text.StartsWith("file://", StringComparison.OrdinalIgnoreCase)
                && Uri.TryCreate(text, UriKind.Absolute, out var local) ? local.LocalPath : text[5..]);
        if (text.StartsWith("https:", StringComparison.OrdinalIgnoreCase) || text.StartsWith("http:", StringComparison.OrdinalIgnoreCase))
        {
            if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Host.Length == 0)
                throw new SchaneException("The address of the weights can't be read; https://HOST/PATH is one.");
            if (uri.Scheme != "https" && !uri.IsLoopback)
                throw new SchaneException($"'{Show(uri)}' is not encrypted, so anyone on the way could change the weights; use https.");
            var hash = uri.Fragment.StartsWith("#sha256=", StringComparison.OrdinalIgnoreCase)
                ? uri.Fragment[8..].ToLowerInvariant() : null;
            if (uri.Fragment.Length > 0 && (hash is null || !HashPattern().IsMatch(hash)))
                throw new SchaneException($"What follows # in '{Show(uri)}' must be sha256= and 64 hexadecimal digits.");
            return new Address(new UriBuilder(uri) { Fragment = "" }.Uri, hash);
        }
        return new LocalFile(text);
    }

    private static Package ParsePackage(string text)
    {
        var match = PackagePattern().Match(text);
        string? Part(string name) => match.Groups[name] is { Success: true } group ? group.Value : null;
        var version = Part("version") is { } given && NuGetVersion.TryParse(given, out var parsed) ? parsed.ToNormalizedString() : null;
        if (!match.Success || (version is null && Part("version") is not null) || (Part("file") ?? "").Split('/').Contains(".."))
            throw new SchaneException(
                $"'{Printable.Short(text)}' is not a NuGet package: nuget:PACKAGE, nuget:PACKAGE@1.2.3 or either with /FILE, " +
                "perhaps with #sha256= and 64 hexadecimal digits, is one.");
        return new(Part("id")!, version, Part("file"), Part("hash")?.ToLowerInvariant());
    }

    /// <summary>An address without what may be secret.</summary>
    public static string Show(Uri uri) => $"{uri.Scheme}://{uri.Authority}{uri.AbsolutePath}";

    public static bool IsHash(string text) => HashPattern().IsMatch(text);

    /// <summary>Whether a revision is a commit, which never changes, and not a branch or tag.</summary>
    public static bool IsCommit(string revision) => revision.Length == 40 && revision.All(char.IsAsciiHexDigitLower);

    [GeneratedRegex(@"^hf:(?<repository>[\w.-]{1,96}/[\w.-]{1,96})(@(?<revision>[\w.-]{1,96}))?(/(?<file>[\w.-][\w./-]{0,200}))?$",
        RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex HubPattern();

    [GeneratedRegex(
        @"^nuget:(?<id>\w[\w.-]{0,99})(@(?<version>[\w.+-]{1,64}))?(/(?<file>[\w.-][\w./ -]{0,200}))?(#sha256=(?<hash>[0-9a-f]{64}))?$",
        RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex PackagePattern();

    [GeneratedRegex("^[0-9a-f]{64}$")]
    private static partial Regex HashPattern();
}
