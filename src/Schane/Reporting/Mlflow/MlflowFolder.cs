using System.Globalization;
using System.Text;

namespace Schane.Reporting.Mlflow;

/// <summary>A folder of runs as MLflow's file store keeps them (<c>mlflow ui --backend-store-uri FOLDER</c> shows it).</summary>
internal static class MlflowFolder
{
    private const int Finished = 3, Running = 1, Local = 4;

    /// <summary>Writes a run.</summary>
    /// <param name="folder">The store; made where it is missing.</param>
    /// <param name="experiment">Name of the experiment; made where it is missing.</param>
    /// <param name="run">The run.</param>
    /// <param name="force">Replaces the same run if it is there.</param>
    /// <returns>The run's folder.</returns>
    /// <exception cref="SchaneException">The run is there already, or the folder can't be written.</exception>
    public static string Write(string folder, string experiment, MlflowRun run, bool force)
    {
        try
        {
            var home = Experiment(Path.GetFullPath(folder), experiment);
            var path = Path.Combine(home, run.Id);
            if (Directory.Exists(path) && !force)
                throw new SchaneException($"Run '{run.Name}' is in the experiment '{Printable.Escape(experiment)}' of " +
                    $"'{Printable.Escape(folder)}' already; replace it with --force.");
            var made = path + ".part";
            if (Directory.Exists(made))
                Directory.Delete(made, recursive: true);
            Make(made, path, Path.GetFileName(home), run);
            if (Directory.Exists(path))
                Directory.Delete(path, recursive: true);
            Directory.Move(made, path);
            return path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SchaneException($"The MLflow store '{Printable.Escape(folder)}' can't be written " +
                $"({Printable.Escape(e.Message.TrimEnd('.'))}); name another folder.", e);
        }
    }

    private static string Experiment(string store, string name)
    {
        foreach (var folder in (Directory.Exists(store) ? Directory.GetDirectories(store) : []).Order(StringComparer.Ordinal))
            if (Path.Combine(folder, "meta.yaml") is var meta && File.Exists(meta)
                && File.ReadLines(meta).Any(line => line == $"name: {Quoted(name)}" || line == $"name: {name}"))
                return folder;
        var id = 1L;
        while (Directory.Exists(Path.Combine(store, $"{id}")))
            id++;
        var home = Directory.CreateDirectory(Path.Combine(store, $"{id}")).FullName;
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        File.WriteAllText(Path.Combine(home, "meta.yaml"), $"""
            artifact_location: {Quoted(new Uri(home).AbsoluteUri)}
            creation_time: {now}
            experiment_id: '{id}'
            last_update_time: {now}
            lifecycle_stage: active
            name: {Quoted(name)}

            """);
        return home;
    }

    private static void Make(string folder, string final, string experiment, MlflowRun run)
    {
        var artifacts = Directory.CreateDirectory(Path.Combine(folder, "artifacts")).FullName;
        foreach (var file in run.Files)
            File.Copy(file, Path.Combine(artifacts, Path.GetFileName(file)));
        File.WriteAllText(Path.Combine(folder, "meta.yaml"), $"""
            artifact_uri: {Quoted(new Uri(Path.Combine(final, "artifacts")).AbsoluteUri)}
            end_time: {(run.End is { } end ? end.ToString(CultureInfo.InvariantCulture) : "null")}
            entry_point_name: ''
            experiment_id: '{experiment}'
            lifecycle_stage: active
            run_id: {run.Id}
            run_name: {Quoted(run.Name)}
            run_uuid: {run.Id}
            source_name: schane
            source_type: {Local}
            source_version: ''
            start_time: {run.Start}
            status: {(run.End is null ? Running : Finished)}
            tags: []
            user_id: ''

            """);
        foreach (var (key, value) in run.Parameters)
            Put(Path.Combine(folder, "params"), key, value);
        foreach (var (key, value) in run.Tags)
            Put(Path.Combine(folder, "tags"), key, value);
        foreach (var metric in run.Metrics.GroupBy(metric => metric.Key))
            Put(Path.Combine(folder, "metrics"), metric.Key, metric.Aggregate(new StringBuilder(), (text, one) =>
                text.Append(CultureInfo.InvariantCulture, $"{one.Time} {one.Value:R} {one.Step}\n")).ToString());
    }

    /// <summary>A key is the name of its file; with slashes, below folders.</summary>
    private static void Put(string folder, string key, string text)
    {
        var file = Path.Combine([folder, .. key.Split('/')]);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }

    /// <summary>A scalar of YAML that means the text and nothing else.</summary>
    private static string Quoted(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
}
