using System.Text.Json;
using System.Text.Json.Serialization;
using Schane.Checkpoints;

namespace Schane.Runs;

/// <summary>What happened in a run, one <see cref="RunEvent"/> a line, appended and flushed as it happens. Numbers that are not finite
/// are written as null.</summary>
internal sealed class Journal : IDisposable
{
    internal static readonly JsonSerializerOptions Options = new(JsonFile.Options)
    { AllowOutOfOrderMetadataProperties = true, Converters = { new NineDecimals() } };

    private readonly StreamWriter writer;

    public Journal(string path) =>
        writer = new StreamWriter(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read))
        { AutoFlush = true, NewLine = "\n" };

    public void Write(RunEvent happened) => writer.WriteLine(JsonSerializer.Serialize(happened, Options));

    /// <summary>The finite numbers of a step beside its place, by name.</summary>
    public static IEnumerable<(string Name, double Value)> NumbersOf(StepEvent step) =>
        JsonSerializer.SerializeToNode(step, Options)!.AsObject()
            .Where(field => field.Key is not ("step" or "epoch") && field.Value is not null)
            .Select(field => (field.Key, field.Value!.GetValue<double>()));

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

    private sealed class NineDecimals : JsonConverter<double>
    {
        public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDouble();

        public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
        {
            if (double.IsFinite(value))
                writer.WriteNumberValue(Math.Abs(value) >= 1e-3 ? Math.Round(value, 9) : value);
            else
                writer.WriteNullValue();
        }
    }
}
