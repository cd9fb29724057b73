using System.Text.Json;
using System.Text.Json.Nodes;
using Schane.Checkpoints;

namespace Schane.Runs;

/// <summary>
/// What happened in a run, one JSON object a line, appended and flushed as it happens: <c>start</c>, <c>step</c>, <c>evaluation</c>,
/// <c>warning</c>, <c>skipped</c> (an image that can't be read), <c>resume</c> and <c>end</c> in the field <c>event</c>. Numbers that are not finite are written as null.
/// </summary>
internal sealed class Journal : IDisposable
{
    private readonly StreamWriter writer;

    public Journal(string path) =>
        writer = new StreamWriter(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read)) { AutoFlush = true, NewLine = "\n" };

    public void Write(string kind, params ReadOnlySpan<(string Name, object? Value)> fields)
    {
        var line = new JsonObject { ["event"] = kind };
        foreach (var (name, value) in fields)
            line[name] = value switch
            {
                double number when !double.IsFinite(number) => null,
                double number => Math.Round(number, 9) is var rounded && Math.Abs(number) >= 1e-3 ? rounded : number,
                _ => JsonSerializer.SerializeToNode(value),
            };
        writer.WriteLine(line.ToJsonString());
    }

    /// <summary>Drops what a run that was cut short wrote after the checkpoint it goes on from, and a torn last line.</summary>
    public static void CutAfter(string path, long step)
    {
        if (!File.Exists(path))
            return;
        var kept = new List<string>();
        foreach (var line in File.ReadLines(path))
        {
            try
            {
                using var json = JsonDocument.Parse(line);
                if (json.RootElement.TryGetProperty("step", out var at) && at.ValueKind == JsonValueKind.Number && at.GetInt64() > step)
                    continue;
                if (json.RootElement.GetProperty("event").GetString() != "end")
                    kept.Add(line);
            }
            catch (JsonException)
            {
                // The line a killed process was writing.
            }
        }
        AtomicFile.WriteText(path, string.Concat(kept.Select(line => line + "\n")));
    }

    public void Dispose() => writer.Dispose();
}
