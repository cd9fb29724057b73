using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Schane.Reporting.Mlflow;
using Schane.Runs;
using Schane.Tests.Cli;
using Schane.Tests.Data;
using Schane.Tests.Inference;

namespace Schane.Tests.Reporting.Mlflow;

/// <summary>A run given to MLflow: to a folder as its file store is, and to a small server that keeps the contract of its REST
/// API.</summary>
[Collection(TrainedRunTests.Name)]
[Trait("Long", "1")]
public sealed class MlflowTests(TrainedRun run) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_folder_gets_settings_metrics_and_files_as_the_file_store_keeps_them()
    {
        var store = Path.Combine(folder.Path, "mlruns");
        var ended = SchaneProgram.Run("report", run.Folder, "--mlflow", store, "--mlflow-experiment", "it's mine", "--json").Done();
        var path = ended.Document().GetProperty("mlflow").GetString()!;
        Assert.Equal(Path.Combine(store, "1"), Path.GetDirectoryName(path));
        Assert.Contains("name: 'it''s mine'", File.ReadAllText(Path.Combine(store, "1", "meta.yaml")));
        string Read(params string[] names) => File.ReadAllText(Path.Combine([path, .. names]));
        Assert.Equal("schane", Read("params", "loss"));
        Assert.Equal("30", Read("params", "steps"));
        var losses = Read("metrics", "train", "loss").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(' ')).ToList();
        Assert.Equal(30, losses.Count);
        Assert.Equal(["1", "30"], [losses[0][2], losses[^1][2]]);
        Assert.True(long.Parse(losses[^1][0]) >= long.Parse(losses[0][0]));
        Assert.Equal(RunResults.Load(Path.Combine(run.Folder, "results.json")).Metrics["top1"],
            double.Parse(Read("metrics", "top1").Split(' ')[1]), 1e-12);
        Assert.Contains("status: 3", Read("meta.yaml"));
        Assert.Equal(Path.GetFileName(run.Folder), Read("tags", "mlflow.runName"));
        Assert.True(File.Exists(Path.Combine(path, "artifacts", "results.json")));

        var again = SchaneProgram.Run("report", run.Folder, "--mlflow", store, "--mlflow-experiment", "it's mine");
        Assert.Contains("replace it with --force", again.Refusal());
        SchaneProgram.Run("report", run.Folder, "--mlflow", store, "--mlflow-experiment", "it's mine", "--force").Done();
        Assert.Single(Directory.GetDirectories(Path.Combine(store, "1")));
        Assert.Contains("leave them out", SchaneProgram.Run("report", run.Folder, "--mlflow", store, "--out", "x.html").Refusal());
        Assert.Contains("http or https", SchaneProgram.Run("report", run.Folder, "--mlflow", "ftp://example.com/x").Refusal());
    }

    [Fact]
    public async Task A_server_gets_the_run_in_requests_no_larger_than_it_takes_and_the_same_run_once()
    {
        await using var server = new TrackingServer();
        var made = MlflowRun.Of(RunFolder.Open(run.Folder));
        var many = made with { Metrics = [.. Enumerable.Range(0, 2500).Select(i => new MlflowMetric("train/loss", i, 1, i))] };
        using var client = new MlflowServer(server.Address, name => name == "MLFLOW_TRACKING_TOKEN" ? "secret" : null);
        var (page, files) = await client.SendAsync("look-alikes", many, force: false, Stop);
        Assert.True(files);
        var sent = server.Runs.Single();
        Assert.Equal($"{server.Address}#/experiments/7/runs/{sent.Id}", page.ToString());
        Assert.Equal(2500, sent.Metrics.Count);
        Assert.Equal(made.Parameters, sent.Parameters);
        Assert.Equal(("FINISHED", made.End), (sent.Status, sent.End));
        Assert.Equal([.. made.Files.Select(Path.GetFileName)], sent.Files);
        Assert.All(server.Tokens, token => Assert.Equal("Bearer secret", token));

        var refused = await Assert.ThrowsAsync<SchaneException>(() => client.SendAsync("look-alikes", many, force: false, Stop));
        Assert.Contains("replace it with --force", refused.Message);
        await client.SendAsync("look-alikes", many, force: true, Stop);
        Assert.NotEqual(sent.Id, server.Runs.Single().Id);
    }

    [Fact]
    public async Task A_server_that_refuses_or_is_not_there_is_named_with_the_way_out()
    {
        await using var server = new TrackingServer();
        var made = MlflowRun.Of(RunFolder.Open(run.Folder));
        using (var stranger = new MlflowServer(server.Address, _ => null))
            Assert.Contains("MLFLOW_TRACKING_TOKEN",
                (await Assert.ThrowsAsync<SchaneException>(() => stranger.SendAsync("x", made, false, Stop))).Message);
        using var gone = new MlflowServer(new Uri("http://user:pass@127.0.0.1:1/"), _ => null);
        var error = await Assert.ThrowsAsync<SchaneException>(() => gone.SendAsync("x", made, false, Stop));
        Assert.Contains("Is it running there?", error.Message);
        Assert.DoesNotContain("pass", error.Message);
    }

    /// <summary>As much of MLflow's REST API as a run needs, with its limits.</summary>
    private sealed class TrackingServer : IAsyncDisposable
    {
        private readonly WebApplication application;

        public TrackingServer()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            application = builder.Build();
            application.Use(async (http, next) =>
            {
                Tokens.Add(http.Request.Headers.Authorization.ToString());
                if (Tokens[^1] is "")
                {
                    Tokens.RemoveAt(Tokens.Count - 1);
                    http.Response.StatusCode = 401;
                    await http.Response.WriteAsync("You are not authenticated.");
                }
                else
                    await next(http);
            });
            var experiments = new Dictionary<string, string>();
            IResult Missing() => Results.Json(new { error_code = "RESOURCE_DOES_NOT_EXIST", message = "No such thing." }, statusCode: 404);
            application.MapGet("/api/2.0/mlflow/experiments/get-by-name", (string experiment_name) =>
                experiments.TryGetValue(experiment_name, out var id)
                    ? Results.Json(new { experiment = new { experiment_id = id } }) : Missing());
            application.MapPost("/api/2.0/mlflow/experiments/create", (JsonObject asked) =>
                Results.Json(new { experiment_id = experiments[asked["name"]!.GetValue<string>()] = "7" }));
            application.MapPost("/api/2.0/mlflow/runs/search", (JsonObject asked) => Results.Json(new
            {
                runs = Runs.Where(one => asked["filter"]!.GetValue<string>() == $"tags.`schane.run` = '{one.Tags["schane.run"]}'")
                    .Select(one => new { info = new { run_id = one.Id } }),
            }));
            application.MapPost("/api/2.0/mlflow/runs/delete", (JsonObject asked) =>
            {
                Runs.Remove(Of(asked));
                return Results.Json(new { });
            });
            application.MapPost("/api/2.0/mlflow/runs/create", (JsonObject asked) =>
            {
                var one = new Received(Guid.NewGuid().ToString("N"));
                foreach (var tag in asked["tags"]!.AsArray())
                    one.Tags[tag!["key"]!.GetValue<string>()] = tag["value"]!.GetValue<string>();
                Runs.Add(one);
                return Results.Json(new
                { run = new { info = new { run_id = one.Id, artifact_uri = $"mlflow-artifacts:/7/{one.Id}/artifacts" } } });
            });
            application.MapPost("/api/2.0/mlflow/runs/log-batch", (JsonObject asked) =>
            {
                var (metrics, parameters) = (asked["metrics"]?.AsArray() ?? [], asked["params"]?.AsArray() ?? []);
                if (metrics.Count > 1000 || parameters.Count > 100)
                    return Results.Json(new { error_code = "INVALID_PARAMETER_VALUE", message = "Too many." }, statusCode: 400);
                Of(asked).Metrics.AddRange(metrics.Select(metric => metric!["value"]!.GetValue<double>()));
                Of(asked).Parameters.AddRange(parameters.Select(p => (p!["key"]!.GetValue<string>(), p["value"]!.GetValue<string>())));
                return Results.Json(new { });
            });
            application.MapPut("/api/2.0/mlflow-artifacts/artifacts/7/{id}/artifacts/{file}", (string id, string file) =>
            {
                Runs.Single(one => one.Id == id).Files.Add(file);
                return Results.Json(new { });
            });
            application.MapPost("/api/2.0/mlflow/runs/update", (JsonObject asked) =>
            {
                (Of(asked).Status, Of(asked).End) = (asked["status"]!.GetValue<string>(), asked["end_time"]?.GetValue<long>());
                return Results.Json(new { });
            });
            application.StartAsync().GetAwaiter().GetResult();
            Address = new(application.Urls.Single() + "/");
        }

        public Uri Address { get; }
        public List<Received> Runs { get; } = [];
        public List<string> Tokens { get; } = [];

        public ValueTask DisposeAsync() => application.DisposeAsync();

        private Received Of(JsonObject asked) => Runs.Single(one => one.Id == asked["run_id"]!.GetValue<string>());
    }

    private sealed record Received(string Id)
    {
        public Dictionary<string, string> Tags { get; } = [];
        public List<double> Metrics { get; } = [];
        public List<(string, string)> Parameters { get; } = [];
        public List<string?> Files { get; } = [];
        public string? Status { get; set; }
        public long? End { get; set; }
    }
}
