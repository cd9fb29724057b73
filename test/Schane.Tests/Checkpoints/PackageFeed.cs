using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Schane.Checkpoints.Hub;

namespace Schane.Tests.Checkpoints;

/// <summary>A NuGet v3 feed on loopback with the settings that name it, packages made on the spot, and the folders
/// a restore would have.</summary>
internal sealed class PackageFeed : IDisposable
{
    public const string Id = "Some.Weights";

    private readonly LoopbackServer server;

    /// <summary>A feed of packages by version; <paramref name="answer"/> may answer a request in its place.</summary>
    public PackageFeed(Dictionary<string, byte[]> packages,
        Func<LoopbackServer.Request, Task<bool>>? answer = null, string credentials = "")
    {
        server = new(async request =>
        {
            if (answer is not null && await answer(request))
                return;
            var version = packages.Keys.FirstOrDefault(v => request.Path == $"/flat/some.weights/{v}/some.weights.{v}.nupkg");
            await (version is not null ? request.FileAsync(packages[version])
                : request.Path == "/index.json" ? Json(request,
                    $$"""{"version":"3.0.0","resources":[{"@id":"{{server!.Address}}flat/","@type":"PackageBaseAddress/3.0.0"}]}""")
                : request.Path == "/flat/some.weights/index.json" && packages.Count > 0
                ? Json(request, $$"""{"versions":[{{string.Join(",", packages.Keys.Select(v => $"\"{v}\""))}}]}""")
                : request.HeadAsync(404, ("Content-Length", "0")));
        });
        Settings($"{server.Address}index.json", credentials);
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("schane-nuget-").FullName;

    public LoopbackServer Server => server;

    public HubOptions Options => new()
    {
        CacheFolder = Path.Combine(Root, "cache"), NuGetFolder = Root, RetryDelay = TimeSpan.FromMilliseconds(1), Retries = 3,
        Silence = TimeSpan.FromSeconds(5)
    };

    /// <summary>Writes settings that name one source.</summary>
    public void Settings(string source, string more = "") => File.WriteAllText(Path.Combine(Root, "nuget.config"), $"""
        <configuration>
          <config><add key="globalPackagesFolder" value="{Root}/packages" /></config>
          <fallbackPackageFolders><clear /></fallbackPackageFolders>
          <packageSources><clear /><add key="here" value="{source}" allowInsecureConnections="true" /></packageSources>
          <packageSourceMapping><clear /></packageSourceMapping>
          {more}
        </configuration>
        """);

    public async Task<ResolvedWeights> ResolveAsync(string reference, Func<HubOptions, HubOptions>? change = null)
    {
        using var hub = new WeightsHub(change is null ? Options : change(Options));
        return await hub.ResolveAsync(reference, null, TestContext.Current.CancellationToken);
    }

    public async Task<string> RefusalAsync(string reference, Func<HubOptions, HubOptions>? change = null)
    {
        var e = await Assert.ThrowsAnyAsync<Exception>(() => ResolveAsync(reference, change));
        return e is SchaneException or DownloadException ? e.Message : throw new InvalidOperationException($"{reference} ends with {e}", e);
    }

    /// <summary>Puts a package where NuGet would have installed it.</summary>
    public string Install(string version, byte[] package)
    {
        var path = Path.Combine(Root, "packages", "some.weights", version, $"some.weights.{version}.nupkg");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, package);
        File.WriteAllText($"{path}.sha512", Convert.ToBase64String(SHA512.HashData(package)));
        return path;
    }

    /// <summary>A package of these files.</summary>
    public static byte[] Package(string version, params (string Name, byte[] Bytes)[] files)
    {
        using var memory = new MemoryStream();
        using (var zip = new ZipArchive(memory, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add(zip, "Some.Weights.nuspec", Encoding.UTF8.GetBytes(
                $"""
                <?xml version="1.0"?><package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd">
                <metadata><id>{Id}</id><version>{version}</version><authors>a</authors><description>d</description></metadata></package>
                """));
            foreach (var (name, bytes) in files)
                Add(zip, name, bytes);
        }
        return memory.ToArray();
    }

    public void Dispose()
    {
        server.Dispose();
        Directory.Delete(Root, recursive: true);
    }

    private static void Add(ZipArchive zip, string name, byte[] bytes)
    {
        using var entry = zip.CreateEntry(name, CompressionLevel.Fastest).Open();
        entry.Write(bytes);
    }

    private static async Task Json(LoopbackServer.Request request, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        await request.HeadAsync(200, ("Content-Type", "application/json"), ("Content-Length", $"{bytes.Length}"));
        await request.Stream.WriteAsync(bytes);
    }
}
