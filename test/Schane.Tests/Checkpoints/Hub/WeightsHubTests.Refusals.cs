using Schane.Checkpoints;
using Schane.Checkpoints.Hub;

namespace Schane.Tests.Checkpoints.Hub;

public sealed partial class WeightsHubTests
{
    [Fact]
    public async Task Refuses_a_wrong_length_and_keeps_trying_only_so_long()
    {
        using var server = new LoopbackServer(r => r.FileAsync(file, 1000));
        using var hub = Hub(server, o => o with { Retries = 2 });
        var e =
            await Assert.ThrowsAsync<DownloadException>(() => hub.ResolveAsync(new Uri(server.Address, "w.bin").ToString(), null, Stop));
        Assert.Contains("could not be fetched", e.Message);
        Assert.Equal(3, server.Count("GET"));
        Assert.DoesNotContain(Files(), f => f.EndsWith("w.bin", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Throws_away_a_file_of_a_wrong_hash()
    {
        using var server =
            new LoopbackServer(r => r.FileAsync(file, int.MaxValue, "\"v1\"", ("X-Linked-Etag", $"\"{new string('0', 64)}\"")));
        using var hub = Hub(server);
        Assert.Contains("SHA-256", (await Assert.ThrowsAsync<CheckpointException>(() =>
            hub.ResolveAsync(new Uri(server.Address, "w.bin").ToString(), null, Stop))).Message);
        Assert.Contains("SHA-256", (await Assert.ThrowsAsync<CheckpointException>(() =>
            hub.ResolveAsync($"{server.Address}x.bin#sha256={new string('1', 64)}", null, Stop))).Message);
        Assert.DoesNotContain(Files(), f => f.EndsWith(".bin", StringComparison.Ordinal) || f.EndsWith(".part", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(401, "HF_TOKEN")]
    [InlineData(403, "HF_TOKEN")]
    [InlineData(404, "does not exist")]
    public async Task Says_what_a_refusal_means_and_does_not_ask_again(int status, string words)
    {
        using var server = new LoopbackServer(r => r.HeadAsync(status, ("Content-Length", "0")));
        using var hub = Hub(server);
        Assert.Contains(words,
            (await Assert.ThrowsAsync<CheckpointException>(() => hub.ResolveAsync("hf:timm/some/model.safetensors", null, Stop))).Message);
        Assert.Single(server.Snapshot());
    }

    [Fact]
    public async Task Gives_up_on_a_server_that_stays_busy()
    {
        using var server = new LoopbackServer(r => r.HeadAsync(429, ("Retry-After", "0"), ("Content-Length", "0")));
        using var hub = Hub(server, o => o with { Retries = 3 });
        Assert.Contains("too often (HTTP 429)",
            (await Assert.ThrowsAsync<DownloadException>(() => hub.ResolveAsync("hf:timm/some", null, Stop))).Message);
        Assert.Equal(4, server.Snapshot().Length);
    }

    [Theory]
    [InlineData("hf:timm", "is not a model of a hub")]
    [InlineData("hf:timm/a@b@c", "is not a model of a hub")]
    [InlineData("hf:timm/a/../../b", "is not a model of a hub")]
    [InlineData("http://example.org/w.bin", "use https")]
    [InlineData("https://user:secret@example.org/w.bin?key=secret#sha256=12", "64 hexadecimal")]
    public async Task Refuses_a_reference_that_breaks_a_rule(string reference, string rule)
    {
        using var hub = new WeightsHub(new() { CacheFolder = cache });
        var e = await Assert.ThrowsAsync<SchaneException>(() => hub.ResolveAsync(reference, null, Stop));
        Assert.Contains(rule, e.Message);
        Assert.DoesNotContain("secret", e.Message);
    }

    [Fact]
    public async Task Says_that_a_server_can_not_be_reached()
    {
        int port;
        using (var gone = new LoopbackServer(_ => Task.CompletedTask))
            port = gone.Port;
        using var hub = new WeightsHub(new() { CacheFolder = cache, Retries = 1, RetryDelay = TimeSpan.FromMilliseconds(10) });
        Assert.Contains("can't be reached",
            (await Assert.ThrowsAsync<DownloadException>(() => hub.ResolveAsync($"http://127.0.0.1:{port}/w.bin", null, Stop))).Message);
    }
}
