using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Schane.Data.Reading;
using Schane.Inference;
using Schane.Jobs;
using Schane.Server;
using Schane.Tests.Cli;
using Schane.Tests.Data;
using Schane.Tests.Inference;

namespace Schane.Tests.Server;

[Collection(TrainedRunTests.Name)]
[Trait("Long", "1")]
public sealed partial class ServerTests(TrainedRun run) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    private Task<PredictionServer> Start(Func<ServeOptions, ServeOptions>? change = null)
    {
        var options = new ServeOptions { Run = run.Folder, Port = 0 };
        return PredictionServer.StartAsync(change is null ? options : change(options), Stop);
    }

    private static HttpClient ClientOf(PredictionServer server) => new() { BaseAddress = server.Address };

    private static ByteArrayContent Picture(string path) => new(File.ReadAllBytes(path)) { Headers = { ContentType = new("image/png") } };

    private static async Task<JsonElement> Json(HttpResponseMessage response) =>
        await response.Content.ReadFromJsonAsync<JsonElement>(Stop);

    private static async Task<string> Refusal(HttpResponseMessage response, HttpStatusCode status)
    {
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        return (await Json(response)).GetProperty("detail").GetString()!;
    }

    [Fact]
    public async Task A_raw_image_and_a_form_of_two_get_the_answers_of_the_library()
    {
        using var classifier = Classifier.Load(run.Folder);
        await using var server = await Start();
        using var client = ClientOf(server);
        var raw = (await Json(await client.PostAsync("predict?top=1", Picture(run.Red), Stop))).GetProperty("predictions")[0];
        Assert.Equal("red", raw.GetProperty("class").GetString());
        Assert.Equal(1, raw.GetProperty("top").GetArrayLength());
        Assert.Equal(classifier.Predict(run.Red).Top[0].Probability,
            raw.GetProperty("top")[0].GetProperty("probability").GetDouble(), 1e-5);
        using var form = new MultipartFormDataContent { { Picture(run.Red), "a", "a.png" }, { Picture(run.Blue), "b", "b.png" } };
        var two = (await Json(await client.PostAsync("predict", form, Stop))).GetProperty("predictions");
        Assert.Equal(["a.png", "b.png"], two.EnumerateArray().Select(p => p.GetProperty("image").GetString()));
        Assert.Equal(["red", "blue"], two.EnumerateArray().Select(p => p.GetProperty("class").GetString()));
        var embedding = (await Json(await client.PostAsync("embed", Picture(run.Red), Stop)))
            .GetProperty("embeddings")[0].GetProperty("embedding");
        using var stream = File.OpenRead(run.Red);
        var expected = classifier.Embed(stream);
        Assert.All(embedding.EnumerateArray().Select((e, d) => Math.Abs(e.GetSingle() - expected[d])),
            difference => Assert.InRange(difference, 0, 1e-4));
    }

    [Theory]
    [InlineData("POST", "predict?top=abc", HttpStatusCode.BadRequest, "top and neighbours are whole numbers, why is true or false")]
    [InlineData("GET", "pictures", HttpStatusCode.NotFound, "There is nothing at this address")]
    [InlineData("GET", "predict", HttpStatusCode.MethodNotAllowed, "takes another method")]
    public async Task A_wrong_value_address_or_method_is_told_what_is_wrong(string method, string path, HttpStatusCode status, string why)
    {
        await using var server = await Start();
        using var client = ClientOf(server);
        using var request = new HttpRequestMessage(new(method), path) { Content = method == "POST" ? Picture(run.Red) : null };
        Assert.Contains(why, await Refusal(await client.SendAsync(request, Stop), status));
    }

    [Fact]
    public async Task Health_metrics_and_the_document_are_there_and_no_answer_allows_another_origin()
    {
        await using var server = await Start();
        using var client = ClientOf(server);
        await client.PostAsync("predict", Picture(run.Red), Stop);
        var health = await Json(await client.GetAsync("healthz", Stop));
        Assert.Equal("ready", health.GetProperty("status").GetString());
        Assert.Equal(2, health.GetProperty("classes").GetInt32());
        var metrics = await client.GetStringAsync("metrics", Stop);
        Assert.Matches(@"(?m)^schane_images_total(\{[^}]*\})? 1\b", metrics);
        Assert.Contains("schane_answer_duration_seconds_bucket", metrics);
        Assert.Contains("service_name=\"schane\"", metrics);
        Assert.Contains("http_server_request_duration", metrics);
        var document = await Json(await client.GetAsync("openapi/v1.json", Stop));
        Assert.Equal(["/embed", "/examples/{index}", "/healthz", "/predict"],
            document.GetProperty("paths").EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
        Assert.Equal("Schane", document.GetProperty("tags").EnumerateArray().Single().GetProperty("name").GetString());
        Assert.True(document.GetProperty("paths").GetProperty("/predict").GetProperty("post").GetProperty("requestBody")
            .GetProperty("content").TryGetProperty("multipart/form-data", out _));
        foreach (var path in (string[])["", "healthz", "metrics", "nowhere"])
        {
            using var response = await client.GetAsync(path, Stop);
            Assert.DoesNotContain(response.Headers, h => h.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
            Assert.Contains("nosniff", response.Headers.GetValues("X-Content-Type-Options"));
        }
        using var preflight = new HttpRequestMessage(HttpMethod.Options, "predict")
        { Headers = { { "Origin", "http://evil.example.com" }, { "Access-Control-Request-Method", "POST" } } };
        using var refused = await client.SendAsync(preflight, Stop);
        Assert.False(refused.IsSuccessStatusCode);
        Assert.DoesNotContain(refused.Headers, h => h.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Where_the_answer_was_seen_is_shown_to_who_asks_and_what_is_unknown_says_so()
    {
        using var classifier = Classifier.Load(run.Folder);
        await using var server = await Start(o => o with { Delay = TimeSpan.FromMilliseconds(50) });
        using var client = ClientOf(server);
        Assert.True((await Json(await client.GetAsync("healthz", Stop))).GetProperty("explains").GetBoolean());
        var asked = client.PostAsync("predict?why=true", Picture(run.Red), Stop);
        var plain = (await Json(await client.PostAsync("predict", Picture(run.Blue), Stop))).GetProperty("predictions")[0];
        var answer = (await Json(await asked)).GetProperty("predictions")[0];
        Assert.Equal(JsonValueKind.Null, plain.GetProperty("why").ValueKind);
        Assert.Equal("red", answer.GetProperty("class").GetString());
        var seen = ImageDecoder.Decode(answer.GetProperty("why").GetBytesFromBase64(), "why");
        Assert.Equal((32, 32), (seen.Width, seen.Height));
        Assert.Equal(classifier.Predict(run.Red).Distance!.Value, answer.GetProperty("distance").GetDouble(), 1e-5);
        Assert.False(answer.GetProperty("unknown").GetBoolean());

        var noise = (await Json(await client.PostAsync("predict", Picture(folder.Write("noise.png", Pictures.Noise(40, 40))), Stop)))
            .GetProperty("predictions")[0];
        Assert.True(noise.GetProperty("unknown").GetBoolean());
        Assert.Equal(JsonValueKind.Null, noise.GetProperty("class").ValueKind);

        var onnx = Path.Combine(folder.Path, "colours.onnx");
        ExportJob.Run(run.Folder, onnx);
        await using var exported = await Start(o => o with { Run = onnx });
        using var other = ClientOf(exported);
        Assert.False((await Json(await other.GetAsync("healthz", Stop))).GetProperty("explains").GetBoolean());
        Assert.Contains("ONNX files give no gradients",
            await Refusal(await other.PostAsync("predict?why=true", Picture(run.Red), Stop), HttpStatusCode.BadRequest));
    }

    [Fact]
    public async Task The_nearest_training_images_of_a_training_image_begin_with_itself()
    {
        await using var server = await Start();
        using var client = ClientOf(server);
        var near = (await Json(await client.PostAsync("predict?neighbours=5", Picture(run.Red), Stop)))
            .GetProperty("predictions")[0].GetProperty("neighbours");
        Assert.Equal(5, near.GetArrayLength());
        Assert.All(near.EnumerateArray(), n => Assert.Equal("red", n.GetProperty("class").GetString()));
        var webp = await client.GetByteArrayAsync($"examples/{near[0].GetProperty("index").GetInt32()}", Stop);
        Assert.Equal("WEBP"u8.ToArray(), webp[8..12]);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("examples/999999", Stop)).StatusCode);
    }

    [Fact]
    public async Task A_stopping_server_answers_what_it_has_accepted()
    {
        var server = await Start(o => o with { Batch = 64, Delay = TimeSpan.FromMilliseconds(400) });
        using var client = ClientOf(server);
        var answers = Enumerable.Range(0, 8).Select(_ => client.PostAsync("predict", Picture(run.Red), Stop)).ToArray();
        await Task.Delay(150, Stop);
        await server.DisposeAsync();
        Assert.All(await Task.WhenAll(answers), a => Assert.Equal(HttpStatusCode.OK, a.StatusCode));
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync("healthz", Stop));
    }

    [Fact]
    public async Task The_command_serves_until_it_is_told_to_stop()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no signals.");
        using var program = SchaneProgram.Start(null, "serve", run.Folder, "--port", "0");
        program.WaitFor("Serving at ");
        using var client = new HttpClient { BaseAddress = new(program.Errors.Split("Serving at ")[1].Split(' ')[0]) };
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("predict", Picture(run.Red), Stop)).StatusCode);
        program.Signal(System.Runtime.InteropServices.PosixSignal.SIGTERM);
        Assert.Equal(0, program.End().ExitCode);
        Assert.Contains("--api-key-file", SchaneProgram.Run("serve", run.Folder, "--address", "0.0.0.0").Refusal());
        Assert.Contains("must be an IP address", SchaneProgram.Run("serve", run.Folder, "--address", "everywhere").Refusal());
    }

    [Fact]
    [Trait("Slow", "1")]
    public async Task Ten_thousand_requests_at_concurrency_64_are_all_answered_rightly()
    {
        await using var server = await Start();
        using var client = ClientOf(server);
        byte[][] pictures = [File.ReadAllBytes(run.Red), File.ReadAllBytes(run.Blue)];
        var times = new double[10_000];
        var watch = Stopwatch.StartNew();
        await Parallel.ForAsync(0, times.Length,
            new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = Stop }, async (i, cancel) =>
            {
                var since = Stopwatch.GetTimestamp();
                using var response = await client.PostAsync("predict?top=1", new ByteArrayContent(pictures[i % 2]), cancel);
                var answer = await response.Content.ReadFromJsonAsync<JsonElement>(cancel);
                times[i] = Stopwatch.GetElapsedTime(since).TotalMilliseconds;
                Assert.Equal(i % 2 == 0 ? "red" : "blue", answer.GetProperty("predictions")[0].GetProperty("class").GetString());
            });
        Array.Sort(times);
        TestContext.Current.SendDiagnosticMessage(
            $"{times.Length / watch.Elapsed.TotalSeconds:F0} requests/s, p50 {times[5000]:F1} ms, p99 {times[9900]:F1} ms");
    }
}
