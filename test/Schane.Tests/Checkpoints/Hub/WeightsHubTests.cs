using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Schane.Checkpoints;
using Schane.Checkpoints.Hub;
using static TorchSharp.torch;

namespace Schane.Tests.Checkpoints.Hub;

/// <summary>The hub against a real HTTP server on loopback.</summary>
[Trait("Long", "1")]
public sealed partial class WeightsHubTests : IDisposable
{
    private const string Commit = "0123456789abcdef0123456789abcdef01234567";

    private readonly string cache = Directory.CreateTempSubdirectory("schane-hub-").FullName;
    private readonly byte[] file = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 31 >> 3))];
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(cache, recursive: true);

    private string Hash => Convert.ToHexStringLower(SHA256.HashData(file));

    [Fact]
    public async Task Fetches_a_model_of_the_hub_once_and_records_commit_size_and_hash()
    {
        using var server = HubServer();
        using var hub = Hub(server);
        var seen = new List<DownloadProgress>();
        var one = await hub.ResolveAsync("hf:timm/some.in1k", new Told(seen.Add), Stop);
        var two = await hub.ResolveAsync("hf:timm/some.in1k", null, Stop);
        Assert.Equal(new WeightsFile("model.safetensors", file.Length, Hash), one.Files.Single());
        Assert.Equal((Commit, Hash, one.Path), (one.Revision, two.Sha256, two.Path));
        Assert.Equal(file, await File.ReadAllBytesAsync(one.Path, Stop));
        Assert.Equal(1, server.Count("GET"));
        Assert.Equal(file.Length, seen[^1].Done);
        Assert.Equal(file.Length, seen[^1].Total);

        using var offline = Hub(server, o => o with { Offline = true });
        Assert.Equal(one.Path, (await offline.ResolveAsync("hf:timm/some.in1k", null, Stop)).Path);
        Assert.Contains("--offline",
            (await Assert.ThrowsAsync<CheckpointException>(() => offline.ResolveAsync("hf:timm/other", null, Stop))).Message);
    }

    [Fact]
    public async Task Goes_on_where_a_connection_was_cut()
    {
        var gets = 0;
        using var server = new LoopbackServer(r => r.FileAsync(file, r.Method == "GET" && gets++ < 2 ? 100_000 : int.MaxValue));
        using var hub = Hub(server);
        var found = await hub.ResolveAsync(new Uri(server.Address, "w.bin").ToString(), null, Stop);
        Assert.Equal(file, await File.ReadAllBytesAsync(found.Path, Stop));
        Assert.Equal([0, 100_000, 200_000], server.Snapshot().Where(r => r.Method == "GET").Select(r => r.From));
    }

    [Fact]
    public async Task Goes_on_in_another_process_s_place_but_not_with_a_file_that_has_changed()
    {
        var changed = false;
        using (var server = new LoopbackServer(r => changed ? r.FileAsync(file, tag: "\"v2\"") : r.FileAsync(new byte[300_000], 100_000)))
        {
            using var first = Hub(server, o => o with { Retries = 0 });
            var reference = new Uri(server.Address, "w.bin").ToString();
            await Assert.ThrowsAsync<DownloadException>(() => first.ResolveAsync(reference, null, Stop));
            changed = true;
            using var second = Hub(server);
            var found = await second.ResolveAsync(reference, null, Stop);
            Assert.Equal(100_000, server.Snapshot()[^1].From);
            Assert.Equal(file, await File.ReadAllBytesAsync(found.Path, Stop));
        }
    }

    [Fact]
    public async Task Sends_the_token_to_its_own_host_and_not_along_a_redirect()
    {
        using var store = new LoopbackServer(r => r.FileAsync(file));
        using var server = HubServer(redirect: new Uri(store.OtherName, "blob?signature=secret"));
        using var hub = Hub(server, o => o with { Token = "hf_verysecret" });
        var found = await hub.ResolveAsync("hf:timm/some", null, Stop);
        Assert.Equal(Hash, found.Sha256);
        Assert.All(server.Snapshot(), r => Assert.Equal("Bearer hf_verysecret", r.Headers["Authorization"]));
        Assert.All(store.Snapshot(), r => Assert.DoesNotContain("Authorization", r.Headers.Keys));
        foreach (var written in Files().Where(f => f.EndsWith(".json", StringComparison.Ordinal)))
            Assert.DoesNotContain("secret", await File.ReadAllTextAsync(written, Stop));
        Assert.DoesNotContain("hf_verysecret", new HubOptions { Token = "hf_verysecret" }.ToString());

        await hub.ResolveAsync(new Uri(store.OtherName, "plain.bin").ToString(), null, Stop);
        Assert.DoesNotContain("Authorization", store.Snapshot()[^1].Headers.Keys);
    }

    [Fact]
    public async Task Waits_as_long_as_a_busy_server_says()
    {
        var asked = 0;
        using var server = new LoopbackServer(r => asked++ == 0 ? r.HeadAsync(429, ("Retry-After", "1"), ("Content-Length", "0"))
            : asked == 2 ? r.HeadAsync(503, ("Content-Length", "0")) : r.FileAsync(file));
        using var hub = Hub(server);
        var watch = Stopwatch.StartNew();
        await hub.ResolveAsync(new Uri(server.Address, "w.bin").ToString(), null, Stop);
        Assert.True(watch.Elapsed >= TimeSpan.FromSeconds(0.9));
        Assert.Equal(3, server.Count("HEAD"));
    }

    [Fact]
    public async Task Leaves_a_server_that_falls_silent_and_goes_on()
    {
        var gets = 0;
        using var server = new LoopbackServer(async r =>
        {
            await r.FileAsync(file, r.Method == "GET" && gets++ == 0 ? 50_000 : int.MaxValue);
            if (r.Method == "GET" && gets == 1)
            {
                await r.Stream.FlushAsync(Stop);
                await Task.Delay(TimeSpan.FromSeconds(5), Stop);
            }
        });
        using var hub = Hub(server, o => o with { Silence = TimeSpan.FromSeconds(0.5) });
        var found = await hub.ResolveAsync(new Uri(server.Address, "w.bin").ToString(), null, Stop);
        Assert.Equal(Hash, found.Sha256);
        Assert.True(server.Snapshot()[^1].From >= 50_000);                // more where this machine was slow, too
    }

    [Fact]
    public async Task Two_processes_at_once_fetch_once()
    {
        using var server = new LoopbackServer(async r =>
        {
            if (r.Method == "GET")
                await Task.Delay(300, Stop);
            await r.FileAsync(file);
        });
        var reference = new Uri(server.Address, "w.bin").ToString();
        Process Child()
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!,
                ["-method", $"{typeof(WeightsHubTests).FullName}.{nameof(In_a_process_of_its_own)}", "-noLogo"])
            { RedirectStandardOutput = true };
            (start.Environment["SCHANE_TEST_REFERENCE"], start.Environment["SCHANE_CACHE"]) = (reference, cache);
            return Process.Start(start)!;
        }
        using var one = Child();
        using var two = Child();
        await Task.WhenAll(one.StandardOutput.ReadToEndAsync(Stop), two.StandardOutput.ReadToEndAsync(Stop));
        await Task.WhenAll(one.WaitForExitAsync(Stop), two.WaitForExitAsync(Stop));
        Assert.Equal((0, 0), (one.ExitCode, two.ExitCode));
        Assert.Equal(1, server.Count("GET"));
    }

    /// <summary>What the test before runs in other processes; nothing by itself.</summary>
    [Fact]
    public async Task In_a_process_of_its_own()
    {
        if (Environment.GetEnvironmentVariable("SCHANE_TEST_REFERENCE") is not { } reference)
            return;
        using var hub = new WeightsHub();
        Assert.Equal(Hash, (await hub.ResolveAsync(reference, null, Stop)).Sha256);
    }

    [Fact]
    public async Task Fetches_every_file_of_a_sharded_model()
    {
        var shard = Path.Combine(cache, "shard");
        Safetensors.Write(shard, new Dictionary<string, Tensor> { ["a"] = ones(2) });
        var bytes = await File.ReadAllBytesAsync(shard, Stop);
        var index = Encoding.UTF8.GetBytes("""{"weight_map":{"a":"model-1.safetensors"}}""");
        using var server =
            new LoopbackServer(r => r.Path.EndsWith("/model.safetensors.index.json", StringComparison.Ordinal) ? r.FileAsync(index)
            : r.Path.EndsWith("/model-1.safetensors", StringComparison.Ordinal) ? r.FileAsync(bytes)
            : r.HeadAsync(404, ("Content-Length", "0")));
        using var hub = Hub(server);
        var found = await hub.ResolveAsync("hf:a/b@v2", null, Stop);
        Assert.Equal(["model.safetensors.index.json", "model-1.safetensors"], found.Files.Select(f => f.Name));
        using var model = CheckpointFile.Open(found.Path);
        Assert.Equal(["a"], model.Names);
        Assert.Contains("/resolve/v2/", server.Snapshot()[0].Path);
    }

    [Fact]
    public async Task Takes_a_local_file_as_it_is_and_hashes_it()
    {
        using var hub = new WeightsHub(new() { CacheFolder = cache });
        var path = Path.Combine(cache, "mine.bin");
        await File.WriteAllBytesAsync(path, file, Stop);
        Assert.Equal((path, Hash),
            ((await hub.ResolveAsync($"file:{path}", null, Stop)).Path, (await hub.ResolveAsync(path, null, Stop)).Sha256));
        Assert.Contains("does not exist",
            (await Assert.ThrowsAsync<CheckpointException>(() => hub.ResolveAsync("file:/no/such", null, Stop))).Message);
        Assert.Contains("is a folder", (await Assert.ThrowsAsync<CheckpointException>(() => hub.ResolveAsync(cache, null, Stop))).Message);
    }

    /// <summary>The hub's layout: the answer for model.safetensors names commit, hash and size, and may point elsewhere.</summary>
    private LoopbackServer HubServer(Uri? redirect = null) => new(r =>
    {
        (string, string)[] facts = [("X-Repo-Commit", Commit), ("X-Linked-Etag", $"\"{Hash}\""), ("X-Linked-Size", $"{file.Length}")];
        return !r.Path.EndsWith("/model.safetensors", StringComparison.Ordinal) ? r.HeadAsync(404, ("Content-Length", "0"))
            : redirect is not null ? r.HeadAsync(302, [.. facts, ("Location", redirect.ToString()), ("Content-Length", "0")])
            : r.FileAsync(file, int.MaxValue, "\"v1\"", facts);
    });

    private WeightsHub Hub(LoopbackServer server, Func<HubOptions, HubOptions>? change = null)
    {
        var options = new HubOptions
        { CacheFolder = cache, Endpoint = server.Address, RetryDelay = TimeSpan.FromMilliseconds(20), Token = null };
        return new(change is null ? options : change(options));
    }

    private string[] Files() => Directory.GetFiles(cache, "*", SearchOption.AllDirectories);

    private sealed class Told(Action<DownloadProgress> action) : IProgress<DownloadProgress>
    {
        public void Report(DownloadProgress value) => action(value);
    }
}
