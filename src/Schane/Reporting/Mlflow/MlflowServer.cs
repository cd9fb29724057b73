using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Schane.Reporting.Mlflow;

/// <summary>A tracking server of MLflow, by its REST API (2.0).</summary>
internal sealed class MlflowServer : IDisposable
{
    /// <summary>The most that one request may hold.</summary>
    private const int MostMetrics = 1000, MostParameters = 100;

    private readonly HttpClient client;
    private readonly Uri address;

    /// <param name="address">http or https.</param>
    /// <param name="environment">Reads a variable: MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME with
    /// MLFLOW_TRACKING_PASSWORD.</param>
    public MlflowServer(Uri address, Func<string, string?> environment)
    {
        this.address = new(address.AbsoluteUri.TrimEnd('/') + "/");
        client = new() { Timeout = TimeSpan.FromSeconds(60) };
        if (environment("MLFLOW_TRACKING_TOKEN") is { Length: > 0 } token)
            client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        else if (environment("MLFLOW_TRACKING_USERNAME") is { Length: > 0 } user)
            client.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String(
                Encoding.UTF8.GetBytes($"{user}:{environment("MLFLOW_TRACKING_PASSWORD")}")));
    }

    /// <summary>Sends a run; its files too where the server takes them.</summary>
    /// <param name="experiment">Name of the experiment; made where it is missing.</param>
    /// <param name="run">The run.</param>
    /// <param name="force">Replaces the same run if it is there.</param>
    /// <param name="stop">Stops between requests.</param>
    /// <returns>Address of the run's page, and whether its files were taken.</returns>
    /// <exception cref="SchaneException">The run is there already, or the server refuses or does not answer.</exception>
    public async Task<(Uri Page, bool Files)> SendAsync(string experiment, MlflowRun run, bool force, CancellationToken stop)
    {
        var home = await ExperimentAsync(experiment, stop).ConfigureAwait(false);
        var same = await PostAsync("runs/search", new JsonObject
        {
            ["experiment_ids"] = new JsonArray(home), ["filter"] = $"tags.`{MlflowRun.IdTag}` = '{run.Id}'", ["max_results"] = 1,
        }, stop).ConfigureAwait(false);
        if (same["runs"] is JsonArray { Count: > 0 } found)
        {
            if (!force)
                throw new SchaneException($"Run '{run.Name}' is in the experiment '{Printable.Escape(experiment)}' of {Shown} already; " +
                    "replace it with --force.");
            await PostAsync("runs/delete", new JsonObject { ["run_id"] = found[0]!["info"]!["run_id"]!.DeepClone() }, stop)
                .ConfigureAwait(false);
        }
        var made = await PostAsync("runs/create", new JsonObject
        {
            ["experiment_id"] = home, ["run_name"] = run.Name, ["start_time"] = run.Start, ["tags"] = Pairs(run.Tags),
        }, stop).ConfigureAwait(false);
        var info = made["run"]?["info"] ?? throw Refused("runs/create", "its answer names no run");
        var id = info["run_id"]!.GetValue<string>();
        foreach (var some in run.Parameters.Chunk(MostParameters))
            await PostAsync("runs/log-batch", new JsonObject { ["run_id"] = id, ["params"] = Pairs(some) }, stop).ConfigureAwait(false);
        foreach (var some in run.Metrics.Chunk(MostMetrics))
            await PostAsync("runs/log-batch", new JsonObject
            {
                ["run_id"] = id,
                ["metrics"] = new JsonArray([.. some.Select(metric => new JsonObject
                {
                    ["key"] = metric.Key, ["value"] = metric.Value, ["timestamp"] = metric.Time, ["step"] = metric.Step,
                })]),
            }, stop).ConfigureAwait(false);
        var files = await FilesAsync(info["artifact_uri"]?.GetValue<string>(), run.Files, stop).ConfigureAwait(false);
        await PostAsync("runs/update", run.End is { } end
            ? new JsonObject { ["run_id"] = id, ["status"] = "FINISHED", ["end_time"] = end }
            : new JsonObject { ["run_id"] = id, ["status"] = "RUNNING" }, stop).ConfigureAwait(false);
        return (new(address, $"#/experiments/{home}/runs/{id}"), files);
    }

    public void Dispose() => client.Dispose();

    /// <summary>The address without what is secret in it.</summary>
    private string Shown => address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped).TrimEnd('/');

    private async Task<string> ExperimentAsync(string name, CancellationToken stop)
    {
        const string Find = "experiments/get-by-name";
        var at = new Uri(address, $"api/2.0/mlflow/{Find}?experiment_name={Uri.EscapeDataString(name)}");
        using var answer = await AskAsync(Find, () => client.GetAsync(at, stop), stop).ConfigureAwait(false);
        if (answer.StatusCode != HttpStatusCode.NotFound)
            return (await ReadAsync(Find, answer, stop).ConfigureAwait(false))["experiment"]?["experiment_id"]?.GetValue<string>()
                ?? throw Refused(Find, "its answer names no experiment");
        var made = await PostAsync("experiments/create", new JsonObject { ["name"] = name }, stop).ConfigureAwait(false);
        return made["experiment_id"]?.GetValue<string>() ?? throw Refused("experiments/create", "its answer names no experiment");
    }

    /// <summary>Sends files where the server keeps them itself; other stores only its own client knows.</summary>
    private async Task<bool> FilesAsync(string? store, IReadOnlyList<string> files, CancellationToken stop)
    {
        const string Proxied = "mlflow-artifacts:";
        if (store?.StartsWith(Proxied, StringComparison.Ordinal) != true)
            return false;
        var below = new Uri(store).AbsolutePath.Trim('/');
        foreach (var file in files)
        {
            using var content = new StreamContent(File.OpenRead(file));
            content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            var to = new Uri(address, $"api/2.0/mlflow-artifacts/artifacts/{below}/{Uri.EscapeDataString(Path.GetFileName(file))}");
            using var answer = await AskAsync("artifacts", () => client.PutAsync(to, content, stop), stop).ConfigureAwait(false);
            if (!answer.IsSuccessStatusCode)
                throw Refused("artifacts", $"HTTP {(int)answer.StatusCode}");
        }
        return true;
    }

    private async Task<JsonNode> PostAsync(string what, JsonObject content, CancellationToken stop)
    {
        var to = new Uri(address, $"api/2.0/mlflow/{what}");
        using var answer = await AskAsync(what, () => client.PostAsJsonAsync(to, content, stop), stop).ConfigureAwait(false);
        return await ReadAsync(what, answer, stop).ConfigureAwait(false);
    }

    private async Task<HttpResponseMessage> AskAsync(string what, Func<Task<HttpResponseMessage>> ask, CancellationToken stop)
    {
        try
        {
            return await ask().ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !stop.IsCancellationRequested))
        {
            throw new SchaneException(
                $"The MLflow server {Shown} does not answer '{what}': {e.Message.TrimEnd('.')}. Is it running there?", e);
        }
    }

    private async Task<JsonNode> ReadAsync(string what, HttpResponseMessage answer, CancellationToken stop)
    {
        var text = await answer.Content.ReadAsStringAsync(stop).ConfigureAwait(false);
        JsonNode? content = null;
        try
        {
            content = JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            // a page of a proxy, for instance: the status says it
        }
        if (answer.IsSuccessStatusCode && content is JsonObject)
            return content;
        var way = answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden
            ? "; set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD" : "";
        throw Refused(what, (content as JsonObject)?["message"]?.ToString() is { Length: > 0 } message
            ? $"{Printable.Short(message)} (HTTP {(int)answer.StatusCode}){way}" : $"HTTP {(int)answer.StatusCode}{way}");
    }

    private SchaneException Refused(string what, string why) => new($"The MLflow server {Shown} refuses '{what}': {why}.");

    private static JsonArray Pairs(IEnumerable<(string Key, string Value)> pairs) =>
        [.. pairs.Select(pair => new JsonObject { ["key"] = pair.Key, ["value"] = pair.Value })];
}
