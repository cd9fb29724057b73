using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Schane.Tests.Cli;
using Schane.Tests.Data;

namespace Schane.Tests.Server;

public sealed partial class ServerTests
{
    [Fact]
    public async Task What_is_no_image_is_refused_and_the_server_goes_on()
    {
        await using var server = await Start(o => o with { MaxPixels = 2000, MaxMegabytes = 1 });
        using var client = ClientOf(server);
        Assert.Contains("is not a JPEG",
            await Refusal(await client.PostAsync("predict", new ByteArrayContent("hello"u8.ToArray()), Stop), HttpStatusCode.BadRequest));
        Assert.Contains("it is empty",
            await Refusal(await client.PostAsync("predict", new ByteArrayContent([]), Stop), HttpStatusCode.BadRequest));
        Assert.Contains("ends too early", await Refusal(await client.PostAsync("predict",
            new ByteArrayContent(File.ReadAllBytes(run.Red)[..^30]), Stop), HttpStatusCode.BadRequest));
        Assert.Contains("2000", await Refusal(await client.PostAsync("predict",
            Picture(folder.Write("big.png", Pictures.Flat(60, 60, 1, 2, 3))), Stop), HttpStatusCode.BadRequest));
        // Asks before it sends the body: the server hangs up on one that is too large, and who is still
        // writing then may not get to read why.
        using var careful = ClientOf(server);
        careful.DefaultRequestHeaders.ExpectContinue = true;
        Assert.Contains("larger than", await Refusal(await careful.PostAsync("predict", new ByteArrayContent(new byte[2 << 20]), Stop),
            HttpStatusCode.RequestEntityTooLarge));
        using var big = new MultipartFormDataContent { { new ByteArrayContent(new byte[2 << 20]), "a", "a.png" } };
        Assert.Contains("larger than", await Refusal(await careful.PostAsync("predict", big, Stop), HttpStatusCode.RequestEntityTooLarge));
        using var none = new MultipartFormDataContent { { new StringContent("x"), "a" } };
        Assert.Contains("holds no file", await Refusal(await client.PostAsync("predict", none, Stop), HttpStatusCode.BadRequest));
        // the first is what curl says unasked
        foreach (var type in (string[])["application/x-www-form-urlencoded", "text/plain"])
        {
            Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("predict",
                new ByteArrayContent(File.ReadAllBytes(run.Red)) { Headers = { ContentType = new(type) } }, Stop)).StatusCode);
            Assert.Contains("is not a JPEG", await Refusal(await client.PostAsync("predict",
                new ByteArrayContent("hello"u8.ToArray()) { Headers = { ContentType = new(type) } }, Stop), HttpStatusCode.BadRequest));
        }
        Assert.Contains("top must be",
            await Refusal(await client.PostAsync("predict?top=0", Picture(run.Red), Stop), HttpStatusCode.BadRequest));
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("predict", Picture(run.Red), Stop)).StatusCode);
    }

    [Fact]
    public async Task A_foreign_host_and_a_foreign_page_are_refused()
    {
        await using var server = await Start(o => o with { Hosts = ["cats.example.org"] });
        using var client = ClientOf(server);
        async Task<HttpStatusCode> Ask(string? host, string? origin)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "predict") { Content = Picture(run.Red) };
            request.Headers.Host = host;
            if (origin is not null)
                request.Headers.Add("Origin", origin);
            using var response = await client.SendAsync(request, Stop);
            return response.StatusCode;
        }
        Assert.Equal(HttpStatusCode.MisdirectedRequest, await Ask("evil.example.com", null));
        Assert.Equal(HttpStatusCode.Forbidden, await Ask(null, "http://evil.example.com"));
        Assert.Equal(HttpStatusCode.Forbidden, await Ask(null, "null"));
        Assert.Equal(HttpStatusCode.OK, await Ask("cats.example.org", null));
        Assert.Equal(HttpStatusCode.OK, await Ask($"localhost:{server.Address.Port}", $"http://localhost:{server.Address.Port}"));
    }

    [Fact]
    public async Task Another_address_than_loopback_needs_a_key_and_shows_no_training_images_unasked()
    {
        Assert.Contains("SCHANE_API_KEY",
            (await Assert.ThrowsAsync<SchaneException>(() => Start(o => o with { Address = IPAddress.Any }))).Message);
        await using var server = await Start(o => o with { Address = IPAddress.Any, ApiKey = "right" });
        using var client = new HttpClient { BaseAddress = new($"http://127.0.0.1:{server.Address.Port}") };
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("healthz", Stop)).StatusCode);
        foreach (var path in (string[])["metrics", "openapi/v1.json", "examples/0"])
            Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync(path, Stop)).StatusCode);
        await Refusal(await client.PostAsync("predict", Picture(run.Red), Stop), HttpStatusCode.Unauthorized);
        client.DefaultRequestHeaders.Add("X-API-Key", "wrong");
        await Refusal(await client.PostAsync("predict", Picture(run.Red), Stop), HttpStatusCode.Unauthorized);
        client.DefaultRequestHeaders.Remove("X-API-Key");
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "right");
        var answer = (await Json(await client.PostAsync("predict?neighbours=3", Picture(run.Red), Stop))).GetProperty("predictions")[0];
        Assert.Equal(JsonValueKind.Null, answer.GetProperty("neighbours").ValueKind);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("examples/0", Stop)).StatusCode);

        await using var showing = await Start(o => o with { Address = IPAddress.Any, ApiKey = "right", ShowTrainingImages = true });
        using var other = new HttpClient
        { BaseAddress = new($"http://127.0.0.1:{showing.Address.Port}"), DefaultRequestHeaders = { { "X-API-Key", "right" } } };
        answer = (await Json(await other.PostAsync("predict?neighbours=3", Picture(run.Red), Stop))).GetProperty("predictions")[0];
        Assert.Equal(3, answer.GetProperty("neighbours").GetArrayLength());
        Assert.Equal(HttpStatusCode.OK, (await other.GetAsync("examples/0", Stop)).StatusCode);
    }

    [Fact]
    public async Task A_full_queue_answers_429_and_what_was_accepted_is_answered()
    {
        await using var server = await Start(o => o with { Queue = 1, Batch = 1, Delay = TimeSpan.Zero });
        using var client = ClientOf(server);
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => client.PostAsync("predict", Picture(run.Red), Stop)));
        Assert.All(answers, a => Assert.True(a.StatusCode is HttpStatusCode.OK or HttpStatusCode.TooManyRequests, $"{a.StatusCode}"));
        Assert.Contains(answers, a => a.StatusCode == HttpStatusCode.OK);
        var refused = Assert.Single(answers.Where(a => a.StatusCode == HttpStatusCode.TooManyRequests).Take(1));
        Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter?.Delta);
    }

    [Fact]
    public async Task A_slow_upload_is_cut_off_and_a_dropped_one_harms_nobody()
    {
        await using var server = await Start(o => o with { Grace = TimeSpan.FromSeconds(1.5) });
        using var client = ClientOf(server);
        async Task<TcpClient> Upload(string text)
        {
            var socket = new TcpClient();
            await socket.ConnectAsync(server.Address.Host, server.Address.Port, Stop);
            await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text), Stop);
            return socket;
        }
        var head = $"POST /predict HTTP/1.1\r\nHost: {server.Address.Authority}\r\nContent-Type: image/png\r\nContent-Length: 5000\r\n";
        using var slowHead = await Upload("POST /predict HTTP/1.1\r\nHost: ");
        using var slowBody = await Upload(head + "\r\n1234");
        using (await Upload(head + "\r\n12345678"))
        {
        }
        var watch = Stopwatch.StartNew();
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("predict", Picture(run.Red), Stop)).StatusCode);
        foreach (var slow in (TcpClient[])[slowHead, slowBody])
        {
            using var reader = new StreamReader(slow.GetStream());
            Assert.Contains(" 408 ", await reader.ReadToEndAsync(Stop));
        }
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.5, 20);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("predict", Picture(run.Red), Stop)).StatusCode);
    }

    [Fact]
    public async Task A_busy_port_is_named()
    {
        await using var server = await Start();
        Assert.Contains($"Port {server.Address.Port} of 127.0.0.1 is taken",
            (await Assert.ThrowsAsync<SchaneException>(() => Start(o => o with { Port = server.Address.Port }))).Message);
        Assert.Contains("is taken", SchaneProgram.Run("serve", run.Folder, "--port", $"{server.Address.Port}").Refusal());
    }
}
