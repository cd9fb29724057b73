using System.Security.Cryptography;
using Schane.Checkpoints;
using Schane.Checkpoints.Hub;
using static TorchSharp.torch;

namespace Schane.Tests.Checkpoints;

/// <summary>Weights in NuGet packages: from a real feed on loopback, a folder of packages, and the folder that a restore fills.</summary>
public sealed class PackageWeightsTests
{
    private static readonly byte[] Weights = SomeWeights();

    private static string Hash => Convert.ToHexStringLower(SHA256.HashData(Weights));

    private static byte[] Good => PackageFeed.Package("1.2.0", ("data/w.safetensors", Weights), ("readme.md", [65]));

    [Fact]
    public async Task A_package_is_fetched_once_and_pinned_by_version_file_and_hash()
    {
        using var feed = new PackageFeed(
            new() { ["1.0.0"] = PackageFeed.Package("1.0.0"), ["1.2.0"] = Good, ["2.0.0-beta"] = PackageFeed.Package("2.0.0-beta") });
        var found = await feed.ResolveAsync("nuget:some.weights");
        Assert.Equal(Weights, File.ReadAllBytes(found.Path));
        Assert.Equal(new WeightsFile("w.safetensors", Weights.Length, Hash), found.Files.Single());
        Assert.Equal($"nuget:some.weights@1.2.0/data/w.safetensors#sha256={Hash}", found.Pinned);
        var asked = feed.Server.Snapshot().Length;
        foreach (var again in (string[])["nuget:some.weights", "nuget:Some.Weights@1.2", found.Pinned])
            Assert.Equal(Weights,
                File.ReadAllBytes((await feed.ResolveAsync(again, o => o with { Offline = again == "nuget:some.weights" })).Path));
        // the pinned reference names a file, which is looked for once more
        Assert.InRange(feed.Server.Snapshot().Length - asked, 0, 6);
        Assert.DoesNotContain(Directory.GetFiles(feed.Options.CacheFolder, "*", SearchOption.AllDirectories),
            f => f.EndsWith(".nupkg", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_installed_package_needs_no_feed()
    {
        using var feed = new PackageFeed([]);
        feed.Install("1.2.0", Good);
        Assert.Equal(Weights,
            File.ReadAllBytes((await feed.ResolveAsync("nuget:Some.Weights/data/w.safetensors", o => o with { Offline = true })).Path));
        Assert.Empty(feed.Server.Snapshot());
    }

    [Fact]
    public async Task A_folder_is_a_feed_too_offline_as_well()
    {
        using var feed = new PackageFeed([]);
        var folder = Directory.CreateDirectory(Path.Combine(feed.Root, "folder")).FullName;
        File.WriteAllBytes(Path.Combine(folder, "Some.Weights.1.2.0.nupkg"), Good);
        feed.Settings(folder);
        Assert.Equal(Weights,
            File.ReadAllBytes((await feed.ResolveAsync("nuget:Some.Weights@1.2.0", o => o with { Offline = true })).Path));
    }

    [Fact]
    public async Task A_download_that_was_cut_goes_on_where_it_stopped()
    {
        var (package, gets) = (Good, 0);
        using var feed = new PackageFeed(new() { ["1.2.0"] = package }, async r =>
        {
            if (!r.Path.EndsWith(".nupkg", StringComparison.Ordinal) || gets++ > 1)
                return false;
            await r.FileAsync(package, package.Length / 3);
            return true;
        });
        Assert.Equal(Weights, File.ReadAllBytes((await feed.ResolveAsync("nuget:Some.Weights@1.2.0")).Path));
        Assert.Equal([0, package.Length / 3, package.Length / 3 * 2],
            feed.Server.Snapshot().Where(r => r.Path.EndsWith(".nupkg", StringComparison.Ordinal)).Select(r => r.From));
    }

    [Fact]
    public async Task The_credentials_of_the_settings_are_sent_to_their_feed_and_shown_to_nobody()
    {
        const string Secret = "verysecret";
        var right = $"Basic {Convert.ToBase64String("me:verysecret"u8.ToArray())}";
        async Task<bool> Guard(LoopbackServer.Request r)
        {
            if (r.Headers.GetValueOrDefault("Authorization") == right)
                return false;
            await r.HeadAsync(401, ("WWW-Authenticate", "Basic realm=\"x\""), ("Content-Length", "0"));
            return true;
        }
        string Credentials(string password) => $"""<packageSourceCredentials><here><add key="Username" value="me" /><add """ +
            $"""key="ClearTextPassword" value="{password}" /></here></packageSourceCredentials>""";

        using (var feed = new PackageFeed(new() { ["1.2.0"] = Good }, Guard, Credentials(Secret)))
            Assert.Equal(Weights, File.ReadAllBytes((await feed.ResolveAsync("nuget:Some.Weights@1.2.0")).Path));
        using var other = new PackageFeed(new() { ["1.2.0"] = Good }, Guard, Credentials("verywrong"));
        var refusal = await other.RefusalAsync("nuget:Some.Weights@1.2.0");
        Assert.Contains("the NuGet feed 'here' asks for credentials (HTTP 401); keep them with `dotnet nuget update source here", refusal);
        Assert.DoesNotContain("very", refusal);
    }

    [Theory]
    [InlineData("nuget:Some.Weights@9.9.9", "has no version 9.9.9; there are 1.2.0")]
    [InlineData("nuget:Other.Weights", "is in none of your NuGet feeds (here); check the name")]
    [InlineData("nuget:Some.Weights/data/v.safetensors", "has no file 'data/v.safetensors'; files of weights in it: 'data/w.safetensors'")]
    [InlineData("nuget:Some.Weights/data/w.safetensors#sha256=00000000000000000000000000000000000000000000000000000000000000aa",
        "where 00000000000000000000000000000000000000000000000000000000000000aa is right")]
    [InlineData("nuget:Some.Weights@1.2.x", "is not a NuGet package")]
    [InlineData("nuget:Some.Weights/../w", "is not a NuGet package")]
    [InlineData("nuget:", "is not a NuGet package")]
    public async Task A_reference_that_leads_to_nothing_is_refused_in_a_sentence(string reference, string rule)
    {
        using var feed = new PackageFeed(new() { ["1.2.0"] = Good });
        Assert.Contains(rule, await feed.RefusalAsync(reference));
        Assert.DoesNotContain(Directory.Exists(feed.Options.CacheFolder) ? Directory.GetFiles(feed.Options.CacheFolder, "*",
            SearchOption.AllDirectories) : [], f => f.EndsWith(".safetensors", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Offline_a_package_that_is_nowhere_is_named_with_the_places_that_were_searched()
    {
        using var feed = new PackageFeed(new() { ["1.2.0"] = Good });
        var refusal = await feed.RefusalAsync("nuget:Some.Weights@1.2.0", o => o with { Offline = true });
        Assert.Contains("'nuget:Some.Weights@1.2.0' is neither in the cache at", refusal);
        Assert.Contains("--offline forbids to fetch it", refusal);
        Assert.Empty(feed.Server.Snapshot());
    }

    [Fact]
    [Trait("Slow", "1")]
    public async Task A_feed_that_does_not_answer_is_named()
    {
        using var feed = new PackageFeed([], async r =>
        {
            await r.HeadAsync(500, ("Content-Length", "0"));
            return true;
        });
        Assert.Contains("the NuGet feed 'here' answers HTTP 500", await feed.RefusalAsync("nuget:Some.Weights"));
        feed.Settings("http://example.invalid/index.json");
        File.WriteAllText(Path.Combine(feed.Root, "nuget.config"),
            File.ReadAllText(Path.Combine(feed.Root, "nuget.config")).Replace(" allowInsecureConnections=\"true\"", ""));
        Assert.Contains("whose connection is not encrypted", await feed.RefusalAsync("nuget:Some.Weights"));
    }

    [Fact]
    public async Task An_installed_package_that_was_changed_is_refused()
    {
        using var feed = new PackageFeed([]);
        var path = feed.Install("1.2.0", Good);
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.Contains("has changed since NuGet put it there", await feed.RefusalAsync("nuget:Some.Weights@1.2.0"));
    }

    [Theory]
    [InlineData("../../evil.safetensors", "which leads out of it")]
    [InlineData("/evil.safetensors", "which leads out of it")]
    [InlineData("c:\\evil.safetensors", "which leads out of it")]
    public async Task A_member_that_leads_out_of_its_package_is_refused(string name, string rule)
    {
        using var feed = new PackageFeed(
            new() { ["1.2.0"] = PackageFeed.Package("1.2.0", ("data/w.safetensors", Weights), (name, Weights)) });
        Assert.Contains(rule, await feed.RefusalAsync("nuget:Some.Weights@1.2.0/data/w.safetensors"));
    }

    [Fact]
    public async Task A_package_that_is_another_a_bomb_or_cut_is_refused()
    {
        using (var another = new PackageFeed(new() { ["1.2.0"] = PackageFeed.Package("1.3.0", ("w.safetensors", Weights)) }))
            Assert.Contains("is another package: it says of itself that it is 'Some.Weights' 1.3.0",
                await another.RefusalAsync("nuget:Some.Weights"));
        using (var bomb = new PackageFeed(new() { ["1.2.0"] = PackageFeed.Package("1.2.0", ("w.safetensors", new byte[50 << 20])) }))
            Assert.Contains("'w.safetensors' of 52428800 bytes packed into", await bomb.RefusalAsync("nuget:Some.Weights"));
        using (var cut = new PackageFeed(new() { ["1.2.0"] = Good[..(Good.Length / 2)] }))
            Assert.Contains("is truncated, damaged or not a package", await cut.RefusalAsync("nuget:Some.Weights"));
        using var several = new PackageFeed(
            new() { ["1.2.0"] = PackageFeed.Package("1.2.0", ("a.safetensors", Weights), ("b.onnx", Weights)) });
        Assert.Contains("has 2 files of weights; name one behind a slash; files of weights in it: 'a.safetensors', 'b.onnx'",
            await several.RefusalAsync("nuget:Some.Weights"));
    }

    private static byte[] SomeWeights()
    {
        using var scope = NewDisposeScope();
        var path = Path.GetTempFileName();
        Safetensors.Write(path, new Dictionary<string, Tensor> { ["some.weight"] = arange(40_000).to(float32).sin() });
        var bytes = File.ReadAllBytes(path);
        File.Delete(path);
        return bytes;
    }
}
